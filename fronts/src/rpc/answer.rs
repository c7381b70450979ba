//! What a wallet is told.

use std::io;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

/// An answer's body: whole, or as it comes from a daemon.
pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A body that is there.
pub(super) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// An answer with this content type; none if it is empty.
pub(super) fn answer(status: StatusCode, content_type: &str, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    if let Ok(value) = HeaderValue::from_str(content_type)
        && !value.is_empty()
    {
        answer.headers_mut().insert(CONTENT_TYPE, value);
    }
    answer
}

/// JSON.
pub(super) fn json(status: StatusCode, value: &serde_json::Value) -> Response<Body> {
    answer(status, "application/json", whole(value.to_string()))
}

/// Why there is no answer of a daemon's.
pub(super) fn error(status: StatusCode, why: &str) -> Response<Body> {
    let value = serde_json::json!({ "error": { "code": status.as_u16(), "message": why } });
    json(status, &value)
}

/// The connection ends after this answer.
pub(super) fn last(mut answer: Response<Body>) -> Response<Body> {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}
