//! A login at somebody else's port: the client's side of HTTP digest (RFC 7616).
#![deny(clippy::disallowed_methods)]

use rand::Rng;

use super::Login;
use super::digest::Asked;
use super::parts::parts;

/// A nonce longer than this is nobody's.
const MAX_NONCE: usize = 256;

/// A port's challenge that can be answered: digest with MD5, which is what programs of Monero speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestChallenge {
    realm: String,
    nonce: String,
}

impl DigestChallenge {
    /// Reads the value of a `WWW-Authenticate` header; none if it is of another kind.
    #[must_use]
    pub fn read(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim_start().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let parts = parts(rest)?;
        let part = |wanted: &str| {
            parts.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
        };
        let offers_auth = part("qop")?.split(',').any(|qop| qop.trim() == "auth");
        let is_md5 = part("algorithm").is_none_or(|name| name.eq_ignore_ascii_case("md5"));
        let challenge = Self { realm: part("realm")?.to_owned(), nonce: part("nonce")?.to_owned() };
        let is_quotable = |text: &str| {
            text.len() <= MAX_NONCE
                && !text.contains(|c: char| c.is_control() || "\"\\".contains(c))
        };
        let fits = is_quotable(&challenge.realm) && is_quotable(&challenge.nonce);
        (offers_auth && is_md5 && fits).then_some(challenge)
    }

    /// The value of `Authorization` for the first request that this challenge is used for. It shows that
    /// its maker knows the password, for this method and target only.
    pub fn answer<R: Rng>(&self, login: &Login, method: &str, target: &str, rng: &mut R) -> String {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        self.nth_answer(login, 1, method, target, &hex::encode(bytes))
    }

    /// The same for the request with this number.
    pub(super) fn nth_answer(
        &self,
        login: &Login,
        number: u32,
        method: &str,
        target: &str,
        cnonce: &str,
    ) -> String {
        let (user, Self { realm, nonce }) = (login.user(), self);
        let nc = format!("{number:08x}");
        let asked = Asked { realm, nonce, method, target };
        let response = asked.response(user, login.expose_password(), &nc, cnonce);
        format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{target}\", \
             response=\"{response}\", qop=auth, nc={nc}, cnonce=\"{cnonce}\", algorithm=MD5"
        )
    }
}

#[cfg(test)]
pub(super) fn answer(login: &Login, nonce: &str, nc: u32, method: &str, target: &str) -> String {
    let realm = crate::refusal::REALM.to_owned();
    let challenge = DigestChallenge { realm, nonce: nonce.to_owned() };
    challenge.nth_answer(login, nc, method, target, "0a4f113b")
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn a_challenge_of_monerod_is_read_and_others_are_not() {
        let of_monerod =
            "Digest qop=\"auth\",algorithm=MD5,realm=\"monero-rpc\",nonce=\"ab+/=\",stale=false";
        let challenge = DigestChallenge::read(of_monerod).unwrap();
        assert_eq!((challenge.realm.as_str(), challenge.nonce.as_str()), ("monero-rpc", "ab+/="));
        let other = |from: &str, to: &str| DigestChallenge::read(&of_monerod.replace(from, to));
        assert_eq!(other("MD5", "MD5-sess"), None);
        assert_eq!(other("\"auth\"", "\"auth-int\""), None);
        assert!(other("\"auth\"", "\"auth,auth-int\"").is_some());
        assert_eq!(other("Digest", "Basic"), None);
        assert_eq!(other("ab+/=", "a\\\"b"), None, "it could not be quoted");
        assert_eq!(other("ab+/=", &"a".repeat(300)), None);
        assert_eq!(DigestChallenge::read("Digest"), None);
    }

    #[test]
    fn each_answer_has_a_nonce_of_its_own() {
        let login: Login = "user:secret".parse().unwrap();
        let challenge = DigestChallenge { realm: "r".to_owned(), nonce: "n".to_owned() };
        let mut rng = rand::rngs::StdRng::seed_from_u64(7);
        let mut answer = || challenge.answer(&login, "POST", "/json_rpc", &mut rng);
        let (one, two) = (answer(), answer());
        assert_ne!(one, two);
        assert!(!one.contains("secret"), "{one}");
    }
}
