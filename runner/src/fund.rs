//! Asking the miner for money.

use std::time::Duration;

use serde::Deserialize;

use crate::RunError;

/// The miner itself gives up after 300 s.
const PATIENCE: Duration = Duration::from_secs(310);

/// A miner's words are cut to this.
const WORDS: usize = 300;

/// A miner's HTTP interface.
#[derive(Clone, Debug)]
pub(crate) struct Miner {
    http: reqwest::Client,
    url: reqwest::Url,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl Miner {
    pub(crate) fn new(url: &str) -> Result<Self, RunError> {
        let wrong = |why: String| RunError::Miner(format!("{url}: {why}"));
        let base = url.trim_end_matches('/');
        let url = reqwest::Url::parse(&format!("{base}/v1/fund"));
        let url = url.map_err(|error| wrong(error.to_string()))?;
        let http = mixbed_monero::rpc::http_client().timeout(PATIENCE).build();
        Ok(Self { http: http.map_err(|error| RunError::Miner(error.to_string()))?, url })
    }

    /// Returns when `address` has so many outputs more that can be spent; or why not.
    pub(crate) async fn fund(&self, address: &str, outputs: u32) -> Result<(), String> {
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("address", address)
            .append_pair("outputs", &outputs.to_string());
        let answer = self.http.post(url).send().await;
        let answer = answer.map_err(|error| format!("the miner: {}", error.without_url()))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let text = answer.text().await.unwrap_or_default();
        let words = serde_json::from_str::<Refusal>(&text).map_or(text, |refusal| refusal.error);
        let words: String = words.chars().filter(|c| !c.is_control()).take(WORDS).collect();
        Err(format!("the miner answers {}: {words}", status.as_u16()))
    }
}
