//! What can be wrong with conversations.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use mixbed_wire::letter::LetterId;

use super::Peer;
use crate::file::FileError;
use crate::letters::MailboxError;

/// Why something of a [`Chat`](super::Chat) did not work.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// Something with letters or the mailbox.
    #[error(transparent)]
    Mailbox(#[from] MailboxError),
    /// The conversations cannot be read or written.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// Somebody without a name cannot be answered.
    #[error("{0} cannot be answered: {1}")]
    NoAnswer(Peer, NoAnswer),
    /// There is no such letter.
    #[error("no letter {0} is here: it was never received, or is forgotten")]
    NoLetter(LetterId),
    /// It was written here.
    #[error("letter {0} was written here: answer one that was received")]
    OwnLetter(LetterId),
    /// Too many are being sent.
    #[error("{0} messages are being sent already: wait for one of them")]
    TooManyUnderWay(usize),
    /// There is no room for another contact.
    #[error("{0} contacts are as many as there may be: remove one")]
    TooManyContacts(usize),
}

/// Why somebody without a name cannot be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The letter brought no reply blocks.
    #[error("the letter came without a name and without reply blocks")]
    NotOffered,
    /// The keys that they are made of are erased.
    #[error(
        "its reply blocks were good until {} (UTC), and the keys that they are made of are erased",
        clock(*at)
    )]
    Expired {
        /// Until when they were good.
        at: SystemTime,
    },
    /// Each is good for one answer.
    #[error("its reply blocks are used up, each is good for one answer")]
    UsedUp,
}

/// The time of day, as `14:32:05`.
fn clock(at: SystemTime) -> String {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Why conversations cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file system says no.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// Another client uses the file.
    #[error("{path} is in use by another process", path = .path.display())]
    Locked {
        /// Which file.
        path: PathBuf,
    },
    /// The file is of no use.
    #[error("{path} is damaged ({what}): move it away, and begin with an empty history", path = .path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

impl HistoryError {
    pub(super) fn of(path: &Path, error: FileError) -> Self {
        let path = path.to_owned();
        match error {
            FileError::Io(source) => Self::Io { path, source },
            FileError::Locked => Self::Locked { path },
            FileError::Corrupt(what) => Self::Corrupt { path, what },
        }
    }
}
