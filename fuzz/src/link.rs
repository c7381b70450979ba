//! A link from the first byte on: handshake, then frames, with changes on the way.

use std::sync::LazyLock;

use mixbed_wire::{
    FRAME_SIZE, Frame, Handshake, LinkOpener, LinkPublic, LinkSealer, LinkSecret, PACKET_SIZE,
    Packet, Step,
};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::Seed;
use crate::input::{Edits, Input};

static KEYS: LazyLock<[LinkSecret; 2]> = LazyLock::new(|| {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    [LinkSecret::generate(&mut rng), LinkSecret::generate(&mut rng)]
});

/// Handshake messages that are changed by any bit end it, others lead to a link on which the frames
/// that were sealed open, in their order, once, unchanged, and no others.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let edits = Edits::read(&mut input);
    let Some((mut sealer, mut opener)) = shake_hands(&edits) else { return };
    for number in 0..8 {
        let content = match input.byte() % 4 {
            0 => Frame::Dummy,
            _ => Frame::Packet(Packet::from_bytes(&[input.byte(); PACKET_SIZE])),
        };
        let mut bytes = Vec::new();
        sealer.seal(&content, &mut bytes).expect("sealed");
        let mut frame: [u8; FRAME_SIZE] = bytes.try_into().expect("frames have one size");
        if edits.apply(3 + number, &mut frame) {
            assert!(opener.open(&frame).is_err(), "a changed frame opened");
            return;
        }
        if input.byte() % 16 == 15 {
            // A frame is lost: the next one must not open in its place.
            continue_after_a_loss(&mut sealer, &mut opener);
            return;
        }
        assert_eq!(opener.open(&frame).expect("sealed on this link"), content);
        assert!(opener.open(&frame).is_err(), "a frame opened twice");
        if input.is_empty() {
            return;
        }
    }
}

fn continue_after_a_loss(sealer: &mut LinkSealer, opener: &mut LinkOpener) {
    let mut next = Vec::new();
    sealer.seal(&Frame::Dummy, &mut next).expect("sealed");
    let next: [u8; FRAME_SIZE] = next.try_into().expect("frames have one size");
    assert!(opener.open(&next).is_err(), "a frame opened in another one's place");
}

/// The dialler's sealer and the listener's opener, if no message was changed.
fn shake_hands(edits: &Edits) -> Option<(LinkSealer, LinkOpener)> {
    let [dialler, listener] = &*KEYS;
    let expected = [listener.public(), dialler.public()];
    let mut to = Handshake::dial("fuzz", dialler, &listener.public()).expect("a handshake");
    let mut from = Handshake::listen("fuzz", listener).expect("a handshake");
    for number in 0..3 {
        let (Step::Send(message, sender), Step::Read(receiver)) = (to, from) else {
            panic!("one sends while the other reads");
        };
        let mut message: [u8; FRAME_SIZE] = message.try_into().expect("messages fill frames");
        let changed = edits.apply(number, &mut message);
        match receiver.handle_frame(&message) {
            Ok(next) => {
                assert!(!changed, "message {number} was changed, and taken");
                (to, from) = (next, sender.next().expect("a step"));
            }
            Err(error) => {
                assert!(changed, "message {number} was not taken: {error}");
                return None;
            }
        }
    }
    // The listener has read the last message: it is the one whose step came back first.
    let (Step::Done { peer, opener, .. }, Step::Done { peer: theirs, sealer, .. }) = (to, from)
    else {
        panic!("three messages are a handshake");
    };
    assert_eq!([theirs, peer], expected as [LinkPublic; 2]);
    Some((sealer, opener))
}

/// Links that are left alone, with a change at each message, with a changed and a lost frame.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let edit = |thing, at: u16| {
        let [high, low] = at.to_be_bytes();
        vec![1, thing, high, low, 1, 0x80, 1, 7, 0, 0, 0, 0]
    };
    vec![
        ("whole", vec![0, 1, 7, 0, 0, 0, 2, 9, 0]),
        ("first", edit(0, 31)),
        ("second", edit(1, 40)),
        ("third", edit(2, 3000)),
        ("frame", edit(4, 3088)),
        ("lost", vec![0, 1, 7, 0, 0, 15, 1]),
    ]
}
