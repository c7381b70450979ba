//! A request that somebody else made, passed on as it is.

use tokio::time::timeout;

use super::{Endpoint, RpcError};

/// An answer as the server gave it, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawAnswer {
    /// HTTP's status.
    pub status: u16,
    /// What the body is, if the server said so in plain ASCII.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer that has begun, and whose body is read piece by piece.
#[derive(Debug)]
pub struct Forwarded {
    endpoint: Endpoint,
    url: String,
    response: reqwest::Response,
    limit: usize,
    read: usize,
}

impl Endpoint {
    /// Posts `body` to `path` and returns the answer with at most `limit` bytes of body, whatever
    /// its status. Nothing of the request's maker goes with it but these.
    ///
    /// `path` begins with `/` and holds nothing that an address reads otherwise; it is the caller's
    /// business to see to that.
    pub async fn forward(
        &self,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
        limit: usize,
    ) -> Result<RawAnswer, RpcError> {
        let whole = async {
            let mut begun = self.begin_forward(path, content_type, body, limit).await?;
            let (status, content_type) = (begun.status(), begun.content_type());
            let mut body = Vec::new();
            while let Some(piece) = begun.piece().await? {
                body.extend_from_slice(piece.as_ref());
            }
            Ok(RawAnswer { status, content_type, body })
        };
        let late = |_| self.too_late(&format!("{}{path}", self.url()));
        timeout(self.timeout(), whole).await.map_err(late)?
    }

    /// The same, as soon as the answer's head is there. The time that a request may take holds up to
    /// there, and again for each piece of the body: how long all of it may take is the caller's business.
    pub async fn begin_forward(
        &self,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
        limit: usize,
    ) -> Result<Forwarded, RpcError> {
        let url = format!("{}{path}", self.url());
        let sent = timeout(self.timeout(), self.send(path, content_type, body)).await;
        let sent = sent.map_err(|_| self.too_late(&url))?;
        let response = sent.map_err(|error| self.transport_error(&url, &error))?;
        // Its words are for whoever runs this end, and not for the request's maker.
        if response.status() == reqwest::StatusCode::UNAUTHORIZED {
            return Err(RpcError::Login { url, given: self.login.is_some() });
        }
        let said = response.content_length();
        if said.is_some_and(|length| usize::try_from(length).is_ok_and(|length| length > limit)) {
            return Err(RpcError::TooLarge { url, limit });
        }
        Ok(Forwarded { endpoint: self.clone(), url, response, limit, read: 0 })
    }
}

impl Forwarded {
    /// HTTP's status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// What the body is, if the server said so in plain ASCII.
    #[must_use]
    pub fn content_type(&self) -> String {
        let said = self.response.headers().get(reqwest::header::CONTENT_TYPE);
        said.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    /// How many bytes the body has, if the server said so.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// The body's next piece; `None` at its end.
    pub async fn piece(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, RpcError> {
        let chunk = timeout(self.endpoint.timeout(), self.response.chunk()).await;
        let chunk = chunk.map_err(|_| self.endpoint.too_late(&self.url))?;
        let chunk = chunk.map_err(|error| self.endpoint.transport_error(&self.url, &error))?;
        self.read += chunk.as_deref().map_or(0, <[u8]>::len);
        if self.read > self.limit {
            return Err(RpcError::TooLarge { url: self.url.clone(), limit: self.limit });
        }
        Ok(chunk)
    }
}
