//! What a wallet's request is, by its head.

use hyper::{Method, StatusCode, Uri};
use mixbed_wire::message::MAX_RPC_PATH;

/// What is to be done with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Somebody looks what this is.
    Hello,
    /// A transaction is to be submitted.
    Submission,
    /// Anything else that a daemon may be asked.
    Question {
        /// Where to.
        path: String,
    },
}

/// Why a request is not even read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{0} is no method that a wallet uses: GET and POST are")]
    Method(Method),
    #[error(
        "no path of monerod's looks like this: '/' and then letters, digits, '-', '_', '.' and '/', \
         at most {MAX_RPC_PATH} in all, and no query"
    )]
    Path,
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Path => StatusCode::NOT_FOUND,
        }
    }
}

impl Kind {
    pub(super) fn of(method: &Method, uri: &Uri) -> Result<Self, Refusal> {
        if ![Method::GET, Method::POST].contains(method) {
            return Err(Refusal::Method(method.clone()));
        }
        let path = uri.path();
        if !is_path(path) || uri.query().is_some() {
            return Err(Refusal::Path);
        }
        if path == "/" {
            return Ok(Self::Hello);
        }
        if is_submission(path) {
            return Ok(Self::Submission);
        }
        Ok(Self::Question { path: path.to_owned() })
    }
}

fn is_path(path: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/');
    path.starts_with('/') && path.len() <= MAX_RPC_PATH && path.bytes().all(fits)
}

/// However it is written: what submits a transaction must never be taken for a question, which
/// may go to another daemon directly.
fn is_submission(path: &str) -> bool {
    let letters = path.chars().filter(char::is_ascii_alphanumeric);
    let name: String = letters.map(|c| c.to_ascii_lowercase()).collect();
    name.contains("sendrawtransaction")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &Method, uri: &str) -> Result<Kind, Refusal> {
        Kind::of(method, &uri.parse().expect("a URI"))
    }

    #[test]
    fn a_submission_is_one_however_it_is_written() {
        for path in [
            "/sendrawtransaction",
            "/send_raw_transaction",
            "/SendRawTransaction",
            "//sendrawtransaction",
            "/sendrawtransaction/",
            "/./send_raw_transaction.bin",
            "http://127.0.0.1:18089/sendrawtransaction",
        ] {
            assert_eq!(of(&Method::POST, path), Ok(Kind::Submission), "{path}");
            assert_eq!(of(&Method::GET, path), Ok(Kind::Submission), "{path}");
        }
    }

    #[test]
    fn anything_else_is_a_question() {
        let question = |path: &str| Kind::Question { path: path.to_owned() };
        for path in ["/json_rpc", "/getblocks.bin", "/get_info", "/stop_daemon", "/nonsense"] {
            assert_eq!(of(&Method::POST, path), Ok(question(path)));
        }
        assert_eq!(of(&Method::GET, "/"), Ok(Kind::Hello));
    }

    #[test]
    fn what_no_wallet_asks_is_refused() {
        for path in
            ["/get_info?x=1", "/%73endrawtransaction", "/a%20b", "*", "/send%5Fraw_transaction"]
        {
            assert_eq!(of(&Method::POST, path), Err(Refusal::Path), "{path}");
        }
        assert_eq!(of(&Method::POST, &format!("/{}", "a".repeat(200))), Err(Refusal::Path));
        assert_eq!(of(&Method::PUT, "/get_info"), Err(Refusal::Method(Method::PUT)));
    }
}
