//! Letters, addresses, and what is said about mailboxes.

use std::time::{Duration, SystemTime};

use mixbed_wire::letter::{
    ANSWER_SIZE, AnswerBody, Enclosed, LETTER_SIZES, Letter, LetterError, LetterId,
    MAX_ANSWER_TEXT, MAX_LETTER_TEXT, MAX_OFFERED, MailboxAddress, MailboxId,
    ParseMailboxAddressError, ReplyOffer, SealedAnswer, SealedLetter, Sender,
};
use mixbed_wire::message::{
    Collect, MAILBOX_PUT_OVERHEAD, MAILBOX_SERVICE, MAX_ANSWER_DATA, MAX_FRAGMENT_DATA, MAX_IDS,
    MAX_MESSAGE, MailboxAnswer, MailboxRequest, RELAY_SERVICE, RelayAnswer, RelayRequest, Request,
    Response,
};
use mixbed_wire::{LinkSecret, MAX_PLAINTEXT, MailboxSecret, NodeId, REPLY_BLOCK_SIZE};
use proptest::collection::vec;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

const NET: &str = "test";

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn key(seed: u8) -> MailboxSecret {
    MailboxSecret::from_bytes([seed; 32])
}

fn then() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123)
}

/// The minute of that time.
fn minute() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_699_999_980)
}

fn seal(text: &[u8], from: Sender<'_>) -> SealedLetter {
    SealedLetter::seal(NET, &key(1).public(), from, then(), text, &mut rng()).expect("fits")
}

#[test]
fn a_letter_says_who_sent_it_if_its_sender_wants_so() {
    let gateway = NodeId::from_bytes([5; 8]);
    let named = seal(b"hello", Sender::Named { key: &key(2), gateway });
    let from = Some(MailboxAddress { gateway, key: key(2).public() });
    let read = named.open(NET, &key(1)).expect("for this key");
    let enclosed = Enclosed::default();
    assert_eq!(
        read,
        Letter { id: named.id(), from, sent: then(), text: b"hello".to_vec(), enclosed }
    );
    let unnamed = seal(b"hello", Sender::Unnamed);
    let read = unnamed.open(NET, &key(1)).expect("for this key");
    assert_eq!((read.from, read.sent), (None, minute()), "a clock would tell whose it is");
    assert_eq!(named.as_bytes().len(), unnamed.as_bytes().len(), "nobody else can tell");
}

#[test]
fn only_its_receiver_reads_a_letter_and_only_as_it_was_sealed() {
    let letter = seal(b"hello", Sender::Unnamed);
    assert!(matches!(letter.open(NET, &key(2)), Err(LetterError::Crypto(_))), "another's key");
    assert!(letter.open("other", &key(1)).is_err(), "another network");
    for place in [0, 31, 32, 80, letter.as_bytes().len() - 1] {
        let mut bytes = letter.as_bytes().to_vec();
        bytes[place] ^= 0x80;
        let changed = SealedLetter::from_bytes(bytes).expect("the size is right");
        assert!(changed.open(NET, &key(1)).is_err(), "byte {place}");
        assert_ne!(changed.id(), letter.id());
    }
    assert_ne!(seal(b"hello", Sender::Unnamed).id(), letter.id(), "each sealing is another letter");
}

#[test]
fn letters_have_four_sizes_of_whole_packets() {
    assert_eq!(LETTER_SIZES, [2260, 9115, 36_535, 63_955]);
    assert_eq!(MAX_LETTER_TEXT, 63_838);
    let mut fewest = 0;
    for (size, packets) in LETTER_SIZES.into_iter().zip([1, 4, 16, 28]) {
        let most = size - 117;
        for text in [fewest, most] {
            let letter = seal(&vec![1; text], Sender::Unnamed);
            assert_eq!(letter.as_bytes().len(), size, "{text} bytes");
            assert_eq!(letter.open(NET, &key(1)).expect("whole").text.len(), text);
            let mailbox = MailboxId::of_key(&key(1).public());
            let put = MailboxRequest::Put { mailbox, letter: letter.as_bytes() }.encode();
            let request = Request { service: MAILBOX_SERVICE, payload: &put };
            let bytes = request.encode().expect("fits");
            assert_eq!(bytes.len() - letter.as_bytes().len(), MAILBOX_PUT_OVERHEAD);
            assert_eq!(bytes.len(), packets * MAX_FRAGMENT_DATA);
        }
        fewest = most + 1;
    }
    let too_long = vec![1; MAX_LETTER_TEXT + 1];
    let key = key(1).public();
    let sealed = SealedLetter::seal(NET, &key, Sender::Unnamed, then(), &too_long, &mut rng());
    assert!(matches!(sealed, Err(LetterError::TooLong(63_839))));
    assert!(matches!(SealedLetter::from_bytes(vec![0; 2265]), Err(LetterError::Size(2265))));
}

