//! End-to-end tests: the mixnet against a real monerod. They are all in `tests/`.
