//! Logins: one user name and one password for a port.

mod client;
mod desk;
mod digest;
mod nonces;
mod parts;

use std::fmt;
use std::str::FromStr;

use rand::Rng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

pub use client::DigestChallenge;
pub(crate) use desk::Desk;

/// The longest user name or password, in bytes: SOCKS carries no longer one.
const MAX: usize = 255;

/// The user name of a login that is drawn.
const USER: &str = "mixbed";

/// A user name and a password. It shows neither the password nor its length.
#[derive(Clone)]
pub struct Login {
    user: String,
    password: Zeroizing<String>,
}

/// How a port hears of logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// As wallets do: HTTP digest with MD5 (RFC 7616). The password does not travel.
    Digest,
    /// Basic, or the password as a bearer's token: for ports that only this machine reaches.
    Basic,
}

/// Why a text is no login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseLoginError {
    /// There is no colon.
    #[error("a login is USER:PASSWORD")]
    NoColon,
    /// A part is missing or too long.
    #[error("a user name and a password have 1 to {MAX} bytes each")]
    Length,
    /// What headers or quotes do not carry.
    #[error(
        "a user name has no quotes, backslashes or control characters, a password no control characters"
    )]
    Character,
}

impl Login {
    /// Draws a password of 26 letters and digits, 128 bits.
    pub fn generate<R: Rng>(rng: &mut R) -> Self {
        const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let mut bytes = Zeroizing::new([0; 26]);
        rng.fill_bytes(bytes.as_mut_slice());
        let letters = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
        Self { user: USER.to_owned(), password: Zeroizing::new(letters.collect()) }
    }

    /// The user name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password: to be written to a file that only its user reads, or sent where it is asked for.
    #[must_use]
    pub fn expose_password(&self) -> &str {
        &self.password
    }

    /// Whether this is the password, in a time that does not tell how much of it is right.
    #[must_use]
    pub fn is_password(&self, said: &[u8]) -> bool {
        self.password.as_bytes().ct_eq(said).into()
    }

    /// The same for both parts.
    #[must_use]
    pub fn is(&self, user: &[u8], password: &[u8]) -> bool {
        (self.user.as_bytes().ct_eq(user) & self.password.as_bytes().ct_eq(password)).into()
    }
}

impl FromStr for Login {
    type Err = ParseLoginError;

    fn from_str(text: &str) -> Result<Self, ParseLoginError> {
        let (user, password) = text.split_once(':').ok_or(ParseLoginError::NoColon)?;
        if [user, password].iter().any(|part| part.is_empty() || part.len() > MAX) {
            return Err(ParseLoginError::Length);
        }
        let control = |text: &str| text.chars().any(char::is_control);
        if control(user) || user.contains(['"', '\\']) || control(password) {
            return Err(ParseLoginError::Character);
        }
        Ok(Self { user: user.to_owned(), password: Zeroizing::new(password.to_owned()) })
    }
}

impl PartialEq for Login {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.user.as_bytes(), other.password.as_bytes())
    }
}

impl Eq for Login {}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_read_and_not_shown() {
        let login: Login = "user:pass:word".parse().unwrap();
        assert_eq!((login.user(), login.expose_password()), ("user", "pass:word"));
        assert!(!format!("{login:?}").contains("pass"), "{login:?}");
        assert!(login.is(b"user", b"pass:word") && login.is_password(b"pass:word"));
        assert!(!login.is(b"user", b"pass") && !login.is(b"use", b"pass:word"));
        let long = format!("u:{}", "p".repeat(256));
        for (text, error) in [
            ("user", ParseLoginError::NoColon),
            (":p", ParseLoginError::Length),
            ("u:", ParseLoginError::Length),
            (&long, ParseLoginError::Length),
            ("u\":p", ParseLoginError::Character),
            ("u:p\n", ParseLoginError::Character),
        ] {
            assert_eq!(text.parse::<Login>(), Err(error), "{text}");
        }
        let (one, two) = (Login::generate(&mut rand::rng()), Login::generate(&mut rand::rng()));
        assert!(one != two && one.expose_password().len() == 26);
        let text = format!("{}:{}", one.user(), one.expose_password());
        assert_eq!(text.parse(), Ok(one));
    }
}
