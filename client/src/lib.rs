//! Send messages through a mixbed mixnet, and receive their answers.

pub mod core;
