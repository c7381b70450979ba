//! What a link carries: frames of one size, whatever is in them.

use crate::{PACKET_SIZE, Packet};

/// A frame's bytes before encryption: one byte that tells the kind, then a packet's worth.
pub const PLAIN_FRAME_SIZE: usize = 1 + PACKET_SIZE;

/// Bytes of authentication that encryption adds.
pub(crate) const TAG_SIZE: usize = 16;

/// Bytes of a frame on the wire, in both directions, handshakes included.
pub const FRAME_SIZE: usize = PLAIN_FRAME_SIZE + TAG_SIZE;

const PACKET: u8 = 0;
const DUMMY: u8 = 1;

/// One frame's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A packet on its way.
    Packet(Packet),
    /// Nothing, in the size of something: the receiver throws it away.
    Dummy,
}

impl Frame {
    /// Writes the bytes that are encrypted.
    pub fn write(&self, plain: &mut [u8; PLAIN_FRAME_SIZE]) {
        match self {
            Self::Packet(packet) => {
                plain[0] = PACKET;
                plain[1..].copy_from_slice(packet.as_bytes());
            }
            Self::Dummy => {
                plain.fill(0);
                plain[0] = DUMMY;
            }
        }
    }

    /// Reads decrypted bytes; nothing if they are of no known kind.
    #[must_use]
    pub fn read(plain: &[u8; PLAIN_FRAME_SIZE]) -> Option<Self> {
        let (kind, body) = plain.split_first_chunk::<1>()?;
        match kind[0] {
            PACKET => Some(Self::Packet(Packet::from_bytes(body.try_into().ok()?))),
            DUMMY => Some(Self::Dummy),
            _ => None,
        }
    }
}
