//! What a program of Monero's knows, by its own `--help`.
//!
//! Versions of Monero differ in their options, and a program refuses to start with one that it
//! does not know. So each program is asked before it is started: what it is given depends on
//! [`Help::knows`], never on a version number.
//!
//! Who starts children on this machine reads a [`Help`] itself. In a pod, where the images have no
//! shell, the crate's program `mixbed-launch` does the same and then becomes the other program.

mod help;
mod optional;

pub use help::Help;
pub use optional::Optional;
