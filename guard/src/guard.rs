//! The guard of one port.
#![deny(clippy::disallowed_methods)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use http::header::{AUTHORIZATION, HOST, ORIGIN, REFERER};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use rand::Rng;

use crate::cors::{self, Preflight};
use crate::host::Asked;
use crate::login::{Desk, Scheme};
use crate::{AllowedHost, Login, Origin, Refusal};

/// A browser says by it how the page that asks is related to this port.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Who may ask at one port. Clones share what they remember of logins.
#[derive(Clone, Debug)]
pub struct Guard {
    listens: SocketAddr,
    hosts: Vec<AllowedHost>,
    origins: Vec<Origin>,
    takes_origins: bool,
    any_host_from_afar: bool,
    desk: Option<Arc<Desk>>,
    open: &'static [&'static str],
}

/// A request that may be answered.
#[derive(Clone, Debug, Default)]
pub struct Passed {
    /// To be added to the answer, or to a refusal that comes later.
    pub headers: HeaderMap,
    /// Only a browser's question whether a page may ask.
    pub preflight: Option<Preflight>,
}

/// A request that is not heard.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// To be added to the answer.
    pub headers: HeaderMap,
}

impl Refused {
    fn plain(refusal: Refusal) -> Self {
        Self { refusal, headers: HeaderMap::new() }
    }
}

impl Guard {
    /// For the port at `listens`: this machine's programs, and others where it is not on loopback.
    #[must_use]
    pub fn new(listens: SocketAddr) -> Self {
        let (hosts, origins) = (Vec::new(), Vec::new());
        let (takes_origins, any_host_from_afar) = (false, false);
        Self { listens, hosts, origins, takes_origins, any_host_from_afar, desk: None, open: &[] }
    }

    /// Where other machines reach it, it may be addressed by any name. For health and metrics only: an API
    /// server that passes requests on to a pod, or a scraper, may use any, and who reaches the port is the
    /// network's to say.
    #[must_use]
    pub fn with_any_host_from_afar(mut self) -> Self {
        self.any_host_from_afar = true;
        self
    }

    /// It may be addressed by these, too.
    #[must_use]
    pub fn with_hosts(mut self, hosts: &[AllowedHost]) -> Self {
        self.hosts = hosts.to_vec();
        self
    }

    /// Pages of these origins may ask.
    #[must_use]
    pub fn with_origins(mut self, origins: &[Origin]) -> Self {
        (self.origins, self.takes_origins) = (origins.to_vec(), true);
        self
    }

    /// Whoever asks has to log in. `secret`: 32 random bytes that sign this port's nonces; `open`: the
    /// paths that need no login.
    #[must_use]
    pub fn with_login(
        mut self,
        login: Login,
        scheme: Scheme,
        secret: [u8; 32],
        open: &'static [&'static str],
    ) -> Self {
        self.desk = Some(Arc::new(Desk::new(login, scheme, secret)));
        self.open = open;
        self
    }

    /// Judges a request by its head.
    ///
    /// # Errors
    /// Why it is not heard.
    pub fn judge<R: Rng>(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        now: Instant,
        rng: &mut R,
    ) -> Result<Passed, Box<Refused>> {
        self.check_host(uri, headers).map_err(Refused::plain)?;
        let page = self.check_page(headers).map_err(Refused::plain)?;
        let preflight = page.and_then(|_| Preflight::read(method, headers));
        let answered = page.map(|origin| cors::headers(origin, preflight)).unwrap_or_default();
        if preflight.is_none()
            && let Some(desk) = &self.desk
            && !self.open.contains(&uri.path())
        {
            let said = single(headers, &AUTHORIZATION).ok().flatten();
            desk.check(method, uri, said, now, rng).map_err(|challenge| Refused {
                refusal: Refusal::Login(challenge),
                headers: answered.clone(),
            })?;
        }
        Ok(Passed { headers: answered, preflight })
    }

    /// A request has one host, and it is this port's.
    fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.any_host_from_afar && !self.listens.ip().to_canonical().is_loopback() {
            return Ok(());
        }
        let named = single(headers, &HOST).map_err(|()| Refusal::Host)?.ok_or(Refusal::Host)?;
        // A request line may name one as well.
        for text in [Some(named), uri.authority().map(Authority::as_str)].into_iter().flatten() {
            let asked = Asked::read(text).ok_or(Refusal::Host)?;
            if !asked.is(self.listens) && !asked.is_listed(&self.hosts) {
                return Err(Refusal::Host);
            }
        }
        Ok(())
    }

    /// The page that asks, if it may; none if no page does.
    fn check_page(&self, headers: &HeaderMap) -> Result<Option<&Origin>, Refusal> {
        let refused = || if self.takes_origins { Refusal::Origin } else { Refusal::Page };
        let listed = |origin: &str| self.origins.iter().find(|allowed| allowed.as_str() == origin);
        let one = |name: &HeaderName| single(headers, name).map_err(|()| refused());
        if let Some(origin) = one(&ORIGIN)? {
            return listed(origin).map(Some).ok_or_else(refused);
        }
        // `none`: somebody typed the address; `same-origin`: and reloaded it. No page of ours asks.
        if one(&SEC_FETCH_SITE)?.is_some_and(|site| !matches!(site, "none" | "same-origin")) {
            return Err(refused());
        }
        // No program has come from a page, and a page that may ask has an origin.
        if one(&REFERER)?.is_some() {
            return Err(refused());
        }
        Ok(None)
    }
}

/// The value of a header that comes once at most.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(HeaderValue::to_str).transpose().map_err(drop)?;
    if values.next().is_some() { Err(()) } else { Ok(first) }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some time and chance")]
mod tests;
