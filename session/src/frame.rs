//! What stands in a packet: frames.
//!
//! Numbers are variable, as in QUIC (RFC 9000, 16): the two highest bits of the first byte say
//! whether there are 1, 2, 4 or 8 bytes.
//!
//! ```text
//!  1 hello     version 1                                  from the client
//!  2 floors    settled | stale                            from the client
//!  3 ack       floor | settled | length | bitmap
//!  4 wants     bytes | blocks                             from the provider
//!  5 open      stream | length 1, service | length 2, target   from the client
//!  6 granted   stream                                     from the provider
//!  7 reset     stream | final | code 1 | length 1, words
//!  8 room      stream | offset
//!  9 room all  bytes
//! 10 ping      replies 1                                  from the client
//! 11 close     code 1 | length 1, words
//! 16 data      stream | offset | length | bytes; 17: the last ones
//! ```

use mixbed_wire::{DropReason, message::MAX_SERVICE_NAME};

use crate::{Code, MAX_TARGET, MAX_WORDS, Reason};

const HELLO: u8 = 1;
const FLOORS: u8 = 2;
const ACK: u8 = 3;
const WANTS: u8 = 4;
const OPEN: u8 = 5;
const GRANTED: u8 = 6;
const RESET: u8 = 7;
const ROOM: u8 = 8;
const ROOM_ALL: u8 = 9;
const PING: u8 = 10;
const CLOSE: u8 = 11;
const DATA: u8 = 16;
const LAST: u8 = 17;

/// The version of this protocol.
pub(crate) const VERSION: u8 = 1;

/// The most bytes of an acknowledgement's bitmap: more packets than may be under way.
pub(crate) const MAX_ACK_BYTES: usize = 160;

/// The most bytes that a data frame takes beside its data, as far as streams are below 2^30 bytes.
pub(crate) const DATA_OVERHEAD: usize = 1 + 4 + 8 + 2;

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    Hello {
        version: u8,
    },
    /// All packets below `settled` are known as arrived or lost; blocks of those below `stale` are
    /// too old.
    Floors {
        settled: u32,
        stale: u32,
    },
    /// Of the packets from `floor` on those arrived whose bits are set; the others below `settled`
    /// are lost.
    Ack {
        floor: u32,
        settled: u32,
        bitmap: &'a [u8],
    },
    /// So many bytes wait to be sent, and so many blocks are left.
    Wants {
        bytes: u64,
        blocks: u64,
    },
    Open {
        stream: u32,
        service: &'a str,
        target: &'a str,
    },
    Granted {
        stream: u32,
    },
    /// `end` bytes were sent, and no more will be.
    Reset {
        stream: u32,
        end: u64,
        code: Code,
        words: &'a str,
    },
    Room {
        stream: u32,
        offset: u64,
    },
    RoomAll {
        bytes: u64,
    },
    Ping {
        replies: u8,
    },
    Close {
        code: Code,
        words: &'a str,
    },
    Data {
        stream: u32,
        offset: u64,
        last: bool,
        data: &'a [u8],
    },
}

impl<'a> Frame<'a> {
    pub(crate) fn reset(stream: u32, end: u64, reason: &'a Reason) -> Self {
        Self::Reset { stream, end, code: reason.code(), words: reason.words() }
    }

    pub(crate) fn close(reason: &'a Reason) -> Self {
        Self::Close { code: reason.code(), words: reason.words() }
    }

