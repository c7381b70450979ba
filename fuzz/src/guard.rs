//! The heads of requests at an HTTP port of this machine.

use std::net::SocketAddr;
use std::time::Instant;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use mixbed_guard::{Guard, Login, Refusal, Scheme};
use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;

use crate::Seed;
use crate::input::Input;

const NAMES: [&str; 6] = [
    "host",
    "origin",
    "referer",
    "sec-fetch-site",
    "authorization",
    "access-control-request-method",
];

/// Whoever does not know the password is not heard, whatever else a request says; nor is a page.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let scheme = if input.byte() & 1 == 0 { Scheme::Digest } else { Scheme::Basic };
    let mut headers = HeaderMap::new();
    while !input.is_empty() {
        let name = NAMES[usize::from(input.byte()) % NAMES.len()];
        if let Ok(value) = HeaderValue::from_bytes(input.short()) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    let login: Login = "wallet:a password that no mutation finds".parse().expect("a login");
    let open = Guard::new(SocketAddr::from(([127, 0, 0, 1], 18089)));
    let closed = open.clone().with_login(login, scheme, [7; 32], &[]);
    let uri = Uri::from_static("/json_rpc");
    let judge = |guard: &Guard| {
        let rng = &mut ChaCha20Rng::seed_from_u64(1);
        guard.judge(&Method::POST, &uri, &headers, Instant::now(), rng)
    };
    if judge(&open).is_ok() {
        assert!(!headers.contains_key("origin") && !headers.contains_key("referer"));
        assert_eq!(headers.get_all("host").iter().count(), 1);
    }
    let refused = judge(&closed).expect_err("nobody knows the password");
    if let Refusal::Login(challenge) = &refused.refusal {
        assert!(HeaderValue::from_str(&challenge.header()).is_ok());
    }
}

/// Programs, pages and logins.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let request = |scheme: u8, headers: &[(u8, &str)]| {
        let mut bytes = vec![scheme];
        for (name, value) in headers {
            bytes.extend([*name, u8::try_from(value.len()).expect("short")]);
            bytes.extend_from_slice(value.as_bytes());
        }
        bytes
    };
    let digest = "Digest username=\"wallet\", realm=\"mixbed\", nonce=\"00\", uri=\"/json_rpc\", \
                  response=\"00\", qop=auth, nc=00000001, cnonce=\"a\\\"b\", algorithm=MD5";
    vec![
        ("digest", request(0, &[(0, "127.0.0.1:18089"), (4, digest)])),
        ("basic", request(1, &[(0, "[::1]:18089"), (4, "Basic d2FsbGV0OnNlY3JldA==")])),
        ("bearer", request(1, &[(0, "localhost"), (4, "Bearer secret")])),
        ("page", request(0, &[(0, "localhost"), (1, "https://wallet.example"), (5, "POST")])),
        ("image", request(0, &[(0, "localhost"), (2, "https://a.example/b"), (3, "cross-site")])),
    ]
}
