//! Runs, from the wallet to the block, through a mixnet in this process, with a real monerod.

mod runs;
mod world;
