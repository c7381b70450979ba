//! Requests, responses, the answers of `monero.submit` and what `monero.rpc` carries.

use mixbed_wire::message::{
    MAX_MESSAGE, MAX_SERVICE_NAME, MAX_WORDS, Request, Response, RpcAnswer, RpcHead, RpcRequest,
    SubmitAnswer, SubmitOutcome,
};

use crate::Seed;

/// Any bytes are refused or read within their bounds; requests are written the same way, and what
/// a stranger says in words is fit for a line of a terminal.
pub fn run(data: &[u8]) {
    if let Ok(request) = Request::decode(data) {
        assert!((1..=MAX_SERVICE_NAME).contains(&request.service.len()));
        assert_eq!(request.encode().expect("it is one"), data);
    }
    if let Ok(response) = Response::decode(data) {
        if let Response::Refused(words) | Response::Failed(words) = &response {
            fit_for_a_terminal(words);
        }
        let written = response.encode();
        assert!(written.len() <= MAX_MESSAGE);
        let again = Response::decode(&written).expect("it is one");
        assert_eq!(again.encode(), written);
    }
    if let Ok(answer) = SubmitAnswer::decode(data) {
        if let SubmitOutcome::Rejected { words, .. } | SubmitOutcome::Unavailable { words } =
            &answer.outcome
        {
            fit_for_a_terminal(words);
        }
        let written = answer.encode();
        let again = SubmitAnswer::decode(&written).expect("it is one");
        assert_eq!(again.encode(), written);
    }
    if let Ok(request) = RpcRequest::decode(data) {
        // Nothing that HTTP would read as more than a path.
        assert!(!request.path.contains([' ', '?', '#', '%', '\\', '\r', '\n']));
        // A body may be deflated in many ways.
        let again = RpcRequest::decode(&request.encode().expect("it is one"));
        assert_eq!(again, Ok(request));
    }
    if let Ok(answer) = RpcAnswer::decode(data) {
        let again = RpcAnswer::decode(&answer.encode().expect("it is one"));
        assert_eq!(again, Ok(answer));
    }
    if let Ok(head) = RpcHead::decode(data) {
        assert_eq!(head.encode().expect("it is one"), data);
    }
}

fn fit_for_a_terminal(words: &str) {
    assert!(!words.contains(char::is_control));
    // A byte that is no UTF-8 becomes a sign of three.
    assert!(words.len() <= 3 * MAX_WORDS);
}

/// One of each kind.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let request = |service, payload| Request { service, payload }.encode().expect("a good one");
    let submit = |outcome| {
        let monerod_time = std::time::Duration::from_micros(1500);
        SubmitAnswer { outcome, attempts: 2, monerod_time }.encode()
    };
    let words = || "fee too low".to_owned();
    let json = || "application/json".to_owned();
    let body = || br#"{"method":"get_info"}"#.to_vec();
    let asked = RpcRequest { path: "/json_rpc".to_owned(), content_type: json(), body: body() };
    let head = RpcHead { status: 200, content_type: json(), length: Some(3_000_000) };
    let told = RpcAnswer { status: 200, content_type: json(), body: body() };
    let long = RpcAnswer { status: 200, content_type: json(), body: body().repeat(200) };
    vec![
        ("echo", request("echo", b"hello")),
        ("submit", request("monero.submit", &[2, 0, 1, 2])),
        ("ok", Response::Ok(vec![1, 2, 3]).encode()),
        ("unknown-service", Response::UnknownService.encode()),
        ("refused", Response::Refused(words()).encode()),
        ("failed", Response::Failed("a\u{1b}[2J \u{fffd}".to_owned()).encode()),
        ("too-large", Response::TooLarge.encode()),
        ("accepted", submit(SubmitOutcome::Accepted { txid: Some([3; 32]), already_known: false })),
        ("rejected", submit(SubmitOutcome::Rejected { flags: 5, words: words() })),
        ("unavailable", submit(SubmitOutcome::Unavailable { words: words() })),
        ("rpc", asked.encode().expect("a good one")),
        ("rpc-head", head.encode().expect("a good one")),
        ("rpc-answer", told.encode().expect("a good one")),
        ("rpc-answer-deflated", long.encode().expect("a good one")),
    ]
}
