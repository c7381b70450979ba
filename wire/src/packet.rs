//! The Sphinx packet: sealed by a sender for five hops, opened by each of them in turn.

use std::time::Duration;

use rand::Rng;
use zeroize::Zeroizing;

use crate::sphinx::{self, HopSecrets, Payload, PayloadSeed, Peeled, Sender, Unreadable};
use crate::{DropReason, HopAddress, MAX_DELAY, PacketFormat, SphinxPublic, SphinxSecret};

/// Hops on a route, the exit included: the most that the packet format has room for.
pub const HOPS: usize = sphinx::HOPS;

/// Bytes in a packet, header and payload: the same for every packet there is.
pub const PACKET_SIZE: usize = 3072;

/// Bytes of a packet that the layers of encryption cover besides the header.
const PAYLOAD_SIZE: usize = PACKET_SIZE - sphinx::HEADER;

/// The most that one packet carries for its receiver, in bytes.
pub const MAX_PLAINTEXT: usize = PAYLOAD_SIZE - sphinx::PAYLOAD_OVERHEAD;

/// Sixteen bytes that a route's creator leaves for its last hop: a reply's name, or zeros.
pub type Identifier = [u8; sphinx::IDENTIFIER];

/// One hop of a route as the sender plans it.
#[derive(Clone, Copy, Debug)]
pub struct RouteHop {
    /// The hop and the trace that its packet reports to.
    pub address: HopAddress,
    /// The hop's packet key.
    pub key: SphinxPublic,
    /// How long the hop is to hold the packet. The last hop holds nothing: its delay is unused.
    pub delay: Duration,
}

/// A route: [`HOPS`] hops in the order of travel.
pub type Route = [RouteHop; HOPS];

/// A packet as it travels: [`PACKET_SIZE`] bytes that tell nothing without a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Packet(Box<[u8; PACKET_SIZE]>);

impl std::fmt::Debug for Packet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Packet({}…)", hex::encode(&self.0[..8]))
    }
}

/// Why a packet could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The receiver's part is longer than [`MAX_PLAINTEXT`].
    #[error("{0} bytes do not fit into a packet, which carries {MAX_PLAINTEXT}")]
    TooLong(usize),
    /// A reply block's identifier is zero: then its reply cannot be told from a packet.
    #[error("a reply block needs a name: its identifier is zero")]
    Unnamed,
}

impl Packet {
    /// Seals `plaintext` for the last hop of `route`.
    ///
    /// `destination` and `identifier` are readable by the last hop only.
    pub fn seal<R: Rng + ?Sized>(
        route: &Route,
        destination: HopAddress,
        identifier: Identifier,
        plaintext: &[u8],
        rng: &mut R,
    ) -> Result<Self, SealError> {
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(SealError::TooLong(plaintext.len()));
        }
        let mut bytes = Box::new([0; PACKET_SIZE]);
        let (header, payload) = bytes.split_at_mut(sphinx::HEADER);
        let sender = write_header(route, destination, identifier, header, rng);
        let mut payload = Payload(payload);
        payload.write(plaintext);
        for secrets in sender.hops().iter().rev() {
            payload.add_layer(&secrets.payload_seed());
        }
        Ok(Self(bytes))
    }

    /// Takes a packet's bytes as they came; whether they are one shows when it is opened.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; PACKET_SIZE]) -> Self {
        Self(Box::new(*bytes))
    }

    /// The packet's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; PACKET_SIZE] {
        &self.0
    }

    /// Checks that the packet was sealed for `key`, at the price of one scalar multiplication.
    ///
    /// The result's [`replay_tag`](Opened::replay_tag) is to be checked before the packet is
    /// unwrapped: a replayed packet then costs half of a fresh one, a forged one leaves no trace.
    ///
    /// # Errors
    /// [`DropReason::BadMac`] if it was not, or was changed on the way.
    pub fn open(&self, key: &SphinxSecret) -> Result<Opened, DropReason> {
        let header = &self.0[..sphinx::HEADER];
        let secrets = HopSecrets::at_hop(key.bytes(), &sphinx::alpha(header));
        if sphinx::is_genuine(header, &secrets) {
            Ok(Opened { secrets })
        } else {
            Err(DropReason::BadMac)
        }
    }

    /// A packet of this header, whose payload is a reply with its one layer.
    pub(crate) fn reply(header: &[u8], plaintext: &[u8], seed: &PayloadSeed) -> Self {
        let mut bytes = Box::new([0; PACKET_SIZE]);
        let (place, payload) = bytes.split_at_mut(sphinx::HEADER);
        place.copy_from_slice(header);
        let mut payload = Payload(payload);
        payload.write(plaintext);
        payload.add_layer(seed);
        Self(bytes)
    }

    pub(crate) fn payload(&mut self) -> Payload<'_> {
        Payload(&mut self.0[sphinx::HEADER..])
    }
}

