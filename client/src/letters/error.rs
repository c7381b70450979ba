//! What can be wrong with letters and mailboxes.

use mixbed_wire::NodeId;
use mixbed_wire::letter::LetterError;

use crate::request::RequestError;
use crate::state::NotReady;

use super::AcceptedError;

/// Why a letter was not sent, or a mailbox could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// The letter cannot be sealed.
    #[error(transparent)]
    Letter(#[from] LetterError),
    /// The gateway was not reached, or did not answer well.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Nobody keeps mailboxes, or not the gateway that was asked for.
    #[error("{}", no_gateway(wanted.as_deref(), known))]
    NoGateway {
        /// The gateway that was asked for.
        wanted: Option<String>,
        /// Those that keep mailboxes.
        known: Vec<String>,
    },
    /// The mailbox's gateway is not in the network.
    #[error(
        "the network has no gateway {0} now, which keeps the mailbox: it is away, or has lost its \
         keys and with them its mailboxes"
    )]
    GatewayAway(NodeId),
    /// The receiver has no mailbox there.
    #[error("{0} has no such mailbox: its owner never opened it, or has been away for too long")]
    NoMailbox(String),
    /// The receiver's mailbox is full.
    #[error("the mailbox at {0} is full: its owner has to collect some letters first")]
    Full(String),
    /// The gateway takes no further mailboxes.
    #[error("{0} keeps as many mailboxes as it may: use another gateway")]
    NoRoom(String),
    /// The answer makes no sense.
    #[error("{0} answered something that this version does not read")]
    Answer(String),
    /// No reply blocks can be made now.
    #[error("no way back to this client can be offered now: {0}")]
    NoWayBack(String),
    /// A reply block was used before.
    #[error("{0} has sent something by this reply block before: each is good for one answer")]
    BlockUsed(String),
    /// It has too much to do.
    #[error("{0} sends on as many answers as it may: try again")]
    Busy(String),
    /// There is no letter of this name to be accepted.
    #[error("no letter {0} was received and not yet accepted")]
    NotReceived(mixbed_wire::letter::LetterId),
    /// What was accepted cannot be remembered.
    #[error(transparent)]
    Accepted(#[from] AcceptedError),
}

impl From<NotReady> for MailboxError {
    fn from(error: NotReady) -> Self {
        Self::Request(error.into())
    }
}

fn no_gateway(wanted: Option<&str>, known: &[String]) -> String {
    let there = match known {
        [] => "no gateway of the network does".to_owned(),
        known => format!("these do: {}", known.join(", ")),
    };
    match wanted {
        Some(name) => format!("the network has no gateway {name} that keeps mailboxes; {there}"),
        None => format!("no mailbox can be opened: gateways have to offer it, and {there}"),
    }
}

impl MailboxError {
    /// Whether the same may go well later.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Request(error) => matches!(
                error,
                RequestError::NotReady(_)
                    | RequestError::DeadlinePassed { .. }
                    | RequestError::ProviderGone { .. }
                    | RequestError::Failed { .. }
                    // Sealed to the key that the gateway had before it was restarted.
                    | RequestError::Refused { .. }
                    | RequestError::TooManyMessages(_)
            ),
            Self::GatewayAway(_) => true,
            _ => false,
        }
    }
}
