//! What happened, boiled down to a hash: two runs are the same if theirs are.

use std::fmt;

use mixbed_wire::{Packet, PacketFormat, ReplayTag};
use sha2::{Digest, Sha256};

use crate::{Moment, Transparent};

/// Something that happened in a run.
#[derive(Clone, Copy, Debug)]
pub struct Happening<'a> {
    /// When.
    pub at: Moment,
    /// What: a word.
    pub what: &'static str,
    /// Whom it happened to, by name.
    pub who: &'a str,
    /// Who else was part of it, or nobody.
    pub whom: &'a str,
    /// What it was about: a packet's mark, a document's hash, an answer's length.
    pub about: &'a [u8],
}

impl fmt::Display for Happening<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, what, who, whom, about } = self;
        let (seconds, nanos) = (at / 1_000_000_000, at % 1_000_000_000);
        write!(f, "{seconds:>6}.{nanos:09} {what} {who} {whom} {}", hex::encode(about))
    }
}

/// The transcript of a run. It is hashed as it grows, in full: times to the nanosecond, names,
/// packets and documents.
pub struct Transcript {
    hash: Sha256,
    happenings: u64,
    listener: Option<Listener>,
}

type Listener = Box<dyn FnMut(&Happening<'_>)>;

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transcript").field("happenings", &self.happenings).finish_non_exhaustive()
    }
}

impl Default for Transcript {
    fn default() -> Self {
        Self { hash: Sha256::new(), happenings: 0, listener: None }
    }
}

impl Transcript {
    /// From now on `listener` hears of everything that happens.
    pub fn listen(&mut self, listener: impl FnMut(&Happening<'_>) + 'static) {
        self.listener = Some(Box::new(listener));
    }

    /// How much has happened.
    #[must_use]
    pub fn happenings(&self) -> u64 {
        self.happenings
    }

    /// The hash of all that has happened, in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> String {
        hex::encode(self.hash.clone().finalize())
    }

    pub(crate) fn note(&mut self, happening: &Happening<'_>) {
        let Happening { at, what, who, whom, about } = happening;
        self.happenings += 1;
        self.hash.update(at.to_be_bytes());
        for text in [what.as_bytes(), who.as_bytes(), whom.as_bytes(), about] {
            self.hash.update((text.len() as u64).to_be_bytes());
            self.hash.update(text);
        }
        if let Some(listener) = &mut self.listener {
            listener(happening);
        }
    }
}

/// A packet format that can be simulated.
pub trait SimPacket: PacketFormat {
    /// Its name.
    const NAME: &'static str;

    /// What tells a packet on a link from all others, and is the same whenever the run is.
    fn mark(&self) -> ReplayTag;

    /// What is the same of it at all its hops, if there is such a thing: a true one has none.
    fn trail(&self) -> Option<ReplayTag>;
}

impl SimPacket for Packet {
    const NAME: &'static str = "sphinx";

    /// Half of its header's group element. Not all of its bytes: the library pads a packet's
    /// innermost header with bytes that it draws itself, which shows in the sealed ones, and
    /// nowhere else.
    fn mark(&self) -> ReplayTag {
        let mut mark = [0; 16];
        mark.copy_from_slice(&self.as_bytes()[..16]);
        mark
    }

    fn trail(&self) -> Option<ReplayTag> {
        None
    }
}

impl SimPacket for Transparent {
    const NAME: &'static str = "transparent";

    fn mark(&self) -> ReplayTag {
        self.tag()
    }

    fn trail(&self) -> Option<ReplayTag> {
        Some(self.nonce())
    }
}
