//! A whole mixnet with monerod in one process.
