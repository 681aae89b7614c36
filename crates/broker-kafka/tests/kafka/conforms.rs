//! The contract.

use crate::node::broker;

broker::conformance_suite!(without_store: broker().await);
