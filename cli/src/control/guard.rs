//! Keeps web pages out: a browser on this machine can be made to send requests to loopback.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::server::refuse;

/// Refuses what a web page sent. `loopback`: whether the API is for this machine alone.
pub(super) async fn guard(loopback: bool, request: Request, next: Next) -> Response {
    match judge(loopback, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(why) => refuse(StatusCode::FORBIDDEN, why).into_response(),
    }
}

fn judge(loopback: bool, headers: &HeaderMap) -> Result<(), &'static str> {
    // Browsers add it to every request of a page that could change something.
    if headers.contains_key(header::ORIGIN) {
        return Err("requests of web pages are refused: this API is not for browsers");
    }
    // A page may give its own host name loopback's address; it cannot make up the name.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if loopback && !host.is_some_and(is_loopback) {
        return Err("this API is for this machine only: address it as 127.0.0.1 or localhost");
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let name = without_port.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        let value = |text| header::HeaderValue::from_static(text);
        list.iter().map(|(name, text)| (name.clone(), value(text))).collect()
    }

    #[test]
    fn pages_are_refused_and_programs_are_not() {
        for host in ["127.0.0.1:7070", "localhost:7070", "localhost", "[::1]:7070"] {
            assert_eq!(judge(true, &headers(&[(header::HOST, host)])), Ok(()), "{host}");
        }
        for host in ["evil.example:7070", "127.0.0.1.evil.example", ""] {
            assert!(judge(true, &headers(&[(header::HOST, host)])).is_err(), "{host}");
        }
        assert!(judge(true, &headers(&[])).is_err());
        assert_eq!(judge(false, &headers(&[(header::HOST, "mixbed.svc:7070")])), Ok(()));
        let page = [(header::HOST, "localhost"), (header::ORIGIN, "http://localhost")];
        assert!(judge(false, &headers(&page)).is_err());
    }
}
