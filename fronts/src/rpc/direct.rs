//! Questions to a daemon of the user's choice, not through the mixnet.

use std::io;
use std::time::Duration;

use futures::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper::header::CONTENT_TYPE;
use hyper::{Response, StatusCode};
use mixbed_monero::calls::Call;
use mixbed_monero::rpc::http_client;
use reqwest::Url;

use super::answer::{Body, answer, error};
use crate::FrontError;

/// The daemon.
#[derive(Clone, Debug)]
pub(super) struct Direct {
    http: reqwest::Client,
    url: Url,
}

impl Direct {
    /// The daemon at `url`; each request may take `deadline`.
    pub(super) fn new(url: &str, deadline: Duration) -> Result<Self, FrontError> {
        let unfit = |why: &str| FrontError::Sync { url: url.to_owned(), why: why.to_owned() };
        let parsed = Url::parse(url).map_err(|error| unfit(&error.to_string()))?;
        if parsed.scheme() != "http" {
            return Err(unfit("it is to begin with http://: encrypted connections are not spoken"));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(unfit("a daemon that wants a name and a password cannot be used"));
        }
        if parsed.path() != "/" || parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(unfit("it is to be http://HOST:PORT and nothing after it"));
        }
        let http = http_client().timeout(deadline).build();
        let http = http.map_err(|error| unfit(&error.to_string()))?;
        Ok(Self { http, url: parsed })
    }

    /// Asks; the answer is passed on as it comes.
    pub(super) async fn ask(&self, call: Call) -> Response<Body> {
        let mut url = self.url.clone();
        url.set_path(call.path);
        let request = self.http.post(url).header(CONTENT_TYPE, call.content_type).body(call.body);
        match request.send().await {
            Ok(said) => passed_on(said),
            Err(why) => {
                let status = if why.is_timeout() {
                    StatusCode::GATEWAY_TIMEOUT
                } else {
                    StatusCode::BAD_GATEWAY
                };
                tracing::warn!(call.path, %why, "the daemon to sync from does not answer");
                error(status, &format!("the daemon to sync from, {}: {why}", self.url))
            }
        }
    }
}

fn passed_on(said: reqwest::Response) -> Response<Body> {
    let status = said.status();
    let content_type = said.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let chunks = stream::unfold(Some(said), |said| async move {
        let mut said = said?;
        match said.chunk().await {
            Ok(Some(chunk)) => Some((Ok(Frame::data(chunk)), Some(said))),
            Ok(None) => None,
            Err(error) => Some((Err(io::Error::other(error)), None)),
        }
    });
    answer(status, &content_type, StreamBody::new(chunks).boxed_unsync())
}
