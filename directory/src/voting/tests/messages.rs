//! What travels: it comes out as it went in, and nothing else comes out.

use std::time::Duration;

use super::net::{NETWORK, Net, millis, opinion, secret};
use crate::voting::{Ballot, Envelope, Evidence, PeerMessage, SignedBallot, Status};

fn ballot(sequence: u64, seed: u8) -> SignedBallot {
    let authority = secret(seed).public();
    let made_at = super::net::start();
    let ballot = Ballot { authority, sequence, made_at, opinion: [seed; 32] };
    SignedBallot::sign(ballot, NETWORK, &secret(seed))
}

/// All that three authorities say to each other in a second with two changes.
fn said() -> (Net, Vec<(usize, PeerMessage)>) {
    let mut net = Net::new(3, 400);
    net.keep_messages = true;
    net.all_think(&opinion([1]));
    net.run(millis(500));
    net.all_think(&opinion([1, 2]));
    net.set_opinion(1, &opinion([3]));
    net.run(Duration::from_secs(1));
    let said = std::mem::take(&mut net.kept);
    (net, said)
}

#[test]
fn a_message_comes_out_of_its_envelope_as_it_went_in() {
    let (net, said) = said();
    assert!(said.iter().any(|(_, it)| matches!(it, PeerMessage::Opinion(_))));
    for (from, message) in said {
        let envelope = Envelope::seal(&message, NETWORK, &net.secret(from));
        assert_eq!(envelope.open(NETWORK, &net.panel), Ok((net.key(from), message)));
    }
}

#[test]
fn a_changed_byte_or_another_name_is_noticed() {
    let (net, said) = said();
    let is_full = |message: &PeerMessage| matches!(message, PeerMessage::Status(status) if status.signature.is_some());
    let (from, message) = said.into_iter().find(|(_, message)| is_full(message)).unwrap();
    let good = Envelope::seal(&message, NETWORK, &net.secret(from));
    for at in 0..good.bytes.len() {
        let mut bytes = good.bytes.clone();
        bytes[at] ^= 1;
        let spoilt = Envelope::from_parts(good.sender, bytes.clone(), good.signature);
        assert!(spoilt.open(NETWORK, &net.panel).is_err(), "byte {at}");
    }
    let other = net.key((from + 1) % 3);
    let renamed = Envelope::from_parts(other, good.bytes.clone(), good.signature);
    assert!(renamed.open(NETWORK, &net.panel).is_err());
}

#[test]
fn evidence_is_two_statements_of_one_authority_that_differ() {
    let net = Net::new(3, 401);
    let open = |evidence| {
        let status = Status { evidence: vec![evidence], ..Status::default() };
        let message = PeerMessage::Status(Box::new(status));
        Envelope::seal(&message, NETWORK, &net.secret(0)).open(NETWORK, &net.panel)
    };
    let pair = |one, other| Evidence::Ballots(Box::new([one, other]));
    let of_201 = |opinion| {
        let made_at = super::net::start();
        let authority = secret(201).public();
        let ballot = Ballot { authority, sequence: 5, made_at, opinion: [opinion; 32] };
        SignedBallot::sign(ballot, NETWORK, &secret(201))
    };
    assert!(open(pair(of_201(1), of_201(2))).is_ok());
    assert!(open(pair(of_201(1), of_201(1))).is_err(), "the same twice");
    assert!(open(pair(ballot(5, 201), ballot(6, 201))).is_err(), "one after the other");
    assert!(open(pair(ballot(5, 201), ballot(5, 202))).is_err(), "of two authorities");
    let stranger = |opinion| {
        let made_at = super::net::start();
        let authority = secret(77).public();
        let ballot = Ballot { authority, sequence: 5, made_at, opinion: [opinion; 32] };
        SignedBallot::sign(ballot, NETWORK, &secret(77))
    };
    assert!(open(pair(stranger(1), stranger(2))).is_err(), "of nobody here");
}