    /// Appends the frame.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Hello { version } => out.extend([HELLO, version]),
            Self::Floors { settled, stale } => {
                out.push(FLOORS);
                put(out, settled.into());
                put(out, stale.into());
            }
            Self::Ack { floor, settled, bitmap } => {
                out.push(ACK);
                put(out, floor.into());
                put(out, settled.into());
                put_bytes(out, bitmap);
            }
            Self::Wants { bytes, blocks } => {
                out.push(WANTS);
                put(out, bytes);
                put(out, blocks);
            }
            Self::Open { stream, service, target } => {
                out.push(OPEN);
                put(out, stream.into());
                put_bytes(out, service.as_bytes());
                put_bytes(out, target.as_bytes());
            }
            Self::Granted { stream } => {
                out.push(GRANTED);
                put(out, stream.into());
            }
            Self::Reset { stream, end, code, words } => {
                out.push(RESET);
                put(out, stream.into());
                put(out, end);
                out.push(code as u8);
                put_bytes(out, words.as_bytes());
            }
            Self::Room { stream, offset } => {
                out.push(ROOM);
                put(out, stream.into());
                put(out, offset);
            }
            Self::RoomAll { bytes } => {
                out.push(ROOM_ALL);
                put(out, bytes);
            }
            Self::Ping { replies } => out.extend([PING, replies]),
            Self::Close { code, words } => {
                out.extend([CLOSE, code as u8]);
                put_bytes(out, words.as_bytes());
            }
            Self::Data { stream, offset, last, data } => {
                out.push(if last { LAST } else { DATA });
                put(out, stream.into());
                put(out, offset);
                put_bytes(out, data);
            }
        }
    }

    /// Reads all frames of a packet: as many as there are bytes, at most.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if the bytes are anything else.
    pub(crate) fn decode(mut bytes: &'a [u8]) -> Result<Vec<Self>, DropReason> {
        let mut frames = Vec::new();
        while !bytes.is_empty() {
            frames.push(Self::read(&mut bytes).ok_or(DropReason::UnknownMessage)?);
        }
        Ok(frames)
    }

    fn read(from: &mut &'a [u8]) -> Option<Self> {
        Some(match byte(from)? {
            HELLO => Self::Hello { version: byte(from)? },
            FLOORS => Self::Floors { settled: narrow(from)?, stale: narrow(from)? },
            ACK => {
                let (floor, settled) = (narrow(from)?, narrow(from)?);
                Self::Ack { floor, settled, bitmap: bytes(from, MAX_ACK_BYTES)? }
            }
            WANTS => Self::Wants { bytes: wide(from)?, blocks: wide(from)? },
            OPEN => {
                let stream = narrow(from)?;
                let service = text(from, MAX_SERVICE_NAME)?;
                Self::Open { stream, service, target: text(from, MAX_TARGET)? }
            }
            GRANTED => Self::Granted { stream: narrow(from)? },
            RESET => {
                let (stream, end) = (narrow(from)?, wide(from)?);
                let code = Code::from_number(byte(from)?);
                Self::Reset { stream, end, code, words: text(from, MAX_WORDS)? }
            }
            ROOM => Self::Room { stream: narrow(from)?, offset: wide(from)? },
            ROOM_ALL => Self::RoomAll { bytes: wide(from)? },
            PING => Self::Ping { replies: byte(from)? },
            CLOSE => {
                Self::Close { code: Code::from_number(byte(from)?), words: text(from, MAX_WORDS)? }
            }
            kind @ (DATA | LAST) => {
                let (stream, offset) = (narrow(from)?, wide(from)?);
                let data = bytes(from, usize::MAX)?;
                Self::Data { stream, offset, last: kind == LAST, data }
            }
            _ => return None,
        })
    }
}

