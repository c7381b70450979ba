//! The Sphinx packet: sealed by a sender for five hops, opened by each of them in turn.

use std::time::Duration;

use rand::Rng;
use sphinx_packet::constants::IDENTIFIER_LENGTH;
use sphinx_packet::header::HEADER_SIZE;
use sphinx_packet::header::delays::Delay;
use sphinx_packet::header::shared_secret::ExpandedSharedSecret;
use sphinx_packet::packet::ProcessedPacketData;
use sphinx_packet::packet::builder::SphinxPacketBuilder;
use sphinx_packet::payload::{PAYLOAD_OVERHEAD_SIZE, Payload};
use sphinx_packet::route::{Destination, DestinationAddressBytes, Node, NodeAddressBytes};
use sphinx_packet::version::SINGLE_SEED_SURB_VERSION;
use sphinx_packet::{SphinxPacket, constants};
use x25519_dalek::StaticSecret;

use crate::{DropReason, HopAddress, MAX_DELAY, PacketFormat, SphinxPublic, SphinxSecret};

/// Hops on a route, the exit included: the most that the packet format has room for.
pub const HOPS: usize = constants::MAX_PATH_LENGTH;

/// Bytes in a packet, header and payload: the same for every packet there is.
pub const PACKET_SIZE: usize = 3072;

/// Bytes of a packet that the layers of encryption cover besides the header.
pub(crate) const PAYLOAD_SIZE: usize = PACKET_SIZE - HEADER_SIZE;

/// The most that one packet carries for its receiver, in bytes.
pub const MAX_PLAINTEXT: usize = PAYLOAD_SIZE - PAYLOAD_OVERHEAD_SIZE;

/// Sixteen bytes that a route's creator leaves for its last hop: a reply's name, or zeros.
pub type Identifier = [u8; IDENTIFIER_LENGTH];

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
    /// The Sphinx library refused the route.
    #[error("the route cannot be sealed: {0}")]
    Route(#[from] sphinx_packet::Error),
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
        let (nodes, delays) = sphinx_route(route);
        let secret = ephemeral_secret(rng);
        let sealed = SphinxPacketBuilder::new()
            .with_version(SINGLE_SEED_SURB_VERSION)
            .with_payload_size(PAYLOAD_SIZE)
            .with_initial_secret(&secret)
            .build_packet(
                plaintext,
                &nodes,
                &sphinx_destination(destination, identifier),
                &delays,
            )?;
        Ok(Self::from_sphinx(&sealed))
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
        let packet =
            SphinxPacket::from_bytes(self.0.as_slice()).map_err(|_| DropReason::Malformed)?;
        let secret = packet.header.compute_expanded_shared_secret(key.inner());
        packet.header.ensure_header_integrity(&secret).map_err(|_| DropReason::BadMac)?;
        Ok(Opened { packet, secret })
    }

    /// Copies a library packet of [`PACKET_SIZE`] bytes.
    pub(crate) fn from_sphinx(packet: &SphinxPacket) -> Self {
        let mut bytes = Box::new([0; PACKET_SIZE]);
        bytes.copy_from_slice(&packet.to_bytes());
        Self(bytes)
    }
}

/// Sixteen bytes that are the same whenever the same packet meets the same key: half of the `h_τ(s)`
/// of the Sphinx paper, enough for no two packets ever to share them by chance.
pub type ReplayTag = [u8; 16];

/// A packet whose header proved genuine, not yet unwrapped.
pub struct Opened {
    packet: SphinxPacket,
    secret: ExpandedSharedSecret,
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
    pub(crate) payload: Payload,
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
    pub fn plaintext(self) -> Result<Vec<u8>, DropReason> {
        self.payload.recover_plaintext().map_err(|_| DropReason::BadPayload)
    }
}

impl Opened {
    /// By which a packet is known again.
    #[must_use]
    pub fn replay_tag(&self) -> ReplayTag {
        let mut tag = [0; 16];
        tag.copy_from_slice(&self.secret.replay_tag()[..16]);
        tag
    }

    /// Takes this hop's layer off: the second scalar multiplication, and the payload's cipher.
    ///
    /// # Errors
    /// [`DropReason::UnsupportedVersion`], [`DropReason::DelayTooLong`] or
    /// [`DropReason::Malformed`], all of them the sender's doing.
    pub fn unwrap(self) -> Result<Unwrapped, DropReason> {
        let processed = self
            .packet
            .process_with_expanded_secret(&self.secret)
            .map_err(|_| DropReason::Malformed)?;
        if processed.version != SINGLE_SEED_SURB_VERSION {
            return Err(DropReason::UnsupportedVersion);
        }
        match processed.data {
            ProcessedPacketData::ForwardHop { next_hop_packet, next_hop_address, delay } => {
                let delay = delay.to_duration();
                if delay > MAX_DELAY {
                    return Err(DropReason::DelayTooLong);
                }
                Ok(Unwrapped::Forward {
                    next: HopAddress::from_bytes(next_hop_address.to_bytes()),
                    delay,
                    packet: Packet::from_sphinx(&next_hop_packet),
                })
            }
            ProcessedPacketData::FinalHop { destination, identifier, payload } => {
                Ok(Unwrapped::Exit(Exit {
                    destination: HopAddress::from_bytes(destination.as_bytes()),
                    identifier,
                    payload,
                }))
            }
        }
    }
}

/// A route in the library's words.
pub(crate) fn sphinx_route(route: &Route) -> (Vec<Node>, Vec<Delay>) {
    route
        .iter()
        .map(|hop| {
            let address = NodeAddressBytes::from_bytes(hop.address.to_bytes());
            let node = Node::new(address, (*hop.key.as_bytes()).into());
            let nanos = u64::try_from(hop.delay.as_nanos()).unwrap_or(u64::MAX);
            (node, Delay::new_from_nanos(nanos))
        })
        .unzip()
}

pub(crate) fn sphinx_destination(address: HopAddress, identifier: Identifier) -> Destination {
    Destination::new(DestinationAddressBytes::from_bytes(address.to_bytes()), identifier)
}

pub(crate) fn ephemeral_secret<R: Rng + ?Sized>(rng: &mut R) -> StaticSecret {
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    rng.fill_bytes(bytes.as_mut_slice());
    StaticSecret::from(*bytes)
}
