//! One HTTP endpoint, with a bound on time and on the size of an answer.

use std::time::Duration;

use mixbed_guard::Login;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::timeout;

use super::{Access, RpcError, http_client, https_client};

/// No more of an answer than this is read, in bytes: a hostile server cannot fill the memory.
pub const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// How long one request may take if nothing else was said.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// A server's own words are cut to this many characters before they enter an error.
const MAX_WORDS: usize = 200;

/// An address with the means to send requests to it. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub(super) client: reqwest::Client,
    pub(super) login: Option<Login>,
    base: String,
    timeout: Duration,
}

#[derive(Serialize)]
struct Call<'a, P> {
    jsonrpc: &'static str,
    id: &'static str,
    method: &'a str,
    params: P,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    result: Option<Value>,
    #[serde(default)]
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
}

impl Endpoint {
    /// An endpoint that wants no login, as [`Endpoint::with_access`] otherwise.
    pub fn new(base: &str) -> Result<Self, RpcError> {
        Self::with_access(base, &Access::default())
    }

    /// An endpoint at `base`: `http://HOST:PORT`, `https://HOST:PORT` or `HOST:PORT`, without a path.
    ///
    /// Proxies in the environment are ignored and redirects are not followed: a request goes to
    /// the address given or nowhere.
    pub fn with_access(base: &str, access: &Access) -> Result<Self, RpcError> {
        let url = parsed(base)?;
        let refused = |why: &str| refused(base, why);
        let client = match url.scheme() {
            "https" => https_client(&access.trust).map_err(|why| refused(&why))?,
            _ => http_client(),
        };
        let client = client.build().map_err(|e| refused(&innermost(&e)))?;
        let base = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { client, login: access.login.clone(), base, timeout: DEFAULT_TIMEOUT })
    }

    /// The same endpoint with another bound on the time of one request, answer included.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long one request may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The address, as `http://HOST:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Sends `body` as JSON to `path` and returns the bytes of the answer, at most
    /// [`MAX_ANSWER_BYTES`].
    pub async fn post_bytes(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<Vec<u8>, RpcError> {
        let url = format!("{}{path}", self.base);
        let failed = |error: reqwest::Error| self.transport_error(&url, &error);
        let body = serde_json::to_vec(body).map_err(|e| self.malformed(path, &e))?;
        let whole = async {
            let mut response = self.send(path, "application/json", body).await.map_err(failed)?;
            match response.status().as_u16() {
                200 => {}
                401 => {
                    return Err(RpcError::Login { url: url.clone(), given: self.login.is_some() });
                }
                status => return Err(RpcError::Http { url: url.clone(), status }),
            }
            let mut answer = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(failed)? {
                if answer.len() + chunk.len() > MAX_ANSWER_BYTES {
                    return Err(RpcError::TooLarge { url: url.clone(), limit: MAX_ANSWER_BYTES });
                }
                answer.extend_from_slice(&chunk);
            }
            Ok(answer)
        };
        timeout(self.timeout, whole).await.map_err(|_| self.too_late(&url))?
    }

    /// Sends `body` as JSON to `path` and reads the answer as a `T`.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, RpcError> {
        let answer = self.post_bytes(path, body).await?;
        serde_json::from_slice(&answer).map_err(|e| self.malformed(path, &e))
    }

    /// Calls a JSON-RPC method and reads its result as a `T`.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        params: impl Serialize + Sync,
    ) -> Result<T, RpcError> {
        let call = Call { jsonrpc: "2.0", id: "0", method, params };
        let answer: Answer = self.post("/json_rpc", &call).await?;
        if let Some(error) = answer.error {
            return Err(RpcError::Refused {
                method: method.to_owned(),
                code: error.code,
                message: words(&error.message),
            });
        }
        serde_json::from_value(answer.result.unwrap_or(Value::Null))
            .map_err(|e| self.malformed(method, &e))
    }

    fn malformed(&self, what: &str, error: &serde_json::Error) -> RpcError {
        let url = format!("{}{}{what}", self.base, if what.starts_with('/') { "" } else { " " });
        RpcError::Malformed { url, why: words(&error.to_string()) }
    }

    pub(super) fn too_late(&self, url: &str) -> RpcError {
        RpcError::TimedOut { url: url.to_owned(), after: self.timeout }
    }

    pub(super) fn transport_error(&self, url: &str, error: &reqwest::Error) -> RpcError {
        let url = url.to_owned();
        let why = innermost(error);
        // A connection attempt that times out is both; "timed out" says more.
        if error.is_timeout() {
            self.too_late(&url)
        } else if error.is_connect() {
            RpcError::Connect { url, why }
        } else {
            RpcError::Broken { url, why }
        }
    }
}

