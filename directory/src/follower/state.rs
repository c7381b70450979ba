//! How well informed a follower is.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::clock::ClockOffset;
use crate::document::MissingPart;

/// How well informed a follower is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FollowerState {
    /// No document yet.
    Connecting {
        /// Since when it tries.
        since: SystemTime,
        /// What went wrong last.
        last_error: Option<String>,
    },
    /// It has the current document and hears of each new one.
    Following,
    /// This machine's clock or the directory's is wrong: they differ by more than is tolerated. With
    /// either, packets could be sealed for another epoch than everybody else's, which marks them;
    /// so its document is not gone by until they agree.
    Skewed {
        /// How far this machine's clock is from the directory's.
        offset: ClockOffset,
        /// How far it may be.
        tolerated: Duration,
    },
    /// The directory is away or serves nothing good: the last good document is still valid and
    /// used on.
    Stale {
        /// Since when.
        since: SystemTime,
        /// What is wrong.
        why: String,
    },
    /// The last good document may not be used any more and no other was to be had.
    Expired {
        /// Since when.
        since: SystemTime,
        /// What is wrong.
        why: String,
    },
}

impl FollowerState {
    /// Whether it has the current document and hears of each new one.
    #[must_use]
    pub const fn is_following(&self) -> bool {
        matches!(self, Self::Following)
    }

    /// Whether the document may be gone by.
    #[must_use]
    pub(super) const fn is_usable(&self) -> bool {
        !matches!(self, Self::Expired { .. } | Self::Skewed { .. })
    }

    /// Whether it says the same. By how much clocks differ changes with each document: that alone
    /// is no news.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self == other || matches!((self, other), (Self::Skewed { .. }, Self::Skewed { .. }))
    }

    /// The state's word, the same in metrics and logs.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Connecting { .. } => "connecting",
            Self::Following => "following",
            Self::Skewed { .. } => "skewed",
            Self::Stale { .. } => "stale",
            Self::Expired { .. } => "expired",
        }
    }
}

impl fmt::Display for FollowerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::Connecting { last_error: None, .. } | Self::Following => Ok(()),
            Self::Skewed { offset, tolerated } => write!(
                f,
                ": this machine's clock is {offset}, more than the {tolerated:?} that are tolerated: nothing is sent until they agree; set the clock that is wrong"
            ),
            Self::Connecting { last_error: Some(why), .. }
            | Self::Stale { why, .. }
            | Self::Expired { why, .. } => write!(f, ": {why}"),
        }
    }
}

/// There was no such document in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotReady {
    /// How long was waited.
    pub waited: Duration,
    /// How well informed the follower is.
    pub state: FollowerState,
    /// What the current document lacks, if there is one.
    pub missing: Vec<MissingPart>,
}

impl std::error::Error for NotReady {}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no document to work with after {:?}: {}", self.waited, self.state)?;
        for (i, part) in self.missing.iter().enumerate() {
            let before = if i == 0 { "; the network lacks " } else { ", " };
            write!(f, "{before}{part}")?;
        }
        Ok(())
    }
}
