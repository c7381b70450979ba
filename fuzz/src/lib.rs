//! What the network can hand to each parser.
//!
//! A module a target: its `run` takes any bytes and panics if a property does not hold, its `seeds`
//! are inputs made of real things, from which fuzzing starts. `fuzz_targets/` has the same as
//! programs of libFuzzer, `tests/corpus.rs` runs the seeds and changes of them in every `cargo test`.
//!
//! Most parsers stand behind a MAC or a signature, which no mutation gets through. So inputs are
//! not the bytes on the wire but choices: what an authenticated but hostile peer says, what is
//! changed on its way, in which order things come.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a property fails")]

mod input;
mod net;
mod signing;

pub mod calls;
pub mod channel;
pub mod descriptor;
pub mod document;
pub mod exchange;
pub mod fragment;
pub mod frame;
pub mod guard;
pub mod letter;
pub mod link;
pub mod mailbox;
pub mod packet;
pub mod reassembly;
pub mod registration;
pub mod reply_block;
pub mod request;
pub mod services;
pub mod session;
pub mod sphinx;
pub mod voting;

/// An input's name and its bytes.
pub type Seed = (&'static str, Vec<u8>);

/// A target: its name, what it runs, and its seeds.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The same as of the module, the program and the folder in `corpus/`.
    pub name: &'static str,
    /// Takes any bytes; panics if a property does not hold.
    pub run: fn(&[u8]),
    /// Inputs made of real things, the same each time.
    pub seeds: fn() -> Vec<Seed>,
}

macro_rules! targets {
    ($($name:ident,)*) => {
        /// All targets.
        pub const TARGETS: &[Target] = &[
            $(Target { name: stringify!($name), run: $name::run, seeds: $name::seeds },)*
        ];
    };
}

targets! {
    calls, channel, descriptor, document, exchange, fragment, frame, guard, letter, link, mailbox, packet,
    reassembly, registration, reply_block, request, services, session, sphinx, voting,
}
