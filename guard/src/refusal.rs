//! Why a request is not heard.

use http::StatusCode;

/// Why a request is not heard. Each says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its `Host` is missing, several, or not this port's.
    #[error(
        "this port is addressed by an address or as localhost, with its own port; a name that it has \
         besides is to be allowed (--allow-host)"
    )]
    Host,
    /// It comes from a web page that nobody has listed.
    #[error("the request comes from a web page, and this port is for programs")]
    Page,
    /// The same where pages can be listed.
    #[error(
        "the request comes from a web page whose origin is not allowed here (--monero-rpc-origins)"
    )]
    Origin,
    /// The port wants a login.
    #[error("this port wants a login: {}", .0.how())]
    Login(Challenge),
}

/// How to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// A user name and a password, or the password as a bearer's token.
    Basic,
    /// A digest of both, with this nonce.
    Digest {
        /// To be used for the digest.
        nonce: String,
        /// Whether only the nonce was too old.
        stale: bool,
    },
}

impl Challenge {
    fn how(&self) -> &'static str {
        match self {
            Self::Basic => "give its user name and password (basic), or the password (bearer)",
            Self::Digest { .. } => {
                "give its user name and password (digest), a wallet by --daemon-login USER:PASSWORD"
            }
        }
    }

    /// The value of `WWW-Authenticate`.
    #[must_use]
    pub fn header(&self) -> String {
        match self {
            Self::Basic => format!("Basic realm=\"{REALM}\", charset=\"UTF-8\""),
            Self::Digest { nonce, stale } => format!(
                "Digest realm=\"{REALM}\", qop=\"auth\", algorithm=MD5, nonce=\"{nonce}\", stale={stale}"
            ),
        }
    }
}

/// What the login is for, as a browser or wallet would show it.
pub(crate) const REALM: &str = "mixbed";

impl Refusal {
    /// HTTP's status for it.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Login(_) => StatusCode::UNAUTHORIZED,
            _ => StatusCode::FORBIDDEN,
        }
    }
}
