//! The client on a whole mixnet in this process, over real loopback links.

mod broadcast;
mod chat;
mod drain;
mod durable;
mod elsewhere;
mod letters;
mod monerod;
mod providers;
mod requests;
mod rig;
mod states;
mod words;
