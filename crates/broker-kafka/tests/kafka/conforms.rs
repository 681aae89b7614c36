//! The contract.

use crate::node::broker;

broker::conformance_suite!(carrying: broker().await);
broker::conformance_suite!(inspection: broker().await);
