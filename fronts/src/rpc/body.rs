//! Reading a request's body, within bounds.

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::StatusCode;
use hyper::body::{Body, Bytes};
use tokio::time::timeout;

/// The largest body, in bytes: monerod reads no larger one, and no message carries it.
pub(super) const MOST: usize = 1 << 20;

/// Of a body that is too large so much is read and thrown away, so that its sender hears why.
const WASTED: usize = 4 << 20;

/// Why there is no body.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    #[error(
        "a body is at most {MOST} bytes: monerod reads no larger one, and no message carries it"
    )]
    TooLarge,
    #[error("the body was not complete after {} s", .0.as_secs_f32())]
    TooSlow(Duration),
    #[error("the body broke off or is not well-formed")]
    Broken,
}

impl Unread {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }
}

/// Reads a body. `asks_first`: its sender waits to be told to go on.
pub(super) async fn read<B>(body: B, asks_first: bool, limit: Duration) -> Result<Vec<u8>, Unread>
where
    B: Body<Data = Bytes> + Unpin,
{
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > WASTED || (announced > MOST && asks_first) {
        return Err(Unread::TooLarge);
    }
    let read = timeout(limit, collect(body)).await;
    read.unwrap_or(Err(Unread::TooSlow(limit)))
}

async fn collect<B>(mut body: B) -> Result<Vec<u8>, Unread>
where
    B: Body<Data = Bytes> + Unpin,
{
    let (mut bytes, mut seen) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        // What follows a chunked body is of no interest.
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen > WASTED {
            return Err(Unread::TooLarge);
        }
        if seen <= MOST {
            bytes.extend_from_slice(&data);
        } else {
            bytes = Vec::new();
        }
    }
    if seen > MOST { Err(Unread::TooLarge) } else { Ok(bytes) }
}
