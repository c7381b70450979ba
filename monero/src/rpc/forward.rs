//! A request that somebody else made, passed on as it is.

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
        let url = format!("{}{path}", self.url());
        let failed = |error: reqwest::Error| self.transport_error(&url, &error);
        let too_large = || RpcError::TooLarge { url: url.clone(), limit };
        let mut request = self.client.post(&url).timeout(self.timeout()).body(body);
        if !content_type.is_empty() {
            request = request.header(reqwest::header::CONTENT_TYPE, content_type);
        }
        let mut response = request.send().await.map_err(failed)?;
        let said = response.content_length();
        if said.is_some_and(|length| usize::try_from(length).is_ok_and(|length| length > limit)) {
            return Err(too_large());
        }
        let content_type = response.headers().get(reqwest::header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let mut answer = RawAnswer {
            status: response.status().as_u16(),
            content_type: content_type.unwrap_or_default().to_owned(),
            body: Vec::new(),
        };
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if answer.body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            answer.body.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}
