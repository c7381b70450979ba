//! What a directory that lies sends to another one of its network: votes, proposals, opinions.

use std::time::{Duration, SystemTime};

use mixbed_directory::voting::{
    Ballot, Envelope, Opinion, Panel, PeerMessage, Proposal, SignedBallot, SignedProposal, Status,
    Voter, VoterConfig, VoterState,
};
use mixbed_directory::{IdentityPublic, Parameters, Role};
use sha2::{Digest as _, Sha256};

use crate::Seed;
use crate::descriptor::node;
use crate::input::Input;
use crate::signing::{field, identity, public, sign};

const NETWORK: &str = "fuzz";

/// The authorities' seeds: the first is honest, the second lies, the third is away.
const HONEST: u8 = 101;
const LIAR: u8 = 102;
const AWAY: u8 = 103;

/// Whatever the liar says, a message is read in one way or not at all, and the honest authority
/// makes no document with a node that it does not know itself, nor of a time that is not now.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let panel = Panel::new([HONEST, LIAR, AWAY].map(public).to_vec()).expect("three keys");
    let secret = identity(HONEST);
    let config = VoterConfig { network: NETWORK.to_owned(), panel: panel.clone(), secret };
    let mut voter = Voter::new(config, VoterState::default(), now);
    let own = opinion(&[1, 2]);
    voter.set_opinion(&own, now);
    voter.poll(now);
    for _ in 0..16 {
        now += Duration::from_millis(u64::from(input.u16()));
        let kind = input.byte();
        let message = match kind % 4 {
            0 => raw(&panel, input.long()),
            1 => Some(PeerMessage::Opinion(input.long().to_vec())),
            2 => Some(PeerMessage::Opinion(opinion(input.short()).to_bytes())),
            _ => Some(PeerMessage::Status(Box::new(status(&mut input, &panel, now)))),
        };
        if let Some(message) = message {
            voter.handle(public(LIAR), message, now);
        }
        voter.poll(now);
        check(&mut voter, &own, &panel, now);
        if input.is_empty() {
            return;
        }
    }
}

fn check(voter: &mut Voter, own: &Opinion, panel: &Panel, now: SystemTime) {
    for (to, message) in voter.take_messages() {
        assert!(panel.contains(&to));
        let sealed = Envelope::seal(&message, NETWORK, &identity(HONEST));
        assert_eq!(sealed.open(NETWORK, panel), Ok((public(HONEST), message)));
    }
    for adopted in voter.take_adopted() {
        let document = &adopted.issued.document;
        assert!(document.nodes.iter().all(|node| own.nodes.contains(node)));
        assert!(document.valid_from <= now + Duration::from_secs(10));
        let trust = panel.trust(NETWORK);
        let skew = Duration::from_secs(10);
        assert!(adopted.issued.signed.verify(&trust, now, skew).is_ok());
    }
}

/// A message of any bytes, with the liar's good signature.
fn raw(panel: &Panel, bytes: &[u8]) -> Option<PeerMessage> {
    let signed = [NETWORK.as_bytes(), b"\0", bytes].concat();
    let signature = sign(LIAR, b"mixbed peer message v1\0", &signed);
    let envelope = Envelope::from_parts(public(LIAR), bytes.to_vec(), signature);
    let (from, message) = envelope.open(NETWORK, panel).ok()?;
    assert_eq!(from, public(LIAR));
    let again = Envelope::seal(&message, NETWORK, &identity(LIAR));
    assert_eq!(again, envelope, "there is one encoding");
    Some(message)
}

fn opinion(seeds: &[u8]) -> Opinion {
    let mut seeds: Vec<_> = seeds.iter().map(|seed| 1 + seed % 8).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let mut nodes: Vec<_> = seeds.into_iter().map(|seed| node(seed, Role::Gateway)).collect();
    for node in &mut nodes {
        node.services.clear();
    }
    nodes.sort_by_key(mixbed_directory::Descriptor::id);
    Opinion { parameters: Parameters::default(), nodes }
}

/// A status with ballots of the liar and of whom it likes to name, and a proposal of its own.
fn status(input: &mut Input<'_>, panel: &Panel, now: SystemTime) -> Status {
    let count = usize::from(input.byte() % 4);
    let ballots: Vec<_> = (0..count).map(|_| ballot(input, now)).collect();
    let mut sorted = ballots.clone();
    sorted.sort_by_key(|signed| signed.ballot().authority);
    sorted.dedup_by_key(|signed| signed.ballot().authority);
    let mut revision = 1 + u64::from(input.byte() % 32);
    while panel.leader(revision) != public(LIAR) {
        revision += 1;
    }
    let proposal = Proposal {
        epoch: 1 + u64::from(input.byte() % 4),
        revision,
        valid_from: sorted.first().map_or(now, |signed| signed.ballot().made_at),
        base: None,
        document: input.array(),
        ballots: sorted,
    };
    let with_proposal = input.byte().is_multiple_of(2);
    Status {
        version: (input.byte().into(), input.u64()),
        ballots,
        wants: vec![input.array()],
        proposal: with_proposal.then(|| SignedProposal::sign(proposal, NETWORK, &identity(LIAR))),
        signature: None,
        evidence: Vec::new(),
    }
}

/// The liar has its own key only; that of the one that is away it may have, too.
fn ballot(input: &mut Input<'_>, now: SystemTime) -> SignedBallot {
    let seed = if input.byte().is_multiple_of(4) { AWAY } else { LIAR };
    let authority: IdentityPublic = public(seed);
    let opinion = opinion(input.short()).to_bytes();
    let ballot = Ballot {
        authority,
        sequence: input.byte().into(),
        made_at: now + Duration::from_millis(input.u16().into()),
        opinion: Sha256::digest(opinion).into(),
    };
    SignedBallot::sign(ballot, NETWORK, &identity(seed))
}

/// A vote that the honest one shares, one that it does not, two that contradict each other, garbage.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let ballot = |who: u8, nodes: &[u8], sequence: u8| {
        let count = u8::try_from(nodes.len()).expect("few");
        [&[who, count], nodes, &[sequence, 0, 0]].concat()
    };
    let status = |ballots: &[Vec<u8>]| {
        let count = u8::try_from(ballots.len()).expect("few");
        [&[0, 10, 3, count], ballots.concat().as_slice(), &[0, 0], &[0; 32], &[0], &[0; 41]]
            .concat()
    };
    let opinion = |nodes: &[u8]| {
        let count = u8::try_from(nodes.len()).expect("few");
        [&[0, 1, 2, count], nodes].concat()
    };
    let wait = |millis: u16| [millis.to_be_bytes().as_slice(), &[1, 0, 0]].concat();
    let shared = [status(&[ballot(1, &[0, 1], 5)]), wait(600), wait(600), wait(600)];
    let invented = [status(&[ballot(1, &[0, 1, 2], 5)]), opinion(&[0, 1, 2]), wait(600), wait(600)];
    let two = status(&[ballot(1, &[0], 5), ballot(1, &[1], 5)]);
    let garbage = [&[0, 1, 0, 0, 2], field(1, &[1]).as_slice()].concat();
    vec![
        ("shared", shared.concat()),
        ("invented", invented.concat()),
        ("two_tongues", two),
        ("garbage", garbage),
    ]
}
