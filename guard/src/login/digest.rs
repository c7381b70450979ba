//! HTTP digest logins with MD5: RFC 7616, and RFC 2617 before it. MD5 is what wallets of Monero speak;
//! what it has to withstand here is a guess of the password from one seen login.
#![deny(clippy::disallowed_methods)]

use md5::{Digest as _, Md5};
use subtle::ConstantTimeEq as _;

use super::Login;
use super::parts::parts;
use crate::refusal::REALM;

/// What a client says of itself in `Authorization`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    username: String,
    realm: String,
    pub(crate) nonce: String,
    uri: String,
    response: String,
    qop: String,
    cnonce: String,
    nc: String,
    algorithm: Option<String>,
}

impl Digest {
    /// Reads the header's value after its scheme; none if it is malformed, or a part comes twice.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut digest = Self::default();
        for (name, value) in parts(text)? {
            match name.as_str() {
                "username" => digest.username = value,
                "realm" => digest.realm = value,
                "nonce" => digest.nonce = value,
                "uri" => digest.uri = value,
                "response" => digest.response = value,
                "qop" => digest.qop = value,
                "cnonce" => digest.cnonce = value,
                "nc" => digest.nc = value,
                "algorithm" => digest.algorithm = Some(value),
                _ => {}
            }
        }
        Some(digest)
    }

    /// How many requests with this nonce there were, by the client's count.
    pub(crate) fn count(&self) -> Option<u32> {
        let is_count = self.nc.len() == 8 && self.nc.bytes().all(|b| b.is_ascii_hexdigit());
        is_count.then(|| u32::from_str_radix(&self.nc, 16).ok()).flatten()
    }

    /// Whether whoever made this for a request knows the password.
    pub(crate) fn proves(&self, login: &Login, method: &str, target: &str) -> bool {
        let fits = self.realm == REALM
            && self.qop == "auth"
            && self.uri == target
            && self.algorithm.as_deref().is_none_or(|name| name.eq_ignore_ascii_case("md5"));
        // Computed in any case: what is wrong does not show in the time.
        let asked = Asked { realm: REALM, nonce: &self.nonce, method, target: &self.uri };
        let right = asked.response(&self.username, login.expose_password(), &self.nc, &self.cnonce);
        let same = right.as_bytes().ct_eq(self.response.to_ascii_lowercase().as_bytes())
            & login.user().as_bytes().ct_eq(self.username.as_bytes());
        fits && bool::from(same)
    }
}

/// What a digest is about.
pub(super) struct Asked<'a> {
    pub(super) realm: &'a str,
    pub(super) nonce: &'a str,
    pub(super) method: &'a str,
    pub(super) target: &'a str,
}

impl Asked<'_> {
    /// The response of RFC 7616, section 3.4.1, with the quality of protection `auth`.
    pub(super) fn response(&self, user: &str, password: &str, nc: &str, cnonce: &str) -> String {
        let whose = hash(&[user, self.realm, password]);
        let what = hash(&[self.method, self.target]);
        hash(&[&whose, self.nonce, nc, cnonce, "auth", &what])
    }
}

fn hash(parts: &[&str]) -> String {
    let mut md5 = Md5::new();
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            md5.update(b":");
        }
        md5.update(part.as_bytes());
    }
    hex::encode(md5.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_rfc() {
        // RFC 7616, 3.9.1.
        let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let realm = "http-auth@example.org";
        let asked = Asked { realm, nonce, method: "GET", target: "/dir/index.html" };
        let response = asked.response("Mufasa", "Circle of Life", "00000001", cnonce);
        assert_eq!(response, "8ca523f5e9506fed4657c9700eebdbec");
    }

    #[test]
    fn headers_are_read_strictly() {
        let read = Digest::read(
            "username=\"a\\\"b, c\" ,realm=\"mixbed\",nonce=\"n\",uri=\"/x?y=1\", response=\"r\",\
             qop=auth, nc=0000000a ,cnonce=\"\", opaque=\"\"",
        )
        .unwrap();
        assert_eq!((read.username.as_str(), read.uri.as_str()), ("a\"b, c", "/x?y=1"));
        assert_eq!((read.count(), read.cnonce.as_str()), (Some(10), ""));
        for nc in ["", "1", "+0000001", "zzzzzzzz", "000000001"] {
            assert_eq!(Digest { nc: nc.to_owned(), ..Digest::default() }.count(), None, "{nc}");
        }
    }
}
