//! Transactions that monerod must refuse, made from real ones. For tests, here and elsewhere.
