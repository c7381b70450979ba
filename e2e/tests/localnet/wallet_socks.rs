//! Stock wallets through the SOCKS port.