#[test]
fn what_is_enclosed_arrives_and_takes_room_from_the_text() {
    let blocks = vec![[9; REPLY_BLOCK_SIZE]; MAX_OFFERED];
    let enclosed = Enclosed {
        receipt_wanted: true,
        receipt_for: Some(LetterId::from_bytes([4; 16])),
        offer: Some(ReplyOffer { key: key(3).public(), good_until: then(), blocks }),
    };
    let seal = |text: &[u8], enclosed: &Enclosed| {
        let to = key(1).public();
        SealedLetter::seal_with(NET, &to, Sender::Unnamed, then(), text, enclosed, &mut rng())
    };
    let room = MAX_LETTER_TEXT - (1 + 17 + 42 + MAX_OFFERED * REPLY_BLOCK_SIZE);
    for text in [0, 5, room] {
        let read = seal(&vec![7; text], &enclosed).expect("fits").open(NET, &key(1));
        let read = read.expect("whole");
        assert_eq!((read.text.len(), read.enclosed), (text, enclosed.clone()));
    }
    assert!(matches!(seal(&vec![7; room + 1], &enclosed), Err(LetterError::TooLong(63_839))));
    // Three blocks and a few lines are one packet, as a letter without any is.
    let offer =
        enclosed.offer.map(|offer| ReplyOffer { blocks: offer.blocks[..3].to_vec(), ..offer });
    let usual = Enclosed { offer, ..Enclosed::default() };
    assert_eq!(seal(&[7; 900], &usual).expect("fits").as_bytes().len(), LETTER_SIZES[0]);
}

#[test]
fn an_answer_is_read_by_the_letters_sender_and_proves_whose_it_is() {
    let letter = LetterId::from_bytes([4; 16]);
    let seal = |body: &AnswerBody| {
        SealedAnswer::seal(NET, &key(1), &key(3).public(), letter, then(), body)
    };
    for body in [AnswerBody::Text(vec![7; MAX_ANSWER_TEXT]), AnswerBody::Receipt] {
        let sealed = seal(&body).expect("fits");
        assert_eq!(sealed.as_bytes().len(), ANSWER_SIZE, "a receipt looks like a text");
        let read = sealed.open(NET, &key(3)).expect("for this key");
        assert_eq!((read.from, read.to, read.sent), (key(1).public(), letter, minute()));
        assert_eq!((read.id, read.body), (sealed.id(), body));
        assert!(sealed.open(NET, &key(2)).is_err() && sealed.open("other", &key(3)).is_err());
    }
    let too_long = seal(&AnswerBody::Text(vec![7; MAX_ANSWER_TEXT + 1]));
    assert!(matches!(too_long, Err(LetterError::AnswerTooLong(1757))));
    assert!(SealedAnswer::from_bytes(vec![0; ANSWER_SIZE - 1]).is_err());

    // One packet to whoever sends it on, and one from there.
    const { assert!(ANSWER_SIZE <= MAX_PLAINTEXT) };
    let asked = RelayRequest { block: &[1; REPLY_BLOCK_SIZE], answer: &[2; ANSWER_SIZE] };
    let payload = asked.encode();
    let request = Request { service: RELAY_SERVICE, payload: &payload }.encode().expect("fits");
    assert_eq!(request.len(), MAX_FRAGMENT_DATA);
    assert_eq!(RelayRequest::decode(&payload), Ok(asked));
    assert!(RelayRequest::decode(&payload[1..]).is_err());
    for answer in [RelayAnswer::Sent, RelayAnswer::Used, RelayAnswer::Busy] {
        assert_eq!(RelayAnswer::decode(&answer.encode()), Ok(answer));
    }
    assert!(RelayAnswer::decode(&[4]).is_err() && RelayAnswer::decode(&[]).is_err());
}

#[test]
fn a_short_letter_is_collected_in_one_packet_and_so_is_the_longest_command() {
    let letters = vec![seal(b"x", Sender::Unnamed)];
    let lease = Duration::from_secs(9);
    let answer = MailboxAnswer::Letters { waiting: 1, lease, letters }.encode();
    assert!(Response::Ok(answer).encode().len() <= MAX_ANSWER_DATA);
    let ids = vec![LetterId::from_bytes([1; 16]); MAX_IDS];
    let command = Collect { room: 1, taken: ids.clone(), held: ids };
    let gateway = LinkSecret::from_bytes([3; 32]);
    let sealed = command.seal(NET, &key(1), &gateway.public()).expect("sealed");
    assert_eq!(sealed.len(), Collect::MAX_SEALED);
    let payload = MailboxRequest::Collect { sealed: &sealed }.encode();
    let request = Request { service: MAILBOX_SERVICE, payload: &payload }.encode().expect("fits");
    assert!(request.len() <= MAX_FRAGMENT_DATA);
    // The most letters that an answer may bring, and one large one over it.
    assert!(MailboxAnswer::MAX_LETTERS + LETTER_SIZES[3] + 8 * 300 < MAX_MESSAGE);
}

