//! What is said to a mailbox at a gateway, and what it answers.

use std::time::Duration;

use mixbed_wire::LinkSecret;
use mixbed_wire::letter::{LETTER_SIZES, LetterId, MailboxId, SealedLetter};
use mixbed_wire::message::{Collect, CommandError, MAX_IDS, MailboxAnswer, MailboxRequest};

use crate::Seed;
use crate::input::Input;
use crate::letter::{SECRETS, seal};
use crate::net::rng;

/// Any bytes are refused or read within their bounds and written the same way; and a command by a
/// hostile owner of a mailbox is refused or read as it was written.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.byte();
    let body = input.rest();
    match kind % 4 {
        0 => {
            if let Ok(request) = MailboxRequest::decode(body) {
                match request {
                    MailboxRequest::Put { letter, .. } => {
                        assert!(LETTER_SIZES.contains(&letter.len()));
                    }
                    MailboxRequest::Collect { sealed } => {
                        assert!(sealed.len() <= Collect::MAX_SEALED);
                    }
                }
                assert_eq!(request.encode(), body);
            }
        }
        1 => answer(body),
        2 => {
            // A letter is two kilobytes: an input of a few bytes stands for an answer with some.
            let (head, count) = (input.take(11), usize::from(input.byte() % 3));
            let letter = [7; LETTER_SIZES[0]];
            let length = u32::try_from(letter.len()).unwrap_or_default().to_be_bytes();
            let letters = [length.as_slice(), &letter].concat().repeat(count);
            answer(&[head, &letters].concat());
        }
        _ => command(body),
    }
}

fn answer(body: &[u8]) {
    let Ok(answer) = MailboxAnswer::decode(body) else { return };
    assert_eq!(answer.encode(), body);
}

fn command(plain: &[u8]) {
    let plain = &plain[..plain.len().min(Collect::MAX_SEALED)];
    let gateway = LinkSecret::generate(&mut rng(8));
    let sealed = seal(b"mixbed mailbox command\0", gateway.public().as_bytes(), plain);
    match Collect::open("fuzz", &gateway, &sealed) {
        Ok((key, command)) => {
            assert_eq!(key, SECRETS[0].public());
            assert!(command.taken.len() <= MAX_IDS && command.held.len() <= MAX_IDS);
            let again = command.seal("fuzz", &SECRETS[0], &gateway.public()).expect("sealed");
            assert!(again.len() == sealed.len() && again.len() <= Collect::MAX_SEALED);
            let (_, read) = Collect::open("fuzz", &gateway, &again).expect("it is one");
            assert_eq!(read, command);
        }
        Err(CommandError::Content) => {}
        Err(error) => panic!("{error}"),
    }
    assert!(Collect::open("other", &gateway, &sealed).is_err(), "it opens in another network");
}

/// One of each request, answer and command.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let letter = vec![7; LETTER_SIZES[0]];
    let mailbox = MailboxId::from_bytes([1; 16]);
    let request = |request: MailboxRequest<'_>| [&[0], request.encode().as_slice()].concat();
    let answer = |answer: MailboxAnswer| [&[1], answer.encode().as_slice()].concat();
    let lasting = Duration::from_secs(3600);
    let letters = vec![SealedLetter::from_bytes(letter.clone()).expect("its size is right")];
    let ids = |count: u8| {
        let ids = (0..count).flat_map(|id| *LetterId::from_bytes([id; 16]).as_bytes());
        [count].into_iter().chain(ids).collect::<Vec<_>>()
    };
    let command = |taken, held| [&[3, 1, 0, 0, 1, 0], ids(taken).as_slice(), &ids(held)].concat();
    vec![
        ("put", request(MailboxRequest::Put { mailbox, letter: &letter })),
        ("collect", request(MailboxRequest::Collect { sealed: &[5; 120] })),
        ("kept", answer(MailboxAnswer::Kept { lasting })),
        ("full", answer(MailboxAnswer::Full)),
        ("letters", answer(MailboxAnswer::Letters { waiting: 3, lease: lasting, letters })),
        ("several", vec![2, 4, 0, 0, 0, 9, 0, 0, 0, 9, 0, 2, 2]),
        ("command", command(2, 1)),
        ("most", command(64, 64)),
        ("too-many", command(65, 0)),
    ]
}
