//! Sealed letters: any bytes, changed ones, and what a hostile sender seals.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use mixbed_wire::letter::{
    LETTER_SIZES, LetterError, MAX_LETTER_TEXT, SealedLetter, Sender, whole_minute,
};
use mixbed_wire::{MailboxSecret, NodeId};

use crate::Seed;
use crate::input::{Edits, Input};
use crate::net::rng;

const NETWORK: &str = "fuzz";

pub(crate) static SECRETS: LazyLock<[MailboxSecret; 2]> = LazyLock::new(|| {
    let mut rng = rng(6);
    [MailboxSecret::generate(&mut rng), MailboxSecret::generate(&mut rng)]
});

/// A letter opens with the key that it was sealed to, unchanged, or not at all; and what a
/// hostile sender writes into one is refused or read within its bounds.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 2 {
        0 => changed(&mut input),
        _ => written(&mut input),
    }
}

fn changed(input: &mut Input<'_>) {
    let [from, to] = &*SECRETS;
    let edits = Edits::read(input);
    let named = input.byte() % 2 == 1;
    let gateway = NodeId::from_bytes(input.array());
    let sent = SystemTime::UNIX_EPOCH + Duration::from_millis(input.u64() >> 16);
    let length = usize::from(input.u16());
    let mut text = input.take(length).to_vec();
    text.resize(length, 0x33);
    let sender = if named { Sender::Named { key: from, gateway } } else { Sender::Unnamed };
    let sealed = SealedLetter::seal(NETWORK, &to.public(), sender, sent, &text, &mut rng(7));
    let sealed = match sealed {
        Ok(sealed) => sealed,
        Err(LetterError::TooLong(_)) => return assert!(length > MAX_LETTER_TEXT),
        Err(error) => panic!("not sealed: {error}"),
    };
    let mut bytes = sealed.as_bytes().to_vec();
    assert!(LETTER_SIZES.contains(&bytes.len()));
    let spoilt = edits.apply(0, &mut bytes);
    let letter = SealedLetter::from_bytes(bytes).expect("its size is right");
    assert_eq!(letter.id() == sealed.id(), !spoilt);
    match letter.open(NETWORK, to) {
        Ok(read) => {
            let sent = if named { sent } else { whole_minute(sent) };
            assert!(!spoilt && read.text == text && read.sent == sent && read.id == letter.id());
            assert_eq!(read.from.map(|from| from.gateway), named.then_some(gateway));
            assert!(read.from.is_none_or(|address| address.key == from.public()));
        }
        Err(error) => assert!(spoilt, "{error}"),
    }
    assert!(letter.open(NETWORK, from).is_err(), "another key opens it");
    assert!(letter.open("other", to).is_err(), "it opens in another network");
}

fn written(input: &mut Input<'_>) {
    let size = LETTER_SIZES[usize::from(input.byte() % 2)];
    let mut plain = input.rest().to_vec();
    plain.resize(size - OVERHEAD, 0);
    let sealed = seal(b"mixbed letter\0", &SECRETS[1].public().as_bytes()[..], &plain);
    let letter = SealedLetter::from_bytes(sealed).expect("its size is right");
    match letter.open(NETWORK, &SECRETS[1]) {
        Ok(letter) => {
            assert!(
                letter.text.len() <= MAX_LETTER_TEXT && plain[17 + 4..].starts_with(&letter.text)
            );
            assert!(letter.from.is_none_or(|from| from.key == SECRETS[0].public()));
        }
        Err(LetterError::Content) => {}
        Err(error) => panic!("{error}"),
    }
}

/// What Noise's pattern X adds to a message.
pub(crate) const OVERHEAD: usize = 32 + 48 + 16;

/// Seals anything from the first key.
pub(crate) fn seal(purpose: &[u8], to: &[u8], plain: &[u8]) -> Vec<u8> {
    let own = SECRETS[0].to_bytes();
    let pattern = "Noise_X_25519_ChaChaPoly_BLAKE2s".parse().expect("a pattern");
    let mut state = snow::Builder::new(pattern)
        .prologue(&[purpose, NETWORK.as_bytes()].concat())
        .and_then(|builder| builder.local_private_key(own.as_slice()))
        .and_then(|builder| builder.remote_public_key(to))
        .and_then(snow::Builder::build_initiator)
        .expect("keys of 32 bytes");
    let mut sealed = vec![0; plain.len() + OVERHEAD];
    state.write_message(plain, &mut sealed).expect("at most 65,535 bytes");
    sealed
}

/// Letters with and without a name, changed ones, and plaintexts that no honest sender seals.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let letter = |named: u8, length: u16| {
        let mut input = vec![0, 0, named];
        input.extend_from_slice(&[5; 8]);
        input.extend_from_slice(&1_700_000_000_000_u64.wrapping_shl(16).to_be_bytes());
        input.extend_from_slice(&length.to_be_bytes());
        input
    };
    let written = |kind: u8, length: u32| {
        [&[1, 0, kind], [0; 16].as_slice(), &length.to_be_bytes(), b"hello"].concat()
    };
    vec![
        ("unnamed", letter(0, 5)),
        ("named", letter(1, 3000)),
        ("too-long", letter(1, u16::MAX)),
        ("changed", vec![0, 1, 0, 0, 90, 1, 1, 1]),
        ("written", written(0x11, 5)),
        ("longer-than-it-is", written(0x10, 1 << 20)),
        ("kind", written(0x12, 5)),
    ]
}