/// Sixteen bytes that are the same whenever the same packet meets the same key: half of the `h_τ(s)`
/// of the Sphinx paper, enough for no two packets ever to share them by chance.
pub type ReplayTag = [u8; 16];

/// What a hop shares with the sender of a packet whose header proved genuine.
pub struct Opened {
    secrets: HopSecrets,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opened(…)")
    }
}

/// What a hop finds under its layer.
#[derive(Debug)]
pub enum Unwrapped<P: PacketFormat = Packet> {
    /// It is to be held, then passed on.
    Forward {
        /// Whom to, and the trace that this hop reports to.
        next: HopAddress,
        /// How long to hold it; at most [`MAX_DELAY`].
        delay: Duration,
        /// The packet for the next hop.
        packet: P,
    },
    /// The route ends here.
    Exit(P::Exit),
}

/// The end of a route.
pub struct Exit {
    /// What the route's creator wrote for its last hop.
    pub destination: HopAddress,
    /// A reply's name, or zeros.
    pub identifier: Identifier,
    pub(crate) packet: Packet,
}

impl std::fmt::Debug for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exit").field("destination", &self.destination).finish_non_exhaustive()
    }
}

impl Exit {
    /// What the sender sealed, 0 to [`MAX_PLAINTEXT`] bytes.
    ///
    /// # Errors
    /// [`DropReason::BadPayload`] if the payload was changed on the way (tagged): its layers are a
    /// wide-block cipher, so one flipped bit garbles all of it.
    pub fn plaintext(mut self) -> Result<Vec<u8>, DropReason> {
        self.packet.payload().read().map(<[u8]>::to_vec).ok_or(DropReason::BadPayload)
    }
}

impl Opened {
    /// By which a packet is known again.
    #[must_use]
    pub fn replay_tag(&self) -> ReplayTag {
        let mut tag = [0; 16];
        tag.copy_from_slice(&self.secrets.tag[..16]);
        tag
    }

    /// Takes this hop's layer off the packet that was opened: the second scalar multiplication, and
    /// the payload's cipher.
    ///
    /// # Errors
    /// [`DropReason::UnsupportedVersion`], [`DropReason::DelayTooLong`] or
    /// [`DropReason::Malformed`], all of them the sender's doing.
    pub fn unwrap(self, mut packet: Packet) -> Result<Unwrapped, DropReason> {
        let peeled = sphinx::peel(&mut packet.0[..sphinx::HEADER], &self.secrets);
        let peeled = peeled.map_err(|unreadable| match unreadable {
            Unreadable::Flag => DropReason::Malformed,
            Unreadable::Version => DropReason::UnsupportedVersion,
        })?;
        if let Peeled::Forward { nanos, .. } = peeled
            && Duration::from_nanos(nanos) > MAX_DELAY
        {
            return Err(DropReason::DelayTooLong);
        }
        packet.payload().take_layer(&self.secrets.payload_seed());
        Ok(match peeled {
            Peeled::Forward { next, nanos } => Unwrapped::Forward {
                next: HopAddress::from_bytes(next),
                delay: Duration::from_nanos(nanos),
                packet,
            },
            Peeled::Final { destination, identifier } => Unwrapped::Exit(Exit {
                destination: HopAddress::from_bytes(destination),
                identifier,
                packet,
            }),
        })
    }
}

/// Draws an ephemeral secret, and writes a header for the route.
pub(crate) fn write_header<R: Rng + ?Sized>(
    route: &Route,
    destination: HopAddress,
    identifier: Identifier,
    header: &mut [u8],
    rng: &mut R,
) -> Sender {
    let mut ephemeral = Zeroizing::new([0; 32]);
    rng.fill_bytes(ephemeral.as_mut_slice());
    let mut padding = [0; sphinx::PADDING];
    rng.fill_bytes(&mut padding);
    let sender = Sender::new(&ephemeral, &route.map(|hop| *hop.key.as_bytes()));
    let hops = route.map(|hop| {
        let nanos = u64::try_from(hop.delay.as_nanos()).unwrap_or(u64::MAX);
        (hop.address.to_bytes(), nanos)
    });
    sender.write(&hops, &destination.to_bytes(), &identifier, padding, header);
    sender
}
