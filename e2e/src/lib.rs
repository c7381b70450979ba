//! End-to-end tests: the mixnet against a real monerod.
