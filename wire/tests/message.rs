//! What client and provider say to each other: every value goes there and back, and no bytes
//! bring a panic.

use std::time::Duration;

use mixbed_wire::message::{
    Answer, Bitmap, Forward, Fragments, Inserted, MAX_ANSWER_DATA, MAX_FRAGMENT_DATA,
    MAX_FRAGMENTS, MAX_MESSAGE, MAX_REPLY_BLOCKS, MAX_RPC_CONTENT_TYPE, MAX_RPC_PATH, MAX_WORDS,
    MessageId, RPC_SERVICE, Request, RequestError, Response, RpcAnswer, RpcHead, RpcMessageError,
    RpcRequest, SubmitAnswer, SubmitOutcome, max_fragment_data,
};
use mixbed_wire::{DropReason, MAX_PLAINTEXT, REPLY_BLOCK_SIZE};
use proptest::collection::vec;
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;

const ID: MessageId = MessageId::from_bytes([7; 16]);

#[test]
fn the_sizes_are_those_of_the_design() {
    assert_eq!((MAX_FRAGMENT_DATA, MAX_ANSWER_DATA), (2285, 2686));
    assert!(max_fragment_data(MAX_REPLY_BLOCKS) >= 2 * MAX_REPLY_BLOCKS);
    let usual = Request { service: "monero.submit", payload: &[1; 2166] };
    assert_eq!(Request::fragments(&usual.encode().expect("it fits")).count(), 1);
    let largest = Request { service: "echo", payload: &vec![1; Request::max_payload("echo")] };
    let bytes = largest.encode().expect("it fits");
    assert_eq!(bytes.len(), MAX_MESSAGE);
    assert!(Request::fragments(&bytes).count() <= usize::from(MAX_FRAGMENTS));
    let response = Response::Ok(vec![0; MAX_MESSAGE - 1]).encode();
    assert_eq!(response.len(), MAX_MESSAGE);
    assert!(Response::fragment_count(&response) <= MAX_FRAGMENTS);
}

#[test]
fn a_full_fragment_fills_a_packet_to_the_byte() {
    let blocks = [[1; REPLY_BLOCK_SIZE]];
    let data = [2; MAX_FRAGMENT_DATA];
    let fragment =
        Forward::Fragment { message: ID, index: 0, count: 1, blocks: &blocks, data: &data };
    assert_eq!(fragment.encode().len(), MAX_PLAINTEXT);
    let answer =
        Answer::Response { message: ID, index: 0, count: 1, data: vec![3; MAX_ANSWER_DATA] };
    assert_eq!(answer.encode().len(), MAX_PLAINTEXT);
}

#[test]
fn what_is_reserved_or_does_not_agree_is_refused() {
    let unknown = Err(DropReason::UnknownMessage);
    assert_eq!(Forward::decode(&[]), unknown);
    assert_eq!(Forward::decode(&[0, 1, 2, 3]), Ok(Forward::Cover));
    assert_eq!(Forward::decode(&[4; 100]), unknown, "a kind that nobody knows");
    let fragment = |index, count, data: &'static [u8]| {
        Forward::Fragment { message: ID, index, count, blocks: &[], data }.encode()
    };
    assert!(Forward::decode(&fragment(0, 1, b"x")).is_ok());
    for bad in [
        fragment(0, 0, b"x"),
        fragment(1, 1, b"x"),
        fragment(0, MAX_FRAGMENTS + 1, b"x"),
        fragment(0, 1, b""),
    ] {
        assert_eq!(Forward::decode(&bad), unknown);
    }
    let mut too_many_blocks = fragment(0, 1, b"x");
    too_many_blocks[21] = 7;
    too_many_blocks.resize(MAX_PLAINTEXT + 1000, 0);
    assert_eq!(Forward::decode(&too_many_blocks), unknown);
    let poll = Forward::Poll { message: ID, blocks: &[], wanted: &[[0, 1]] }.encode();
    assert_eq!(Forward::decode(&poll), unknown, "a wish without a block");
    let supply = Forward::Supply { message: ID, blocks: &[[0; REPLY_BLOCK_SIZE]], parts: &[] };
    assert_eq!(Forward::decode(&supply.encode()), unknown, "a block for no part");
}

