//! The beginning of a channel with a directory: what a stranger says first, and what whoever stands
//! between makes of the answer.

use std::sync::LazyLock;

use mixbed_directory::Trust;
use mixbed_directory::channel::{Answered, Credential, Initiator, answer};
use mixbed_wire::LinkSecret;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::Seed;
use crate::input::{Edits, Input};
use crate::signing::{identity, public};

const NETWORK: &str = "fuzz";

static CREDENTIAL: LazyLock<Credential> = LazyLock::new(|| {
    let key = LinkSecret::generate(&mut ChaCha20Rng::seed_from_u64(1));
    Credential::new(NETWORK, key, &[&identity(1), &identity(2)])
});

/// A hello or an answer that is changed by any bit is no handshake, nor is one that nobody made;
/// others lead to a channel on which both ends understand each other.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let edits = Edits::read(&mut input);
    let trust = Trust::single(NETWORK, public(1 + input.byte() % 3));
    let trusted = trust.keys[0] != public(3);

    let body = input.long();
    // Whatever it is: an error, or an answer that is good for who made the hello alone.
    let _ = answer(body, &CREDENTIAL);
    let (initiator, _) = Initiator::hello().expect("a hello");
    assert!(initiator.finish(body, &trust).is_err(), "an answer that nobody made");

    let (initiator, mut hello) = Initiator::hello().expect("a hello");
    let changed = edits.apply(0, &mut hello);
    let Ok(Answered { answer, transport: mut theirs }) = answer(&hello, &CREDENTIAL) else {
        return assert!(changed, "a hello was not answered");
    };
    let mut answer = answer;
    let changed = changed | edits.apply(1, &mut answer);
    let Ok(mut ours) = initiator.finish(&answer, &trust) else {
        return assert!(changed || !trusted, "an answer was not believed");
    };
    assert!(!changed && trusted, "a changed answer was believed");
    let (mut sealed, mut opened) = ([0; 64], [0; 64]);
    let length = ours.write_message(b"words", &mut sealed).expect("sealed");
    let length = theirs.read_message(&sealed[..length], &mut opened).expect("opened");
    assert_eq!(&opened[..length], b"words");
}

/// A whole handshake by each key, changes of both messages, garbage.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let edit = |thing, at: u16| {
        let [high, low] = at.to_be_bytes();
        vec![1, thing, high, low, 1, 0, 0, 0]
    };
    let garbage = [&[0, 0, 0, 32][..], &[9; 32]].concat();
    vec![
        ("whole", vec![0, 0, 0, 0]),
        ("second_key", vec![0, 1, 0, 0]),
        ("stranger", vec![0, 2, 0, 0]),
        ("hello", edit(0, 31)),
        ("answer", edit(1, 100)),
        ("garbage", garbage),
    ]
}
