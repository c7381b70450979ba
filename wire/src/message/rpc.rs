//! The service `monero.rpc`: one HTTP request to a provider's monerod, and its answer.
//!
//! ```text
//! path's length 1 | path | content type's length 1 | content type | how 1 | body
//! status 2                | content type's length 1 | content type | how 1 | body
//! ```
//!
//! *How* is 0 for a body as it is, and 1 for one that is deflated (RFC 1951).
//!
//! Numbers are big-endian. Nothing else of a request travels: its other headers would tell more of a
//! wallet than monerod needs.
//!
//! Both go as messages, or on a stream of this service, the request up and the answer down, each to its
//! direction's end: so an answer may have any length. There its body's length, 8 bytes, comes before its
//! body, all ones if it is not known, and the body is as it is.

use crate::DropReason;

use super::{MAX_MESSAGE, Request, packed};

/// The service's name.
pub const RPC_SERVICE: &str = "monero.rpc";

/// The longest path, in bytes; the longest that monerod knows has 36.
pub const MAX_RPC_PATH: usize = 128;

/// The longest content type, in bytes.
pub const MAX_RPC_CONTENT_TYPE: usize = 128;

/// A request to monerod, always a POST: monerod makes no difference between methods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcRequest {
    /// Where to: `/` and at most [`MAX_RPC_PATH`] bytes in all, of `a-z`, `A-Z`, `0-9`, `-`, `_`,
    /// `.` and `/`. No query.
    pub path: String,
    /// What the body is, such as `application/json`; may be empty. At most
    /// [`MAX_RPC_CONTENT_TYPE`] bytes of printable ASCII.
    pub content_type: String,
    /// The body, at most [`max_body`](Self::max_body) bytes.
    pub body: Vec<u8>,
}

/// What monerod answered, or the provider in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcAnswer {
    /// HTTP's, 200 to 599.
    pub status: u16,
    /// As in a request.
    pub content_type: String,
    /// The body, at most [`max_body`](Self::max_body) bytes.
    pub body: Vec<u8>,
}

/// What comes before an answer's body on a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcHead {
    /// HTTP's, 200 to 599.
    pub status: u16,
    /// As in a request.
    pub content_type: String,
    /// How many bytes the body has, if that is known.
    pub length: Option<u64>,
}

/// Why something cannot be a message of `monero.rpc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RpcMessageError {
    /// No path of monerod's looks so.
    #[error(
        "a path is '/' and then letters, digits, '-', '_', '.' and '/', at most {MAX_RPC_PATH} in all"
    )]
    Path,
    /// Not printable, or too long.
    #[error("a content type is at most {MAX_RPC_CONTENT_TYPE} printable characters")]
    ContentType,
    /// Not a final status of HTTP.
    #[error("{0} is no status of a finished answer: they are 200 to 599")]
    Status(u16),
    /// More than one message carries.
    #[error("a body of {bytes} bytes is too large: one message carries {most}")]
    TooLarge {
        /// The body's size.
        bytes: usize,
        /// The most there may be beside this path and content type.
        most: usize,
    },
}

impl RpcRequest {
    /// The most bytes of body beside this path and content type.
    #[must_use]
    pub fn max_body(&self) -> usize {
        let head = 1 + self.path.len() + 1 + self.content_type.len() + 1;
        Request::max_payload(RPC_SERVICE).saturating_sub(head)
    }

    /// The request's bytes: a payload for the service [`RPC_SERVICE`].
    pub fn encode(&self) -> Result<Vec<u8>, RpcMessageError> {
        if !is_path(self.path.as_bytes()) {
            return Err(RpcMessageError::Path);
        }
        let mut out = Vec::with_capacity(2 + self.path.len() + self.body.len());
        push_short(&mut out, &self.path).ok_or(RpcMessageError::Path)?;
        push_content_type(&mut out, &self.content_type)?;
        push_body(&mut out, &self.body, self.max_body())?;
        Ok(out)
    }

    /// Reads a request's bytes.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DropReason> {
        Self::read(bytes).ok_or(DropReason::UnknownMessage)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (path, rest) = split_short(bytes)?;
        let (content_type, body) = split_short(rest)?;
        if !is_path(path) || !is_content_type(content_type) {
            return None;
        }
        let (path, content_type) = (text(path)?, text(content_type)?);
        let head = Self { path, content_type, body: Vec::new() };
        let body = packed::read(body, head.max_body())?;
        Some(Self { body, ..head })
    }
}

