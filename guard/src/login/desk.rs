//! Where a port checks logins.
#![deny(clippy::disallowed_methods)]

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{Method, Uri};
use rand::Rng;
use zeroize::Zeroizing;

use super::digest::Digest;
use super::nonces::{Nonces, Standing};
use super::{Login, Scheme};
use crate::Challenge;

/// Checks logins of one port.
#[derive(Debug)]
pub(crate) struct Desk {
    login: Login,
    scheme: Scheme,
    /// Held for a look.
    nonces: Mutex<Nonces>,
}

impl Desk {
    pub(crate) fn new(login: Login, scheme: Scheme, secret: [u8; 32]) -> Self {
        Self { login, scheme, nonces: Mutex::new(Nonces::new(secret)) }
    }

    /// Whether what a request says in `Authorization` is enough.
    pub(crate) fn check<R: Rng>(
        &self,
        method: &Method,
        uri: &Uri,
        said: Option<&str>,
        now: Instant,
        rng: &mut R,
    ) -> Result<(), Challenge> {
        let (scheme, rest) = said.and_then(|said| said.split_once(' ')).unwrap_or_default();
        let scheme = scheme.to_ascii_lowercase();
        match self.scheme {
            Scheme::Basic => {
                let is_right = match scheme.as_str() {
                    "basic" => self.is_basic(rest),
                    "bearer" => self.login.is_password(rest.trim().as_bytes()),
                    _ => false,
                };
                if is_right { Ok(()) } else { Err(Challenge::Basic) }
            }
            Scheme::Digest => {
                let digest = (scheme == "digest").then(|| Digest::read(rest)).flatten();
                self.check_digest(method, uri, digest, now, rng)
            }
        }
    }

    fn is_basic(&self, said: &str) -> bool {
        let Ok(said) = BASE64_STANDARD.decode(said.trim()).map(Zeroizing::new) else {
            return false;
        };
        let Some(colon) = said.iter().position(|byte| *byte == b':') else { return false };
        self.login.is(&said[..colon], &said[colon + 1..])
    }

    fn check_digest<R: Rng>(
        &self,
        method: &Method,
        uri: &Uri,
        digest: Option<Digest>,
        now: Instant,
        rng: &mut R,
    ) -> Result<(), Challenge> {
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        // One look, so that two requests at once cannot both use a count.
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        let proven = digest.filter(|digest| digest.proves(&self.login, method.as_str(), target));
        let Some((digest, count)) = proven.and_then(|digest| digest.count().map(|n| (digest, n)))
        else {
            return Err(Challenge::Digest { nonce: nonces.make(now, rng), stale: false });
        };
        match nonces.standing(&digest.nonce, count, now) {
            Standing::Good => {
                nonces.use_up(&digest.nonce, count);
                Ok(())
            }
            // Who made it knows the password, and need not be asked for it again.
            Standing::Stale => Err(Challenge::Digest { nonce: nonces.make(now, rng), stale: true }),
            Standing::Foreign => {
                Err(Challenge::Digest { nonce: nonces.make(now, rng), stale: false })
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some time and chance")]
mod tests {
    use super::super::client::answer;
    use super::*;

    fn login() -> Login {
        "wallet:secret".parse().unwrap()
    }

    fn check(desk: &Desk, said: Option<&str>) -> Result<(), Challenge> {
        let uri = Uri::from_static("/json_rpc");
        desk.check(&Method::POST, &uri, said, Instant::now(), &mut rand::rng())
    }

    #[test]
    fn digests_prove_the_password_for_one_request() {
        let desk = Desk::new(login(), Scheme::Digest, [3; 32]);
        let Err(Challenge::Digest { nonce, stale: false }) = check(&desk, None) else {
            panic!("it asks for a login");
        };
        let good = answer(&login(), &nonce, 1, "POST", "/json_rpc");
        assert_eq!(check(&desk, Some(&good)), Ok(()));
        assert!(matches!(check(&desk, Some(&good)), Err(Challenge::Digest { stale: true, .. })));
        let other: Login = "wallet:secreu".parse().unwrap();
        let whose: Login = "walled:secret".parse().unwrap();
        let foreign = "0".repeat(64);
        for wrong in [
            answer(&other, &nonce, 2, "POST", "/json_rpc"),
            answer(&whose, &nonce, 2, "POST", "/json_rpc"),
            answer(&login(), &nonce, 2, "GET", "/json_rpc"),
            answer(&login(), &nonce, 2, "POST", "/get_info"),
            answer(&login(), &foreign, 2, "POST", "/json_rpc"),
            answer(&login(), &nonce, 2, "POST", "/json_rpc").replace("qop=auth", "qop=auth-int"),
            answer(&login(), &nonce, 2, "POST", "/json_rpc").replace("nc=00000002", "nc=00000003"),
            "Digest ".to_owned(),
            "Basic d2FsbGV0OnNlY3JldA==".to_owned(),
            "Bearer secret".to_owned(),
        ] {
            let said = check(&desk, Some(&wrong));
            assert!(matches!(said, Err(Challenge::Digest { stale: false, .. })), "{wrong}");
        }
        assert_eq!(check(&desk, Some(&answer(&login(), &nonce, 2, "POST", "/json_rpc"))), Ok(()));
    }

    #[test]
    fn basic_and_bearer() {
        let desk = Desk::new(login(), Scheme::Basic, [3; 32]);
        for right in ["Basic d2FsbGV0OnNlY3JldA==", "bearer secret", "BASIC d2FsbGV0OnNlY3JldA=="] {
            assert_eq!(check(&desk, Some(right)), Ok(()), "{right}");
        }
        for wrong in
            ["Basic d2FsbGV0OnNlY3JldQ==", "Basic x", "Basic c2VjcmV0", "Bearer ", "secret", ""]
        {
            assert_eq!(check(&desk, Some(wrong)), Err(Challenge::Basic), "{wrong}");
        }
        assert_eq!(check(&desk, None), Err(Challenge::Basic));
    }
}
