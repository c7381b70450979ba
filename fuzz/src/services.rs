//! What `relay`, `monero.known` and `monero.hold` are asked, and their answers.

use std::time::Duration;

use mixbed_wire::REPLY_BLOCK_SIZE;
use mixbed_wire::letter::ANSWER_SIZE;
use mixbed_wire::message::{
    HoldAnswer, HoldRequest, KnownAnswer, KnownRequest, MAX_WORDS, RelayAnswer, RelayRequest,
};

use crate::Seed;

/// Any bytes are refused or read within their bounds and written the same way.
pub fn run(data: &[u8]) {
    if let Ok(request) = RelayRequest::decode(data) {
        assert_eq!(request.encode(), data);
    }
    if let Ok(answer) = RelayAnswer::decode(data) {
        assert_eq!(answer.encode(), data);
    }
    if let Ok(request) = KnownRequest::decode(data) {
        assert_eq!(request.encode(), data);
    }
    if let Ok(answer) = KnownAnswer::decode(data) {
        if let KnownAnswer::Unavailable { words } = &answer {
            assert!(!words.contains(char::is_control));
            // A byte that is no UTF-8 becomes a sign of three.
            assert!(words.len() <= 3 * MAX_WORDS);
        }
        let written = answer.encode();
        let again = KnownAnswer::decode(&written).expect("it is one");
        assert_eq!(again.encode(), written);
    }
    if let Ok(request) = HoldRequest::decode(data) {
        assert_eq!(request.encode(), data);
    }
    if let Ok(answer) = HoldAnswer::decode(data) {
        assert_eq!(answer.encode(), data);
    }
}

/// One of each kind.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let wait = Duration::from_millis(1500);
    let words = "it cannot be connected to".to_owned();
    vec![
        (
            "relay",
            RelayRequest { block: &[1; REPLY_BLOCK_SIZE], answer: &[2; ANSWER_SIZE] }.encode(),
        ),
        ("relay-sent", RelayAnswer::Sent.encode()),
        ("known", KnownRequest::Transaction([3; 32]).encode()),
        ("known-mined", KnownAnswer::Mined { height: 121, confirmations: 4 }.encode()),
        ("known-unavailable", KnownAnswer::Unavailable { words }.encode()),
        ("hold", HoldRequest { wait, raw: &[2, 0, 1] }.encode()),
        ("hold-answer", HoldAnswer { wait, txid: [4; 32] }.encode()),
    ]
}