#[test]
fn names_of_services_are_held_to_their_alphabet() {
    let request = |service| Request { service, payload: b"" }.encode();
    assert!(request("monero.submit").is_ok());
    let long = "a".repeat(64);
    for bad in ["", "Echo", "a b", "ä", long.as_str()] {
        assert_eq!(request(bad), Err(RequestError::Service), "{bad:?}");
    }
    assert_eq!(Request::decode(&[]), Err(DropReason::UnknownMessage));
    assert_eq!(Request::decode(&[0, 1]), Err(DropReason::UnknownMessage));
    assert_eq!(Request::decode(&[5, b'e']), Err(DropReason::UnknownMessage));
    let too_much = vec![0; Request::max_payload("echo") + 1];
    let refused = Request { service: "echo", payload: &too_much }.encode();
    assert_eq!(refused, Err(RequestError::TooLarge(too_much.len())));
}

#[test]
fn words_are_cut_and_made_fit_for_a_terminal() {
    let long = Response::Failed("ä".repeat(MAX_WORDS)).encode();
    assert!(
        matches!(Response::decode(&long), Ok(Response::Failed(words)) if words.len() == MAX_WORDS)
    );
    let rude = Response::Refused("a\x1b[2Jb\n".to_owned()).encode();
    assert_eq!(Response::decode(&rude), Ok(Response::Refused("a [2Jb ".to_owned())));
    let too_large = Response::Ok(vec![0; MAX_MESSAGE]).encode();
    assert_eq!(Response::decode(&too_large), Ok(Response::TooLarge));
}

#[test]
fn a_body_for_monerod_fills_a_message_to_the_byte() {
    let mut request = RpcRequest {
        path: "/getblocks.bin".to_owned(),
        content_type: "application/octet-stream".to_owned(),
        body: Vec::new(),
    };
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut noise = vec![0; MAX_MESSAGE];
    rng.fill_bytes(&mut noise);
    request.body = noise[..request.max_body()].to_vec();
    let payload = request.encode().expect("it fits");
    let whole = Request { service: RPC_SERVICE, payload: &payload };
    assert_eq!(whole.encode().expect("it fits").len(), MAX_MESSAGE);
    assert_eq!(RpcRequest::decode(&payload), Ok(request.clone()));
    request.body.push(7);
    let (bytes, most) = (request.body.len(), request.max_body());
    assert_eq!(request.encode(), Err(RpcMessageError::TooLarge { bytes, most }));
    assert!(RpcRequest::decode(&[&payload[..], &[7]].concat()).is_err(), "longer than any");
    request.body = vec![7; request.max_body()];
    assert!(request.encode().expect("it fits").len() < 10_000, "it is deflated");

    let mut answer = RpcAnswer { status: 200, content_type: String::new(), body: Vec::new() };
    answer.body = noise[..answer.max_body()].to_vec();
    let payload = answer.encode().expect("it fits");
    let response = Response::Ok(payload.clone());
    assert_eq!(Response::decode(&response.encode()), Ok(response));
    assert_eq!(RpcAnswer::decode(&payload), Ok(answer.clone()));
    answer.body.push(7);
    assert!(matches!(answer.encode(), Err(RpcMessageError::TooLarge { .. })));
    assert!(RpcAnswer::decode(&[&payload[..], &[7]].concat()).is_err(), "longer than any");
}

#[test]
fn what_could_change_a_request_for_monerod_is_refused() {
    let request = |path: &str, content_type: &str| RpcRequest {
        path: path.to_owned(),
        content_type: content_type.to_owned(),
        body: vec![],
    };
    for path in ["", "json_rpc", "/a b", "/a\r\nX: y", "/a?b", "/a#b", "/%2e", "/a@b", "/ä"] {
        assert_eq!(request(path, "").encode(), Err(RpcMessageError::Path), "{path:?}");
        let raw = [&[u8::try_from(path.len()).expect("short")], path.as_bytes(), &[0]].concat();
        assert!(RpcRequest::decode(&raw).is_err(), "{path:?}");
    }
    let long = format!("/{}", "a".repeat(MAX_RPC_PATH));
    assert_eq!(request(&long, "").encode(), Err(RpcMessageError::Path));
    for kind in ["a\r\nX: y", "ä", &"a".repeat(MAX_RPC_CONTENT_TYPE + 1)] {
        assert_eq!(request("/a", kind).encode(), Err(RpcMessageError::ContentType), "{kind:?}");
    }
    for status in [0, 100, 199, 600, u16::MAX] {
        let answer = RpcAnswer { status, content_type: String::new(), body: vec![] };
        assert_eq!(answer.encode(), Err(RpcMessageError::Status(status)));
        let [high, low] = status.to_be_bytes();
        assert!(RpcAnswer::decode(&[high, low, 0, 0]).is_err(), "{status}");
    }
}

