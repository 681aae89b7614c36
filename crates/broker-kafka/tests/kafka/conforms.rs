//! The contract.

use crate::node::broker;

broker::conformance_suite!(carrying: broker().await);
