//! How a command ends when it does not end well.

use std::fmt::Display;
use std::process::ExitCode;

use crate::signals::INTERRUPTED;

/// Why a command failed, ready for the terminal: one line with what went wrong, where, and what to
/// do. The modules' own errors are typed; they become this where a command ends.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line, the environment or a configuration file asks for what cannot be: exit
    /// code 2.
    Usage(String),
    /// It was tried and did not work: exit code 1.
    Failed(String),
    /// As `Failed`, and the output has said why already.
    Told,
    /// Ctrl-C before it was done: a second one, where the first asks for a good end.
    Interrupted,
}

impl Failure {
    pub(crate) fn usage(why: impl Display) -> Self {
        Self::Usage(why.to_string())
    }

    pub(crate) fn failed(why: impl Display) -> Self {
        Self::Failed(why.to_string())
    }

    /// Says it on standard error.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Usage(why) => {
                crate::output::complain(why);
                ExitCode::from(2)
            }
            Self::Failed(why) => {
                crate::output::complain(why);
                ExitCode::from(1)
            }
            Self::Told => ExitCode::from(1),
            Self::Interrupted => ExitCode::from(INTERRUPTED),
        }
    }
}
