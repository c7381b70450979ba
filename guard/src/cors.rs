//! What a listed web page's browser is told.
#![deny(clippy::disallowed_methods)]

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::Origin;

/// Chrome asks so before a public page may speak with a private address.
const REQUEST_PRIVATE: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// A browser asks whether a page may ask. To be answered with 204 and the guard's headers, and with
/// nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preflight {
    private: bool,
}

impl Preflight {
    /// The request, if it is one.
    pub(crate) fn read(method: &Method, headers: &HeaderMap) -> Option<Self> {
        let is_one =
            method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        is_one.then(|| Self { private: headers.contains_key(REQUEST_PRIVATE) })
    }
}

/// The headers of an answer to a page of `origin`.
pub(crate) fn headers(origin: &Origin, preflight: Option<Preflight>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(VARY, HeaderValue::from_static("origin"));
    if let Ok(origin) = HeaderValue::from_str(origin.as_str()) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("www-authenticate"));
    if let Some(Preflight { private }) = preflight {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
        let allowed = HeaderValue::from_static("authorization, content-type");
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        if private {
            headers.insert(ALLOW_PRIVATE, HeaderValue::from_static("true"));
        }
    }
    headers
}
