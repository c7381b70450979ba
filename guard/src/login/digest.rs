//! HTTP digest logins with MD5: RFC 7616, and RFC 2617 before it. MD5 is what wallets of Monero speak;
//! what it has to withstand here is a guess of the password from one seen login.
#![deny(clippy::disallowed_methods)]

use md5::{Digest as _, Md5};
use subtle::ConstantTimeEq as _;

use super::Login;
use crate::refusal::REALM;

/// No more parts are read.
const MAX_PARTS: usize = 32;

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
        let mut seen = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (name, after) = rest.split_once('=')?;
            let name = name.trim().to_ascii_lowercase();
            let (value, after) = value(after.trim_start())?;
            let is_token = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            if name.is_empty() || !name.bytes().all(is_token) {
                return None;
            }
            if seen.len() == MAX_PARTS || seen.contains(&name) {
                return None;
            }
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
            seen.push(name);
            rest = match after.trim_start() {
                "" => "",
                after => after.strip_prefix(',')?.trim_start(),
            };
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
        let whose = hash(&[&self.username, REALM, login.expose_password()]);
        let what = hash(&[method, &self.uri]);
        let right = hash(&[&whose, &self.nonce, &self.nc, &self.cnonce, &self.qop, &what]);
        let same = right.as_bytes().ct_eq(self.response.to_ascii_lowercase().as_bytes())
            & login.user().as_bytes().ct_eq(self.username.as_bytes());
        fits && bool::from(same)
    }
}

/// A token or a quoted string, and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
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

/// A client's side, for tests.
#[cfg(test)]
pub(crate) fn answer(login: &Login, nonce: &str, nc: u32, method: &str, target: &str) -> String {
    let (nc, cnonce) = (format!("{nc:08x}"), "0a4f113b");
    let whose = hash(&[login.user(), REALM, login.expose_password()]);
    let what = hash(&[method, target]);
    let response = hash(&[&whose, nonce, &nc, cnonce, "auth", &what]);
    format!(
        "Digest username=\"{}\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{target}\", \
         response=\"{response}\", qop=auth, nc={nc}, cnonce=\"{cnonce}\", algorithm=MD5",
        login.user()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_rfc() {
        // RFC 7616, 3.9.1.
        let whose = hash(&["Mufasa", "http-auth@example.org", "Circle of Life"]);
        let what = hash(&["GET", "/dir/index.html"]);
        let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let response = hash(&[&whose, nonce, "00000001", cnonce, "auth", &what]);
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
        for bad in [
            "username",
            "username=",
            "a=\"b",
            "a=\"b\\",
            "a=b c=d",
            "a=b,a=c",
            "nc=1,,nc=2",
            "=",
            "a=\"b\"c=\"d\"",
        ] {
            assert_eq!(Digest::read(bad), None, "{bad}");
        }
        let many: Vec<_> = (0..40).map(|n| format!("p{n}=1")).collect();
        assert_eq!(Digest::read(&many.join(",")), None);
        for nc in ["", "1", "+0000001", "zzzzzzzz", "000000001"] {
            assert_eq!(Digest { nc: nc.to_owned(), ..Digest::default() }.count(), None, "{nc}");
        }
    }
}
