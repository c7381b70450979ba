//! Letters from user to user, sealed end to end, and the addresses that they are sent to.
//!
//! Whoever has a *mailbox key* can have a mailbox at a gateway; key and gateway together are its
//! [`MailboxAddress`], a text to hand around. A letter is sealed to the key with one Noise
//! message (`X`), in one of four sizes, so its length says little and nothing tells a letter that
//! is signed from one that is not: without a name the sender's key is one drawn for this letter.
//! What it brings besides a text is [`Enclosed`]: reply blocks among it, by which a letter without
//! a name can be answered ([`SealedAnswer`]).

mod address;
mod answer;
mod enclosed;
mod id;
mod noise;
mod sealed;
mod size;
mod stamp;

pub use address::{MailboxAddress, ParseMailboxAddressError};
pub use answer::{ANSWER_SIZE, AnswerBody, LetterAnswer, MAX_ANSWER_TEXT, SealedAnswer};
pub use enclosed::{Enclosed, MAX_OFFERED, ReplyOffer};
pub use id::{LetterId, MailboxId};
pub(crate) use noise::{OVERHEAD, open as noise_open, seal as noise_seal};
pub use sealed::{Letter, LetterError, SealedLetter, Sender};
pub use size::{LETTER_SIZES, MAX_LETTER_TEXT};
pub use stamp::whole_minute;