fn responses() -> impl Strategy<Value = Response> {
    prop_oneof![
        vec(any::<u8>(), 0..5000).prop_map(Response::Ok),
        Just(Response::UnknownService),
        "[ -~äß]{0,200}".prop_map(Response::Refused),
        "[ -~äß]{0,200}".prop_map(Response::Failed),
        Just(Response::TooLarge),
    ]
}

fn submit_answers() -> impl Strategy<Value = SubmitAnswer> {
    let outcome = prop_oneof![
        (any::<Option<[u8; 32]>>(), any::<bool>())
            .prop_map(|(txid, already_known)| SubmitOutcome::Accepted { txid, already_known }),
        (any::<u32>(), "[ -~]{0,200}")
            .prop_map(|(flags, words)| SubmitOutcome::Rejected { flags, words }),
        "[ -~]{0,200}".prop_map(|words| SubmitOutcome::Unavailable { words }),
    ];
    (outcome, any::<u32>(), any::<u64>()).prop_map(|(outcome, attempts, micros)| SubmitAnswer {
        outcome,
        attempts,
        monerod_time: Duration::from_micros(micros),
    })
}

proptest! {
    #[test]
    fn fragments_there_and_back(
        id: [u8; 16],
        (index, count) in (1..=MAX_FRAGMENTS).prop_flat_map(|n| (0..n, Just(n))),
        blocks in vec(any::<u8>(), 0..=MAX_REPLY_BLOCKS),
        data in vec(any::<u8>(), 1..200),
    ) {
        let blocks: Vec<_> = blocks.into_iter().map(|b| [b; REPLY_BLOCK_SIZE]).collect();
        let message = MessageId::from_bytes(id);
        let fragment = Forward::Fragment { message, index, count, blocks: &blocks, data: &data };
        let bytes = fragment.encode();
        prop_assert_eq!(Forward::decode(&bytes), Ok(fragment));
    }

    #[test]
    fn polls_there_and_back(id: [u8; 16], wanted in vec(any::<[u8; 2]>(), 0..=MAX_REPLY_BLOCKS)) {
        let message = MessageId::from_bytes(id);
        let blocks = vec![[5; REPLY_BLOCK_SIZE]; wanted.len().max(1)];
        let poll = Forward::Poll { message, blocks: &blocks, wanted: &wanted };
        let bytes = poll.encode();
        prop_assert!(bytes.len() <= MAX_PLAINTEXT);
        prop_assert_eq!(Forward::decode(&bytes), Ok(poll));

        let blocks = &blocks[..wanted.len()];
        let supply = Forward::Supply { message, blocks, parts: &wanted };
        let bytes = supply.encode();
        prop_assert!(bytes.len() <= MAX_PLAINTEXT);
        prop_assert_eq!(Forward::decode(&bytes), Ok(supply));
    }

    #[test]
    fn answers_there_and_back(
        id: [u8; 16],
        held in vec(0..MAX_FRAGMENTS, 0..40),
        (index, count) in (1..=MAX_FRAGMENTS).prop_flat_map(|n| (0..n, Just(n))),
        data in vec(any::<u8>(), 1..200),
    ) {
        let message = MessageId::from_bytes(id);
        let mut bitmap = Bitmap::default();
        for index in held {
            bitmap.insert(index);
        }
        for answer in [
            Answer::Ack { message, held: bitmap },
            Answer::Pending { message },
            Answer::Response { message, index, count, data },
        ] {
            prop_assert_eq!(Answer::decode(&answer.encode()), Ok(answer));
        }
    }

    #[test]
    fn requests_and_responses_there_and_back(
        service in "[a-z0-9._-]{1,63}",
        payload in vec(any::<u8>(), 0..5000),
        response in responses(),
        submit in submit_answers(),
        path in "/[a-zA-Z0-9._/-]{0,127}",
        content_type in "[ -~]{0,128}",
        status in 200..=599_u16,
        length in proptest::option::of(any::<u64>()),
    ) {
        let request = Request { service: &service, payload: &payload };
        let bytes = request.encode().expect("a good request");
        prop_assert_eq!(Request::decode(&bytes), Ok(request));
        prop_assert_eq!(Response::decode(&response.encode()), Ok(response));
        prop_assert_eq!(SubmitAnswer::decode(&submit.encode()), Ok(submit));
        let body = payload.clone();
        let answer = RpcAnswer { status, content_type: content_type.clone(), body };
        prop_assert_eq!(RpcAnswer::decode(&answer.encode().expect("a good one")), Ok(answer));
        let length = length.filter(|length| *length != u64::MAX);
        let head = RpcHead { status, content_type: content_type.clone(), length };
        let bytes = head.encode().expect("a good one");
        let (first, rest) = bytes.split_first_chunk().expect("long enough");
        prop_assert_eq!(RpcHead::rest(*first), rest.len());
        prop_assert!(RpcHead::decode(&bytes[..bytes.len() - 1]).is_err(), "cut short");
        prop_assert!(RpcHead::decode(&[&bytes[..], b"x"].concat()).is_err(), "and more");
        prop_assert_eq!(RpcHead::decode(&bytes), Ok(head));
        let request = RpcRequest { path, content_type, body: payload };
        prop_assert_eq!(RpcRequest::decode(&request.encode().expect("a good one")), Ok(request));
    }

    /// Any bytes either are refused or are read as something that is written the same way.
    #[test]
    fn any_bytes_are_read_without_a_panic(kind in 0..6_u8, rest in vec(any::<u8>(), 0..MAX_PLAINTEXT)) {
        let mut bytes = rest;
        bytes.insert(0, kind);
        match Forward::decode(&bytes) {
            Ok(Forward::Cover) | Err(_) => {}
            Ok(forward) => prop_assert_eq!(forward.encode(), &bytes[..]),
        }
        if let Ok(answer) = Answer::decode(&bytes) {
            prop_assert_eq!(Answer::decode(&answer.encode()), Ok(answer));
        }
        if let Ok(request) = Request::decode(&bytes) {
            prop_assert_eq!(request.encode().expect("it was one"), &bytes[..]);
        }
        let _ = Response::decode(&bytes);
        let _ = SubmitAnswer::decode(&bytes);
        if let Ok(request) = RpcRequest::decode(&bytes) {
            prop_assert_eq!(request.encode().expect("it was one"), &bytes[..]);
        }
        if let Ok(answer) = RpcAnswer::decode(&bytes) {
            prop_assert_eq!(answer.encode().expect("it was one"), &bytes[..]);
        }
    }

    /// Parts in any order, some of them several times, some hostile: the message is the message.
    #[test]
    fn any_order_and_hostile_parts_make_the_message(
        parts in vec(vec(any::<u8>(), 1..20), 1..40),
        order in vec(any::<prop::sample::Index>(), 0..120),
        hostile in vec((any::<u16>(), any::<u16>()), 0..40),
    ) {
        let count = u16::try_from(parts.len()).expect("few");
        let mut fragments = Fragments::new(count).expect("a good count");
        let mut seen = Bitmap::default();
        let order = order.iter().map(|i| i.index(parts.len())).chain(0..parts.len());
        let mut hostile = hostile.into_iter().filter(|(index, n)| *n != count || index >= n);
        let mut completed = 0;
        for at in order {
            let index = u16::try_from(at).expect("few");
            let inserted = fragments.insert(index, count, &parts[at]).expect("a good part");
            prop_assert_eq!(inserted == Inserted::Duplicate, !seen.insert(index));
            completed += usize::from(inserted == Inserted::Complete);
            if let Some((index, n)) = hostile.next() {
                prop_assert!(fragments.insert(index, n, b"evil").is_err());
            }
            prop_assert_eq!(fragments.held(), seen.clone());
        }
        prop_assert_eq!(completed, 1);
        prop_assert_eq!(fragments.join(), parts.concat());
    }
}