/// Appends a number below 2^62; larger ones do not occur.
fn put(out: &mut Vec<u8>, number: u64) {
    let bytes = number.to_be_bytes();
    match number {
        0..0x40 => out.push(bytes[7]),
        0x40..0x4000 => out.extend([0x40 | bytes[6], bytes[7]]),
        0x4000..0x4000_0000 => out.extend([0x80 | bytes[4], bytes[5], bytes[6], bytes[7]]),
        _ => {
            out.push(0xc0 | bytes[0]);
            out.extend(&bytes[1..]);
        }
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend(bytes);
}

fn byte(from: &mut &[u8]) -> Option<u8> {
    let (&first, rest) = from.split_first()?;
    *from = rest;
    Some(first)
}

fn wide(from: &mut &[u8]) -> Option<u64> {
    let first = byte(from)?;
    let more = (1_usize << (first >> 6)) - 1;
    let (bytes, rest) = from.split_at_checked(more)?;
    *from = rest;
    Some(bytes.iter().fold(u64::from(first & 0x3f), |sum, byte| sum << 8 | u64::from(*byte)))
}

fn narrow(from: &mut &[u8]) -> Option<u32> {
    u32::try_from(wide(from)?).ok()
}

fn bytes<'a>(from: &mut &'a [u8], most: usize) -> Option<&'a [u8]> {
    let length = usize::try_from(wide(from)?).ok().filter(|length| *length <= most)?;
    let (bytes, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(bytes)
}

fn text<'a>(from: &mut &'a [u8], most: usize) -> Option<&'a str> {
    std::str::from_utf8(bytes(from, most)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EDGES: [u64; 9] =
        [0, 63, 64, 0x3fff, 0x4000, 0x3fff_ffff, 0x4000_0000, u32::MAX as u64, (1 << 62) - 1];

    #[test]
    fn numbers_come_back() {
        for number in EDGES {
            let mut out = Vec::new();
            put(&mut out, number);
            assert_eq!(wide(&mut out.as_slice()), Some(number));
            for short in 0..out.len() {
                assert_eq!(wide(&mut &out[..short]), None);
            }
        }
    }

    fn frames() -> Vec<Frame<'static>> {
        let mut frames = vec![
            Frame::Hello { version: VERSION },
            Frame::Ack { floor: 3, settled: 9, bitmap: &[1, 2, 255] },
            Frame::Open { stream: 7, service: "tcp", target: "monerod.mixbed:18081" },
            Frame::Granted { stream: 7 },
            Frame::Reset { stream: 1, end: 700, code: Code::Refused, words: "no" },
            Frame::Ping { replies: 2 },
            Frame::Close { code: Code::Stopped, words: "" },
            Frame::Data { stream: 0, offset: 70_000, last: false, data: b"some" },
            Frame::Data { stream: 0, offset: 70_004, last: true, data: b"" },
        ];
        for number in EDGES {
            frames.push(Frame::Wants { bytes: number, blocks: number });
            frames.push(Frame::RoomAll { bytes: number });
            if let Ok(stream) = u32::try_from(number) {
                frames.push(Frame::Room { stream, offset: number });
                frames.push(Frame::Floors { settled: stream, stale: 0 });
            }
        }
        frames
    }

    #[test]
    fn frames_come_back() {
        let mut out = Vec::new();
        for frame in frames() {
            let mut one = Vec::new();
            frame.encode(&mut one);
            assert_eq!(Frame::decode(&one), Ok(vec![frame]));
            for short in 1..one.len() {
                assert!(Frame::decode(&one[..short]).is_err(), "{frame:?} cut at {short}");
            }
            out.extend(one);
        }
        assert_eq!(Frame::decode(&out), Ok(frames()));
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let target = "x".repeat(MAX_TARGET + 1);
        for frame in [
            Frame::Open { stream: 0, service: "tcp", target: &target },
            Frame::Open { stream: 0, service: &"x".repeat(MAX_SERVICE_NAME + 1), target: "" },
            Frame::Ack { floor: 0, settled: 0, bitmap: &[0; MAX_ACK_BYTES + 1] },
            Frame::Close { code: Code::Failed, words: &"x".repeat(MAX_WORDS + 1) },
        ] {
            let mut out = Vec::new();
            frame.encode(&mut out);
            assert!(Frame::decode(&out).is_err(), "{frame:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..2_700)) {
            if let Ok(frames) = Frame::decode(&bytes) {
                let mut out = Vec::new();
                for frame in &frames {
                    frame.encode(&mut out);
                }
                prop_assert_eq!(Frame::decode(&out), Ok(frames));
            }
        }
    }
}
