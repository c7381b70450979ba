//! What an authority notices of the others.

use crate::clock::ClockOffset;
use crate::identity::IdentityPublic;

/// Something that an operator has to know: a directory is wrong, or lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VotingEvent {
    /// An authority told one thing to some and another to others: it has signed both. It is left out
    /// for an hour.
    Equivocated {
        /// Which authority.
        authority: IdentityPublic,
    },
    /// An authority proposed another document than its ballots make.
    Diverged {
        /// Which authority.
        authority: IdentityPublic,
        /// The document's revision.
        revision: u64,
    },
    /// An authority left another one's ballot out of its proposal.
    LeftOut {
        /// Who proposed.
        authority: IdentityPublic,
        /// Whose ballot it left out.
        voter: IdentityPublic,
    },
    /// An authority's clock is far from this one's: its ballots do not count.
    ClockOff {
        /// Which authority.
        authority: IdentityPublic,
        /// How far this clock is from its.
        offset: ClockOffset,
    },
    /// Two documents of one number have enough signatures: those who signed both lie, and the
    /// followers of either refuse the other.
    Forked {
        /// Epoch and revision of both.
        version: (u64, u64),
        /// Who signed both.
        signers: Vec<IdentityPublic>,
    },
    /// An authority sees other nodes or parameters than the document says, for longer than news
    /// takes to spread.
    Disagrees {
        /// Which authority.
        authority: IdentityPublic,
    },
    /// An authority has not been heard for a while.
    Silent {
        /// Which authority.
        authority: IdentityPublic,
    },
    /// It is heard again.
    Heard {
        /// Which authority.
        authority: IdentityPublic,
    },
}

impl VotingEvent {
    /// Every kind.
    pub const KINDS: &[&str] = &[
        "equivocated",
        "diverged",
        "left_out",
        "clock_off",
        "forked",
        "disagrees",
        "silent",
        "heard",
    ];

    /// Its kind, one of [`VotingEvent::KINDS`]: a label in metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Equivocated { .. } => "equivocated",
            Self::Diverged { .. } => "diverged",
            Self::LeftOut { .. } => "left_out",
            Self::ClockOff { .. } => "clock_off",
            Self::Forked { .. } => "forked",
            Self::Disagrees { .. } => "disagrees",
            Self::Silent { .. } => "silent",
            Self::Heard { .. } => "heard",
        }
    }
}
