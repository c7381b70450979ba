//! Two ends of a link in memory.

mod common;

use common::rng;
use mixbed_wire::{
    FRAME_SIZE, Frame, Handshake, LinkError, LinkOpener, LinkPublic, LinkSealer, LinkSecret,
    Packet, Step,
};

type End = (LinkPublic, LinkSealer, LinkOpener);

/// Lets two handshakes talk until both are done, or one fails.
fn shake(mut dialler: Step, mut listener: Step) -> Result<(End, End), LinkError> {
    fn exchange(from: Step, to: Step) -> Result<(Step, Step), LinkError> {
        match (from, to) {
            (Step::Send(frame, from), Step::Read(to)) => {
                let frame: [u8; FRAME_SIZE] = frame.try_into().expect("one frame");
                Ok((from.next()?, to.handle_frame(&frame)?))
            }
            _ => panic!("one sends while the other reads"),
        }
    }
    loop {
        match (dialler, listener) {
            (
                Step::Done { peer, sealer, opener },
                Step::Done { peer: peer2, sealer: sealer2, opener: opener2 },
            ) => return Ok(((peer, sealer, opener), (peer2, sealer2, opener2))),
            (from @ Step::Send(..), to) => (dialler, listener) = exchange(from, to)?,
            (to, from) => {
                let (sent, received) = exchange(from, to)?;
                (dialler, listener) = (received, sent);
            }
        }
    }
}

fn keys() -> (LinkSecret, LinkSecret) {
    let mut rng = rng(1);
    (LinkSecret::generate(&mut rng), LinkSecret::generate(&mut rng))
}

fn linked() -> (End, End) {
    let (a, b) = keys();
    shake(
        Handshake::dial("net", &a, &b.public()).expect("a handshake"),
        Handshake::listen("net", &b).expect("a handshake"),
    )
    .expect("both keys are right")
}

fn sealed(sealer: &mut LinkSealer, frame: &Frame) -> [u8; FRAME_SIZE] {
    let mut bytes = Vec::new();
    sealer.seal(frame, &mut bytes).expect("sealed");
    bytes.try_into().expect("one size")
}

#[test]
fn both_ends_prove_their_keys_and_frames_pass_both_ways() {
    let (a, b) = keys();
    let ((to, mut a_out, mut a_in), (from, mut b_out, mut b_in)) = linked();
    assert_eq!((to, from), (b.public(), a.public()));
    for frame in [Frame::Packet(Packet::from_bytes(&[5; 3072])), Frame::Dummy] {
        assert_eq!(b_in.open(&sealed(&mut a_out, &frame)).expect("opens"), frame);
        assert_eq!(a_in.open(&sealed(&mut b_out, &frame)).expect("opens"), frame);
    }
}

#[test]
fn a_listener_with_another_key_is_refused() {
    let (a, b) = keys();
    let result = shake(
        Handshake::dial("net", &a, &a.public()).expect("a handshake"),
        Handshake::listen("net", &b).expect("a handshake"),
    );
    assert!(matches!(result, Err(LinkError::Crypto(_))));
}

#[test]
fn two_networks_do_not_mix() {
    let (a, b) = keys();
    let result = shake(
        Handshake::dial("net", &a, &b.public()).expect("a handshake"),
        Handshake::listen("other", &b).expect("a handshake"),
    );
    assert!(matches!(result, Err(LinkError::Crypto(_))));
}

#[test]
fn a_changed_a_repeated_and_a_foreign_frame_do_not_open() {
    let ((_, mut out, _), (_, mut back, mut incoming)) = linked();
    let good = sealed(&mut out, &Frame::Dummy);
    for place in [0, 1, 2000, FRAME_SIZE - 1] {
        let mut changed = good;
        changed[place] ^= 1;
        assert!(incoming.open(&changed).is_err(), "byte {place}");
    }
    assert!(incoming.open(&sealed(&mut back, &Frame::Dummy)).is_err(), "its own direction");
    incoming.open(&good).expect("untouched");
    assert!(incoming.open(&good).is_err(), "a second time");
}

#[test]
fn garbage_is_no_handshake() {
    let (_, b) = keys();
    let Step::Read(listener) = Handshake::listen("net", &b).expect("a handshake") else {
        panic!("a listener reads first");
    };
    assert!(listener.handle_frame(&[0xff; FRAME_SIZE]).is_err());
}
