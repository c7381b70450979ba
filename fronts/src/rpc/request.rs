//! What a wallet's request is, by its head.

use hyper::header::{CONTENT_TYPE, HeaderMap, ORIGIN};
use hyper::{Method, StatusCode, Uri};
use mixbed_wire::message::{MAX_RPC_CONTENT_TYPE, MAX_RPC_PATH};

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
        /// What the body is.
        content_type: String,
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
    #[error("a content type is at most {MAX_RPC_CONTENT_TYPE} printable characters")]
    ContentType,
    #[error("this is for wallets, not for web pages: the request has an Origin ({0})")]
    Browser(String),
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Path => StatusCode::NOT_FOUND,
            Self::ContentType => StatusCode::BAD_REQUEST,
            Self::Browser(_) => StatusCode::FORBIDDEN,
        }
    }
}

impl Kind {
    pub(super) fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Self, Refusal> {
        if let Some(origin) = headers.get(ORIGIN) {
            // A page in a browser of this machine reaches loopback too.
            return Err(Refusal::Browser(String::from_utf8_lossy(origin.as_bytes()).into_owned()));
        }
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
        let content_type = headers.get(CONTENT_TYPE).map(|value| value.to_str());
        let content_type = content_type.transpose().map_err(|_| Refusal::ContentType)?;
        let content_type = content_type.unwrap_or_default().to_owned();
        if content_type.len() > MAX_RPC_CONTENT_TYPE {
            return Err(Refusal::ContentType);
        }
        Ok(Self::Question { path: path.to_owned(), content_type })
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
    use hyper::header::HeaderValue;

    use super::*;

    fn of(method: &Method, uri: &str) -> Result<Kind, Refusal> {
        Kind::of(method, &uri.parse().expect("a URI"), &HeaderMap::new())
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
        let question =
            |path: &str| Kind::Question { path: path.to_owned(), content_type: String::new() };
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
        let with = |name, value: &[u8]| {
            let value = HeaderValue::from_bytes(value).expect("a value");
            let headers = HeaderMap::from_iter([(name, value)]);
            Kind::of(&Method::POST, &Uri::from_static("/get_info"), &headers)
        };
        assert_eq!(with(CONTENT_TYPE, b"\xff"), Err(Refusal::ContentType));
        assert_eq!(with(CONTENT_TYPE, &[b'a'; 200]), Err(Refusal::ContentType));
        let page = Refusal::Browser("https://example.org".to_owned());
        assert_eq!(with(ORIGIN, b"https://example.org"), Err(page));
    }
}
