//! A request: which service, and what it is to work on.

use crate::DropReason;

use super::{MAX_FRAGMENT_DATA, MAX_MESSAGE};

/// The longest name of a service, in bytes; as in the directory's document.
pub const MAX_SERVICE_NAME: usize = 63;

/// A request as it is before it is cut into fragments: one byte of length, the service's name, the
/// payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The service's name: 1 to [`MAX_SERVICE_NAME`] of `a-z`, `0-9`, `-`, `_` and `.`.
    pub service: &'a str,
    /// What it is to work on.
    pub payload: &'a [u8],
}

/// Why something is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No service has such a name.
    #[error("a service's name is 1 to 63 of a-z, 0-9, '-', '_' and '.'")]
    Service,
    /// More than a message carries.
    #[error("{0} bytes are too many: a request carries at most {max}", max = Request::max_payload(""))]
    TooLarge(usize),
}

impl<'a> Request<'a> {
    /// The most bytes of payload for a service.
    #[must_use]
    pub const fn max_payload(service: &str) -> usize {
        MAX_MESSAGE - 1 - service.len()
    }

    /// The request's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, RequestError> {
        let length = u8::try_from(self.service.len()).map_err(|_| RequestError::Service)?;
        if !is_service(self.service.as_bytes()) {
            return Err(RequestError::Service);
        }
        if self.payload.len() > Self::max_payload(self.service) {
            return Err(RequestError::TooLarge(self.payload.len()));
        }
        let mut out = Vec::with_capacity(1 + self.service.len() + self.payload.len());
        out.push(length);
        out.extend_from_slice(self.service.as_bytes());
        out.extend_from_slice(self.payload);
        Ok(out)
    }

    /// Reads a request's bytes.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if they are none.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DropReason> {
        Self::read(bytes).ok_or(DropReason::UnknownMessage)
    }

    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&[length], rest) = bytes.split_first_chunk()?;
        let (service, payload) = rest.split_at_checked(usize::from(length))?;
        if !is_service(service) {
            return None;
        }
        let service = std::str::from_utf8(service).ok()?;
        Some(Self { service, payload })
    }

    /// Cuts a request's bytes into the data of its fragments, all but the last one full.
    #[must_use]
    pub fn fragments(bytes: &[u8]) -> impl ExactSizeIterator<Item = &[u8]> {
        bytes.chunks(MAX_FRAGMENT_DATA)
    }
}

fn is_service(name: &[u8]) -> bool {
    (1..=MAX_SERVICE_NAME).contains(&name.len())
        && name.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'))
}
