//! The broker in memory keeps the contract.

broker::conformance_suite!(broker::memory::broker());
