//! From the first byte to the request.

use mixbed_guard::Login;

use super::reply::Version;
use super::{Isolation, Malformed, Request, v4, v5};

/// What a program says before it is connected. Bytes go in by [`handle`](Self::handle); after that,
/// [`poll`](Self::poll) until it wants more. What it holds is bounded by its longest message, 520
/// bytes, and what is handed in at once.
#[derive(Debug, Default)]
pub(in crate::socks) struct Handshake {
    bytes: Vec<u8>,
    next: Next,
    login: Option<Login>,
}

/// The message that comes next.
#[derive(Clone, Debug, Default)]
enum Next {
    /// All of SOCKS 4, or a SOCKS 5 greeting.
    #[default]
    First,
    User,
    Request(Option<Isolation>),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::socks) enum Step {
    /// Hand in more bytes.
    More,
    /// Send this, and ask again.
    Answer([u8; 2]),
    /// All is said: answer by what [`Version`] has.
    Request(Request),
}

impl Handshake {
    /// With a program that has to give the login's password. Its user name is its own to choose: it keeps
    /// its streams apart from others'.
    pub(in crate::socks) fn wanting(login: Option<Login>) -> Self {
        Self { login, ..Self::default() }
    }

    /// Takes in what has come.
    pub(in crate::socks) fn handle(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next step. After an error, its answer is all there is to send.
    pub(in crate::socks) fn poll(&mut self) -> Result<Step, Malformed> {
        match &self.next {
            Next::First => match self.bytes.first() {
                None => Ok(Step::More),
                Some(4) if self.login.is_some() => Err(Malformed::NoPassword),
                Some(4) => {
                    let Some((request, length)) = v4::request(&self.bytes)? else {
                        return Ok(Step::More);
                    };
                    self.bytes.drain(..length);
                    Ok(Step::Request(request))
                }
                Some(5) => {
                    let Some((method, length)) = v5::greeting(&self.bytes, self.login.is_some())?
                    else {
                        return Ok(Step::More);
                    };
                    let next = if method == v5::USER { Next::User } else { Next::Request(None) };
                    Ok(self.answer(length, next, [5, method]))
                }
                // Methods are capital letters.
                Some(b'A'..=b'Z') => Err(Malformed::Http),
                Some(&other) => Err(Malformed::Version(other)),
            },
            Next::User => {
                let Some((user, length)) = v5::user(&self.bytes)? else {
                    return Ok(Step::More);
                };
                // Without a login, any will do.
                if self.login.as_ref().is_some_and(|login| !login.is_password(user.password)) {
                    return Err(Malformed::WrongPassword);
                }
                let isolation = Isolation::of_user_and_password(user.name, user.password);
                Ok(self.answer(length, Next::Request(Some(isolation)), [1, 0]))
            }
            Next::Request(isolation) => {
                let Some((wanted, length)) = v5::request(&self.bytes)? else {
                    return Ok(Step::More);
                };
                let isolation = isolation.clone();
                self.bytes.drain(..length);
                Ok(Step::Request(Request { version: Version::Five, wanted, isolation }))
            }
        }
    }

    fn answer(&mut self, length: usize, next: Next, answer: [u8; 2]) -> Step {
        self.bytes.drain(..length);
        self.next = next;
        Step::Answer(answer)
    }

    /// Whether anything has come.
    pub(in crate::socks) fn has_begun(&self) -> bool {
        !self.bytes.is_empty() || !matches!(self.next, Next::First)
    }

    #[cfg(test)]
    pub(super) fn bytes_held(&self) -> usize {
        self.bytes.len()
    }

    /// What came behind the request: the first bytes of the connection.
    pub(in crate::socks) fn into_rest(self) -> Vec<u8> {
        self.bytes
    }
}