#[test]
fn a_command_is_read_by_its_gateway_only_and_proves_the_mailbox() {
    let gateway = LinkSecret::from_bytes([3; 32]);
    let command = Collect {
        room: 7,
        taken: vec![LetterId::from_bytes([1; 16]), LetterId::from_bytes([2; 16])],
        held: vec![LetterId::from_bytes([3; 16])],
    };
    let sealed = command.seal(NET, &key(1), &gateway.public()).expect("sealed");
    let (owner, read) = Collect::open(NET, &gateway, &sealed).expect("for this gateway");
    assert_eq!((owner, read), (key(1).public(), command));
    assert!(Collect::open("other", &gateway, &sealed).is_err());
    assert!(Collect::open(NET, &LinkSecret::from_bytes([4; 32]), &sealed).is_err());
    let mut forged = sealed.clone();
    forged[40] ^= 1;
    assert!(Collect::open(NET, &gateway, &forged).is_err(), "another's key is not claimed");
}

#[test]
fn an_address_is_a_text_in_which_a_mistake_shows() {
    let address = MailboxAddress { gateway: NodeId::from_bytes([5; 8]), key: key(1).public() };
    let text = address.to_string();
    assert!(text.starts_with("mixbed1") && text.len() == 77, "{text}");
    assert_eq!(format!(" {text}\n").parse(), Ok(address));
    assert_eq!(text.to_uppercase().parse(), Ok(address), "bech32 has no case");
    for place in 7..text.len() {
        let mut mistyped = text.clone().into_bytes();
        mistyped[place] = if mistyped[place] == b'q' { b'p' } else { b'q' };
        let mistyped = String::from_utf8(mistyped).expect("text");
        assert!(mistyped.parse::<MailboxAddress>().is_err(), "{mistyped}");
    }
    let bitcoin = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0";
    assert_eq!(
        bitcoin.parse::<MailboxAddress>(),
        Err(ParseMailboxAddressError::Prefix("bc".to_owned())),
    );
    for text in ["", "mixbed1", "gateway-0", "mixbed1qqqqqq", &"q".repeat(10_000)] {
        let error = text.parse::<MailboxAddress>().expect_err("no address");
        assert!(error.to_string().len() < 300, "{error}");
    }
}

fn letters() -> impl Strategy<Value = Vec<SealedLetter>> {
    let sizes = prop::sample::select(LETTER_SIZES.to_vec());
    vec(sizes.prop_map(|size| SealedLetter::from_bytes(vec![7; size]).expect("a size")), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn answers_go_there_and_back(waiting: u32, lease: u32, letters in letters()) {
        let lease = Duration::from_secs(lease.into());
        for answer in [
            MailboxAnswer::Kept { lasting: lease },
            MailboxAnswer::NoMailbox,
            MailboxAnswer::Full,
            MailboxAnswer::NoRoom,
            MailboxAnswer::Letters { waiting, lease, letters },
        ] {
            prop_assert_eq!(MailboxAnswer::decode(&answer.encode()), Ok(answer));
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(
        bytes in vec(any::<u8>(), 0..4000), kind in 0..7_u8, text in ".{0,100}",
    ) {
        let bytes = [&[kind], bytes.as_slice()].concat();
        if let Ok(answer) = MailboxAnswer::decode(&bytes) {
            prop_assert_eq!(answer.encode(), bytes.as_slice());
        }
        if let Ok(request) = MailboxRequest::decode(&bytes) {
            prop_assert_eq!(request.encode(), bytes.as_slice());
        }
        prop_assert!(Collect::open(NET, &LinkSecret::from_bytes([3; 32]), &bytes).is_err());
        if let Ok(letter) = SealedLetter::from_bytes(bytes) {
            prop_assert!(letter.open(NET, &key(1)).is_err());
        }
        prop_assert!(text.parse::<MailboxAddress>().is_err());
    }

    #[test]
    fn commands_of_any_lists_go_there_and_back(
        room: u32, taken in vec(any::<[u8; 16]>(), 0..=MAX_IDS), held in vec(any::<[u8; 16]>(), 0..=MAX_IDS),
    ) {
        let ids = |ids: Vec<[u8; 16]>| ids.into_iter().map(LetterId::from_bytes).collect();
        let command = Collect { room, taken: ids(taken), held: ids(held) };
        let gateway = LinkSecret::from_bytes([3; 32]);
        let sealed = command.seal(NET, &key(1), &gateway.public()).expect("sealed");
        let (_, read) = Collect::open(NET, &gateway, &sealed).expect("for this gateway");
        prop_assert_eq!(read, command);
    }
}
