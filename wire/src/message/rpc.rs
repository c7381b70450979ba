//! The service `monero.rpc`: one HTTP request to a provider's monerod, and its answer.
//!
//! ```text
//! path's length 1 | path | content type's length 1 | content type | body
//! status 2                | content type's length 1 | content type | body
//! ```
//!
//! Numbers are big-endian. Nothing else of a request travels: its other headers would tell more of a
//! wallet than monerod needs.

use crate::DropReason;

use super::{MAX_MESSAGE, Request};

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
        let head = 1 + self.path.len() + 1 + self.content_type.len();
        Request::max_payload(RPC_SERVICE).saturating_sub(head)
    }

    /// The request's bytes: a payload for the service [`RPC_SERVICE`].
    pub fn encode(&self) -> Result<Vec<u8>, RpcMessageError> {
        if !is_path(self.path.as_bytes()) {
            return Err(RpcMessageError::Path);
        }
        let mut out = Vec::with_capacity(2 + self.path.len() + self.body.len());
        push_short(&mut out, &self.path).ok_or(RpcMessageError::Path)?;
        push_rest(&mut out, &self.content_type, &self.body, self.max_body())?;
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
        let request =
            Self { path: text(path)?, content_type: text(content_type)?, body: body.to_vec() };
        (body.len() <= request.max_body()).then_some(request)
    }
}

impl RpcAnswer {
    /// The most bytes of body beside this content type.
    #[must_use]
    pub fn max_body(&self) -> usize {
        // One byte of the message is the response's own, see `Response`.
        MAX_MESSAGE - 1 - (2 + 1) - self.content_type.len().min(MAX_RPC_CONTENT_TYPE)
    }

    /// The answer's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, RpcMessageError> {
        if !is_status(self.status) {
            return Err(RpcMessageError::Status(self.status));
        }
        let mut out = Vec::with_capacity(3 + self.content_type.len() + self.body.len());
        out.extend_from_slice(&self.status.to_be_bytes());
        push_rest(&mut out, &self.content_type, &self.body, self.max_body())?;
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
        let (status, rest) = bytes.split_first_chunk()?;
        let status = u16::from_be_bytes(*status);
        let (content_type, body) = split_short(rest)?;
        if !is_status(status) || !is_content_type(content_type) {
            return None;
        }
        let answer = Self { status, content_type: text(content_type)?, body: body.to_vec() };
        (body.len() <= answer.max_body()).then_some(answer)
    }
}

fn push_rest(
    out: &mut Vec<u8>,
    content_type: &str,
    body: &[u8],
    most: usize,
) -> Result<(), RpcMessageError> {
    if !is_content_type(content_type.as_bytes()) {
        return Err(RpcMessageError::ContentType);
    }
    if body.len() > most {
        return Err(RpcMessageError::TooLarge { bytes: body.len(), most });
    }
    push_short(out, content_type).ok_or(RpcMessageError::ContentType)?;
    out.extend_from_slice(body);
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