impl RpcAnswer {
    /// The most bytes of body beside this content type.
    #[must_use]
    pub fn max_body(&self) -> usize {
        // One byte of the message is the response's own, see `Response`.
        MAX_MESSAGE - 1 - (2 + 1 + 1) - self.content_type.len().min(MAX_RPC_CONTENT_TYPE)
    }

    /// The answer's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, RpcMessageError> {
        let mut out = Vec::with_capacity(3 + self.content_type.len() + self.body.len());
        push_status(&mut out, self.status)?;
        push_content_type(&mut out, &self.content_type)?;
        push_body(&mut out, &self.body, self.max_body())?;
        Ok(out)
    }

    /// Reads an answer's bytes.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DropReason> {
        Self::read(bytes).ok_or(DropReason::UnknownMessage)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (status, content_type, body) = split_answer(bytes)?;
        let head = Self { status, content_type, body: Vec::new() };
        let body = packed::read(body, head.max_body())?;
        Some(Self { body, ..head })
    }
}

impl RpcHead {
    /// How many bytes of a head say how long it is.
    pub const FIRST: usize = 2 + 1;

    /// The head's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, RpcMessageError> {
        let length = self.length.unwrap_or(u64::MAX).to_be_bytes();
        let mut out = Vec::with_capacity(Self::FIRST + self.content_type.len() + length.len());
        push_status(&mut out, self.status)?;
        push_content_type(&mut out, &self.content_type)?;
        out.extend_from_slice(&length);
        Ok(out)
    }

    /// How many bytes follow the first ones.
    #[must_use]
    pub fn rest(first: [u8; Self::FIRST]) -> usize {
        let [_, _, content_type] = first;
        usize::from(content_type) + size_of::<u64>()
    }

    /// Reads a head's bytes.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if they are none, or not just one.
    pub fn decode(bytes: &[u8]) -> Result<Self, DropReason> {
        Self::read(bytes).ok_or(DropReason::UnknownMessage)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (status, content_type, length) = split_answer(bytes)?;
        let length = u64::from_be_bytes(length.try_into().ok()?);
        Some(Self { status, content_type, length: (length != u64::MAX).then_some(length) })
    }
}

/// Status, content type, and what follows.
fn split_answer(bytes: &[u8]) -> Option<(u16, String, &[u8])> {
    let (status, rest) = bytes.split_first_chunk()?;
    let status = u16::from_be_bytes(*status);
    let (content_type, rest) = split_short(rest)?;
    let well_made = is_status(status) && is_content_type(content_type);
    Some((status, text(content_type)?, rest)).filter(|_| well_made)
}

fn push_status(out: &mut Vec<u8>, status: u16) -> Result<(), RpcMessageError> {
    if !is_status(status) {
        return Err(RpcMessageError::Status(status));
    }
    out.extend_from_slice(&status.to_be_bytes());
    Ok(())
}

fn push_content_type(out: &mut Vec<u8>, content_type: &str) -> Result<(), RpcMessageError> {
    let fits = is_content_type(content_type.as_bytes());
    let pushed = fits.then(|| push_short(out, content_type)).flatten();
    pushed.ok_or(RpcMessageError::ContentType)
}

fn push_body(out: &mut Vec<u8>, body: &[u8], most: usize) -> Result<(), RpcMessageError> {
    if body.len() > most {
        return Err(RpcMessageError::TooLarge { bytes: body.len(), most });
    }
    packed::push(out, body);
    Ok(())
}

fn push_short(out: &mut Vec<u8>, text: &str) -> Option<()> {
    out.push(u8::try_from(text.len()).ok()?);
    out.extend_from_slice(text.as_bytes());
    Some(())
}

fn split_short(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(length))
}

fn text(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

fn is_path(path: &[u8]) -> bool {
    path.first() == Some(&b'/')
        && path.len() <= MAX_RPC_PATH
        && path.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/'))
}

fn is_content_type(text: &[u8]) -> bool {
    text.len() <= MAX_RPC_CONTENT_TYPE && text.iter().all(|b| matches!(b, b' '..=b'~'))
}

fn is_status(status: u16) -> bool {
    (200..=599).contains(&status)
}
