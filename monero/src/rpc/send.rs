//! A request on its way, with a login where one is wanted.

use mixbed_guard::DigestChallenge;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use reqwest::{Response, StatusCode};

use super::Endpoint;

/// A login is tried so often: monerod's challenge is good on one connection only, and the second
/// request may go by another one.
const LOGIN_TRIES: usize = 8;

/// No more of a refusal is read, in bytes, before its connection is given up.
const MAX_REFUSAL: usize = 16 * 1024;

impl Endpoint {
    /// Posts `body` to `path`. A login never travels: the request is made again with a digest.
    pub(super) async fn send(
        &self,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<Response, reqwest::Error> {
        let body = bytes::Bytes::from(body);
        let request = || {
            let request = self.client.post(format!("{}{path}", self.url())).body(body.clone());
            if content_type.is_empty() {
                request
            } else {
                request.header(CONTENT_TYPE, content_type)
            }
        };
        let mut response = request().send().await?;
        let Some(login) = &self.login else { return Ok(response) };
        for _ in 0..LOGIN_TRIES {
            if response.status() != StatusCode::UNAUTHORIZED {
                break;
            }
            let Some(challenge) = challenge(&response) else { break };
            finish(response).await?;
            let answer = challenge.answer(login, "POST", path, &mut rand::rng());
            response = request().header(AUTHORIZATION, answer).send().await?;
        }
        Ok(response)
    }
}

fn challenge(response: &Response) -> Option<DigestChallenge> {
    let headers = response.headers().get_all(WWW_AUTHENTICATE).iter();
    headers.filter_map(|header| header.to_str().ok()).find_map(DigestChallenge::read)
}

/// Reads a refusal to its end, so that the next request goes by the same connection.
async fn finish(mut refusal: Response) -> Result<(), reqwest::Error> {
    let mut read = 0;
    while let Some(chunk) = refusal.chunk().await? {
        read += chunk.len();
        if read > MAX_REFUSAL {
            break;
        }
    }
    Ok(())
}
