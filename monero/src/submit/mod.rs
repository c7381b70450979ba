//! Handing a transaction to monerod so that the answer can be relied upon.
//!
//! monerod takes the same transaction twice without complaint, so everything uncertain is tried
//! again: a broken connection, a hung or restarting daemon, `BUSY`. A refusal is checked against
//! monerod's own pool and chain before it is reported. What the rules are is in [`Submission`],
//! without I/O; [`submit()`] carries it out.

mod core;
mod outcome;
mod shell;

pub use self::core::{Step, Submission, Trouble};
pub use outcome::{Call, CallKind, Outcome, Report};
pub use shell::submit;
