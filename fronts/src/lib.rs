//! What wallets connect to: a SOCKS port and a daemon RPC endpoint, in front of a client.
