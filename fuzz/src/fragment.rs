//! What packets say to a provider and to a client.

use mixbed_wire::message::{
    Answer, Bitmap, Forward, MAX_FRAGMENT_DATA, MAX_FRAGMENTS, MAX_REPLY_BLOCKS, MessageId,
};
use mixbed_wire::{MAX_PLAINTEXT, REPLY_BLOCK_SIZE};

use crate::Seed;

/// Any plaintext is refused, or read as something within its bounds that is written the same way.
pub fn run(data: &[u8]) {
    let plaintext = &data[..data.len().min(MAX_PLAINTEXT)];
    if let Ok(forward) = Forward::decode(plaintext) {
        match forward {
            Forward::Cover => assert_eq!(plaintext[0], 0),
            Forward::Fragment { index, count, blocks, data, .. } => {
                assert!(index < count && count <= MAX_FRAGMENTS);
                assert!(blocks.len() <= MAX_REPLY_BLOCKS && !data.is_empty());
                assert_eq!(forward.encode(), plaintext);
            }
            Forward::Poll { blocks, wanted, .. } => {
                assert!(blocks.len() <= MAX_REPLY_BLOCKS);
                assert!(wanted.is_empty() || wanted.len() == blocks.len());
                assert_eq!(forward.encode(), plaintext);
            }
            Forward::Supply { blocks, parts, .. } => {
                assert!(blocks.len() <= MAX_REPLY_BLOCKS && parts.len() == blocks.len());
                assert_eq!(forward.encode(), plaintext);
            }
            Forward::Session { blocks, .. } => {
                assert!(blocks.len() <= MAX_REPLY_BLOCKS);
                assert_eq!(forward.encode(), plaintext);
            }
        }
    }
    if let Ok(answer) = Answer::decode(plaintext) {
        if let Answer::Response { index, count, data, .. } = &answer {
            assert!(index < count && *count <= MAX_FRAGMENTS && !data.is_empty());
        }
        let written = answer.encode();
        // A bitmap's zeros at its end are not written.
        assert!(written == plaintext || matches!(answer, Answer::Ack { .. }));
        assert!(plaintext.starts_with(&written));
        assert_eq!(Answer::decode(&written), Ok(answer));
    }
}

/// One of each kind.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let message = MessageId::from_bytes([7; 16]);
    let blocks = [[1; REPLY_BLOCK_SIZE], [2; REPLY_BLOCK_SIZE]];
    let fragment =
        |blocks, data| Forward::Fragment { message, index: 1, count: 3, blocks, data }.encode();
    let mut held = Bitmap::default();
    held.insert(2);
    held.insert(9);
    let response = Answer::Response { message, index: 0, count: 2, data: vec![4; 20] };
    vec![
        ("cover", Forward::Cover.encode()),
        ("fragment", fragment(&blocks[..1], b"a part")),
        ("full", fragment(&blocks[..1], &[3; MAX_FRAGMENT_DATA])),
        ("bare", fragment(&[], b"x")),
        ("poll", Forward::Poll { message, blocks: &blocks[..1], wanted: &[] }.encode()),
        ("parts", Forward::Poll { message, blocks: &blocks, wanted: &[[0, 1], [0, 2]] }.encode()),
        ("ahead", Forward::Supply { message, blocks: &blocks, parts: &[[0, 1], [0, 2]] }.encode()),
        ("ack", Answer::Ack { message, held }.encode()),
        ("pending", Answer::Pending { message }.encode()),
        ("response", response.encode()),
    ]
}