/// An address of a Monero program as [`Endpoint::url`] has it.
///
/// # Errors
/// What is wrong with it.
pub fn address(base: &str) -> Result<String, RpcError> {
    Ok(parsed(base)?.as_str().trim_end_matches('/').to_owned())
}

fn parsed(base: &str) -> Result<reqwest::Url, RpcError> {
    let refused = |why: &str| refused(base, why);
    let with_scheme = if base.contains("://") { base.to_owned() } else { format!("http://{base}") };
    let url = reqwest::Url::parse(&with_scheme).map_err(|e| refused(&e.to_string()))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(refused("only http and https are supported"));
    }
    // It would be quoted wherever the address is.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("a login in it is not supported: give it apart, in a file"));
    }
    let more = url.path() != "/" || url.query().is_some() || url.fragment().is_some();
    if url.host().is_none() || more {
        return Err(refused("it must be a host and a port only"));
    }
    Ok(url)
}

fn refused(base: &str, why: &str) -> RpcError {
    RpcError::Address { address: without_userinfo(base), why: why.to_owned() }
}

/// The cause at the bottom: reqwest's own words only repeat the address.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    words(&cause.to_string())
}

/// An address as it may be quoted: what stands before an `@` can be a password.
fn without_userinfo(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((_, host)) => words(&format!("***@{host}")),
        None => words(address),
    }
}

/// Foreign text made safe for a log line: bounded, one line, printable.
pub(crate) fn words(text: &str) -> String {
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let short: String = printable.take(MAX_WORDS).collect();
    short.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_an_address_with_or_without_its_scheme() {
        assert_eq!(Endpoint::new("https://a:1/").unwrap().url(), "https://a:1");
        for given in ["http://127.0.0.1:18081", "127.0.0.1:18081", "http://127.0.0.1:18081/"] {
            assert_eq!(Endpoint::new(given).unwrap().url(), "http://127.0.0.1:18081");
        }
        assert_eq!(Endpoint::new("monerod:18081").unwrap().url(), "http://monerod:18081");
    }

    #[test]
    fn refuses_an_address_it_would_misread() {
        let given =
            ["", "https://a:1/json_rpc", "http://a:1/json_rpc", "ftp://a", "http://a:99999", "a b"];
        for given in given.into_iter().chain(["http://a:1/?b", "http://a:1/#b", "a:1#b"]) {
            let error = Endpoint::new(given).expect_err(given);
            assert!(error.to_string().contains("http://HOST:PORT"), "{given}: {error}");
        }
    }

    #[test]
    fn refuses_a_password_and_does_not_quote_it() {
        let given = [
            "http://user:hunter2@a:1",
            "user:hunter2@a:1",
            "http://hunter2@a",
            "http://:hunter2@a",
        ];
        for given in given.into_iter().chain(["ftp://user:hunter2@a:1", "http://u:hunter2@a:99999"])
        {
            let error = Endpoint::new(given).expect_err(given).to_string();
            assert!(error.contains("@a") && !error.contains("hunter2"), "{given}: {error}");
        }
    }

    #[test]
    fn foreign_words_are_short_and_on_one_line() {
        assert_eq!(words("a\nb\u{1b}[31m "), "a b [31m");
        assert_eq!(words(&"x".repeat(1000)).len(), MAX_WORDS);
    }
}
