//! Messages as they are written down: fields in a row, numbers big-endian, bytes after their length.

#![deny(clippy::disallowed_methods)]

use std::time::{Duration, SystemTime};

use mixbed_wire::letter::{LetterId, MailboxAddress, ReplyOffer};
use mixbed_wire::{MailboxPublic, NodeId};

use super::{Delivery, Direction, Message, Peer};

pub(super) fn encode(message: &Message) -> Vec<u8> {
    let Message { no, peer, letter, answers, sent, text, direction } = message;
    let mut out = Writer(Vec::with_capacity(128 + text.len()));
    out.number(*no);
    match peer {
        Peer::Address(MailboxAddress { gateway, key }) => {
            out.byte(0);
            out.plain(&gateway.to_bytes());
            out.plain(key.as_bytes());
        }
        Peer::Unnamed(key) => {
            out.byte(1);
            out.plain(key.as_bytes());
        }
        Peer::Silent(letter) => {
            out.byte(2);
            out.plain(letter.as_bytes());
        }
    }
    out.plain(letter.as_bytes());
    out.option(answers.as_ref(), |out, letter| out.plain(letter.as_bytes()));
    out.time(*sent);
    out.bytes(text);
    match direction {
        Direction::Received { read, offer } => {
            out.byte(0);
            out.byte(u8::from(*read));
            out.option(offer.as_ref(), |out, ReplyOffer { key, good_until, blocks }| {
                out.plain(key.as_bytes());
                out.time(*good_until);
                out.bytes(blocks.as_flattened());
            });
        }
        Direction::Sent { delivery, unnamed, answerable_until } => {
            out.byte(1);
            match delivery {
                Delivery::Sending => out.byte(0),
                Delivery::Kept { gateway, lasting } => {
                    out.byte(1);
                    out.bytes(gateway.as_bytes());
                    out.number(lasting.as_secs());
                }
                Delivery::SentOn { gateway } => {
                    out.byte(2);
                    out.bytes(gateway.as_bytes());
                }
                Delivery::Delivered { at } => {
                    out.byte(3);
                    out.time(*at);
                }
                Delivery::Failed { why } => {
                    out.byte(4);
                    out.bytes(why.as_bytes());
                }
            }
            out.byte(u8::from(*unnamed));
            out.option(answerable_until.as_ref(), |out, until| out.time(*until));
        }
    }
    out.0
}

/// Nothing, if the bytes are of another form.
pub(super) fn decode(bytes: &[u8]) -> Option<Message> {
    let mut from = Reader(bytes);
    let no = from.number()?;
    let peer = match from.byte()? {
        0 => {
            let gateway = NodeId::from_bytes(from.array()?);
            Peer::Address(MailboxAddress { gateway, key: from.key()? })
        }
        1 => Peer::Unnamed(from.key()?),
        2 => Peer::Silent(LetterId::from_bytes(from.array()?)),
        _ => return None,
    };
    let letter = LetterId::from_bytes(from.array()?);
    let answers = if from.flag()? { Some(LetterId::from_bytes(from.array()?)) } else { None };
    let sent = from.time()?;
    let text = from.bytes()?.to_vec();
    let direction = match from.byte()? {
        0 => {
            let read = from.flag()?;
            let offer = if from.flag()? { Some(from.offer()?) } else { None };
            Direction::Received { read, offer }
        }
        1 => {
            let delivery = match from.byte()? {
                0 => Delivery::Sending,
                1 => {
                    let gateway = from.words()?;
                    Delivery::Kept { gateway, lasting: Duration::from_secs(from.number()?) }
                }
                2 => Delivery::SentOn { gateway: from.words()? },
                3 => Delivery::Delivered { at: from.time()? },
                4 => Delivery::Failed { why: from.words()? },
                _ => return None,
            };
            let unnamed = from.flag()?;
            let answerable_until = if from.flag()? { Some(from.time()?) } else { None };
            Direction::Sent { delivery, unnamed, answerable_until }
        }
        _ => return None,
    };
    from.0.is_empty().then_some(Message { no, peer, letter, answers, sent, text, direction })
}

struct Writer(Vec<u8>);

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn number(&mut self, number: u64) {
        self.plain(&number.to_be_bytes());
    }

    fn time(&mut self, at: SystemTime) {
        let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.number(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    }

    fn plain(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.plain(bytes);
    }

    fn option<T>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn time(&mut self) -> Option<SystemTime> {
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(self.number()?))
    }

    fn key(&mut self) -> Option<MailboxPublic> {
        self.array().map(MailboxPublic::from_bytes)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn words(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    /// Whether something follows that may be missing.
    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn offer(&mut self) -> Option<ReplyOffer> {
        let (key, good_until) = (self.key()?, self.time()?);
        let (blocks, rest) = self.bytes()?.as_chunks();
        rest.is_empty().then(|| ReplyOffer { key, good_until, blocks: blocks.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use mixbed_wire::REPLY_BLOCK_SIZE;

    use super::*;

    #[test]
    fn each_message_is_read_as_it_was_written() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        let key = MailboxPublic::from_bytes([2; 32]);
        let letter = LetterId::from_bytes([3; 16]);
        let address = MailboxAddress { gateway: NodeId::from_bytes([1; 8]), key };
        let sent = |delivery, until| Direction::Sent {
            delivery,
            unnamed: until == Some(at),
            answerable_until: until,
        };
        let offer = ReplyOffer { key, good_until: at, blocks: vec![[7; REPLY_BLOCK_SIZE]; 3] };
        let gateway = "gateway-0".to_owned();
        let directions = [
            Direction::Received { read: true, offer: None },
            Direction::Received { read: false, offer: Some(offer) },
            sent(Delivery::Sending, None),
            sent(
                Delivery::Kept { gateway: gateway.clone(), lasting: Duration::from_secs(9) },
                Some(at),
            ),
            sent(Delivery::SentOn { gateway }, None),
            sent(Delivery::Delivered { at }, None),
            sent(Delivery::Failed { why: "it was away".to_owned() }, None),
        ];
        let peers = [Peer::Address(address), Peer::Unnamed(key), Peer::Silent(letter)];
        for (no, direction) in (0..).zip(directions) {
            let peer = peers[no % 3];
            let answers = (no % 2 == 0).then_some(letter);
            let text = vec![0xff; 10 * no];
            let message =
                Message { no: no as u64, peer, letter, answers, sent: at, text, direction };
            let bytes = encode(&message);
            assert_eq!(decode(&bytes), Some(message));
            for cut in 0..bytes.len() {
                assert_eq!(decode(&bytes[..cut]), None, "cut off after {cut} bytes");
            }
        }
    }
}
