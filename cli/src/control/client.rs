//! The API's client.

use mixbed_directory::Parameters;
use mixbed_guard::Login;
use mixbed_monero::rpc::http_client;
use std::time::Duration;

use reqwest::{Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::api::{
    BroadcastEntry, BroadcastQuery, BroadcastReply, ChangesQuery, ChatReply, Contact, Forgotten,
    LetterQuery, LetterReply, MailboxReply, MessagesQuery, MessagesReply, Posted, Received,
    Refusal, Status, Trace,
};
use crate::impairments::{Impairments, Order};
use crate::login::{self, LoginError};
use crate::parameters::Change;
use crate::settings::LoginChoice;

/// How long an answer may take that needs no packets.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long an answer may take for which a mailbox has to be opened first.
const OPENING: Duration = Duration::from_secs(70);

/// No more of an answer is read.
const MAX_ANSWER: usize = 64 << 20;

/// Where the API is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ControlArgs {
    /// Control address of the `mixbed up` or `mixbed client` to talk to
    #[arg(long, value_name = "ADDRESS", env = "MIXBED_CONTROL", hide_env_values = true)]
    #[arg(default_value = Self::DEFAULT)]
    control: String,
    /// The login that it wants, as it was given there: USER:PASSWORD, @FILE, or drawn for a file
    /// mixbed.login in this directory
    #[arg(long, value_name = "LOGIN", env = "MIXBED_CONTROL_LOGIN", hide_env_values = true)]
    #[arg(num_args = 0..=1, default_missing_value = "drawn")]
    control_login: Option<LoginChoice>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    /// The address is none.
    #[error(
        "`{address}` is no control address ({why}); give one such as 127.0.0.1:7070 with --control"
    )]
    Address { address: String, why: String },
    /// There is no login where it was said to be.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// Nobody listens there.
    #[error(
        "nothing runs at {}: start a network with `mixbed up`, or a client of one with `mixbed client`, or give the control address of one that runs with --control",
        plain(url)
    )]
    NothingThere { url: Url },
    /// The connection broke, or took too long.
    #[error("no answer from {}: {why}", plain(url))]
    Broken { url: Url, why: String },
    /// It answered, but not with what was asked for.
    #[error("{0}")]
    Refused(String),
    /// It has no room for one more request.
    #[error("{} has too many requests at once; try again", plain(url))]
    Busy { url: Url },
    /// What answers is something else.
    #[error("what listens at {} is no mixbed, or of another version: {why}", plain(url))]
    Strange { url: Url, why: String },
}

fn plain(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

impl ControlArgs {
    /// Where `up` and `client` listen unless they are told otherwise.
    pub(crate) const DEFAULT: &str = "127.0.0.1:7070";

    /// An address that was given in another way.
    pub(crate) fn at(control: String, control_login: Option<LoginChoice>) -> Self {
        Self { control, control_login }
    }

    /// A client for it. Connects on first use.
    pub(crate) fn client(&self) -> Result<ControlClient, ControlError> {
        let bad = |why: String| ControlError::Address { address: self.control.clone(), why };
        let scheme = if self.control.contains("://") { "" } else { "http://" };
        let text = format!("{scheme}{}", self.control);
        let url = Url::parse(&text).map_err(|error| bad(error.to_string()))?;
        if url.scheme() != "http" || url.host().is_none() || url.path() != "/" {
            return Err(bad("it must be a host and a port, without TLS".to_owned()));
        }
        // What is for this machine goes through no proxy and follows nobody elsewhere.
        let http = http_client().build().map_err(|error| bad(error.to_string()))?;
        let login = self.control_login.as_ref().map(login::given).transpose()?;
        Ok(ControlClient { http, url, login })
    }
}

/// A client of a running `up` or `client`.
#[derive(Clone, Debug)]
pub(crate) struct ControlClient {
    http: reqwest::Client,
    url: Url,
    login: Option<Login>,
}

impl ControlClient {
    /// Broadcasts a raw transaction. Whatever became of it is a reply.
    pub(crate) async fn broadcast(
        &self,
        raw: Vec<u8>,
        query: &BroadcastQuery,
    ) -> Result<BroadcastReply, ControlError> {
        let mut url = self.at("v1/broadcast");
        {
            let mut pairs = url.query_pairs_mut();
            if let Some(deadline) = query.deadline_ms {
                pairs.append_pair("deadline_ms", &deadline.to_string());
            }
            let trace = serde_json::to_value(query.trace).unwrap_or_default();
            if let Some(trace) = trace.as_str() {
                pairs.append_pair("trace", trace);
            }
            if let Some(provider) = &query.provider {
                pairs.append_pair("provider", provider);
            }
            let wait = serde_json::to_value(query.wait).unwrap_or_default();
            pairs.append_pair("wait", wait.as_str().unwrap_or("accepted"));
            if let Some(confirm) = query.confirm {
                pairs.append_pair("confirm", if confirm { "true" } else { "false" });
            }
            if let Some(mean) = query.random_wait_ms {
                pairs.append_pair("random_wait_ms", &mean.to_string());
            }
        }
        let deadline = Duration::from_millis(query.deadline_ms.unwrap_or(60_000));
        let request = self
            .http
            .post(url)
            .header("content-type", "application/octet-stream")
            .timeout(deadline + PATIENCE)
            .body(raw);
        let (status, answer) = self.send(request).await?;
        // A reply comes with an error status where there is no success.
        match serde_json::from_slice(&answer) {
            Ok(reply) => Ok(reply),
            Err(_) => Err(self.refusal(status, &answer)),
        }
    }

    /// How one broadcast stands.
    pub(crate) async fn broadcast_of(&self, txid: &str) -> Result<BroadcastReply, ControlError> {
        self.get(&format!("v1/broadcasts/{txid}")).await
    }

    /// What the client has written down.
    pub(crate) async fn broadcasts(&self) -> Result<Vec<BroadcastEntry>, ControlError> {
        self.get("v1/broadcasts").await
    }

    /// How the network is.
    pub(crate) async fn status(&self) -> Result<Status, ControlError> {
        self.get("v1/status").await
    }

    /// A trace, by a transaction's id or its own.
    pub(crate) async fn trace(&self, id: &str) -> Result<Trace, ControlError> {
        self.get(&format!("v1/traces/{id}")).await
    }

    /// The rules that hold.
    pub(crate) async fn impairments(&self) -> Result<Impairments, ControlError> {
        self.get("v1/impairments").await
    }

    /// Changes the rules; those that hold then.
    pub(crate) async fn impair(&self, order: &Order) -> Result<Impairments, ControlError> {
        let request = self.http.post(self.at("v1/impairments")).timeout(PATIENCE).json(order);
        self.ask(request).await
    }

    /// The network's parameters.
    pub(crate) async fn parameters(&self) -> Result<Parameters, ControlError> {
        self.get("v1/parameters").await
    }

    /// Changes some of them; those that hold then.
    pub(crate) async fn set_parameters(&self, change: &Change) -> Result<Parameters, ControlError> {
        let request = self.http.post(self.at("v1/parameters")).timeout(PATIENCE).json(change);
        self.ask(request).await
    }

    /// Sends a letter.
    pub(crate) async fn send_letter(
        &self,
        text: Vec<u8>,
        query: &LetterQuery,
    ) -> Result<Posted, ControlError> {
        let deadline = Duration::from_millis(query.deadline_ms.unwrap_or(60_000));
        let request = self.http.post(self.with("v1/letters", query)).body(text);
        // A mailbox may have to be opened first.
        self.ask(request.timeout(deadline + OPENING)).await
    }

    /// The client's mailbox; opens it.
    pub(crate) async fn mailbox(&self) -> Result<MailboxReply, ControlError> {
        self.ask(self.http.post(self.at("v1/mailbox")).timeout(OPENING)).await
    }

    /// Waits for a letter. It is given again until it is accepted.
    pub(crate) async fn receive(
        &self,
        wait: Duration,
    ) -> Result<Option<LetterReply>, ControlError> {
        let mut url = self.at("v1/mailbox/receive");
        url.query_pairs_mut().append_pair("wait_ms", &wait.as_millis().to_string());
        let request = self.http.post(url);
        let received: Received = self.ask(request.timeout(wait + OPENING)).await?;
        Ok(received.letter)
    }

    /// The letter has arrived where it was wanted.
    pub(crate) async fn accept(&self, letter: &str) -> Result<(), ControlError> {
        let mut url = self.at("v1/mailbox/accept");
        url.query_pairs_mut().append_pair("letter", letter);
        self.ask(self.http.post(url).timeout(PATIENCE)).await
    }

    /// The contacts and the conversations.
    pub(crate) async fn chat(&self) -> Result<ChatReply, ControlError> {
        self.get("v1/chat").await
    }

    /// Makes a contact, or removes one.
    pub(crate) async fn set_contact(&self, contact: &Contact) -> Result<(), ControlError> {
        let request = self.http.post(self.with("v1/chat/contacts", contact));
        self.ask(request.timeout(PATIENCE)).await
    }

    /// The last messages of a conversation.
    pub(crate) async fn messages(
        &self,
        query: &MessagesQuery,
    ) -> Result<MessagesReply, ControlError> {
        let request = self.http.get(self.with("v1/chat/messages", query));
        self.ask(request.timeout(PATIENCE)).await
    }

    /// Waits for messages that are new or different.
    pub(crate) async fn changes(
        &self,
        since: u64,
        wait: Duration,
    ) -> Result<MessagesReply, ControlError> {
        let wait_ms = u64::try_from(wait.as_millis()).ok();
        let query = ChangesQuery { since, wait_ms };
        let request = self.http.post(self.with("v1/chat/changes", &query));
        self.ask(request.timeout(wait + OPENING)).await
    }

    /// Forgets a conversation, or all of them.
    pub(crate) async fn forget(&self, with: Option<&str>) -> Result<usize, ControlError> {
        let query = MessagesQuery { with: with.map(str::to_owned), last: None };
        let request = self.http.post(self.with("v1/chat/forget", &query));
        let Forgotten { messages } = self.ask(request.timeout(PATIENCE)).await?;
        Ok(messages)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ControlError> {
        self.ask(self.http.get(self.at(path)).timeout(PATIENCE)).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, ControlError> {
        let (status, answer) = self.send(request).await?;
        if !status.is_success() {
            return Err(self.refusal(status, &answer));
        }
        serde_json::from_slice(&answer).map_err(|error| self.strange(error.to_string()))
    }

    async fn send(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<(StatusCode, Vec<u8>), ControlError> {
        let request = match &self.login {
            Some(login) => request.basic_auth(login.user(), Some(login.expose_password())),
            None => request,
        };
        let mut response: Response = request.send().await.map_err(|error| self.broken(&error))?;
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(&error))? {
            if answer.len() + chunk.len() > MAX_ANSWER {
                return Err(self.strange("the answer has no end".to_owned()));
            }
            answer.extend_from_slice(&chunk);
        }
        Ok((response.status(), answer))
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(path);
        url
    }

    /// A path with a query: the fields of a struct that have a value.
    fn with(&self, path: &str, query: &impl Serialize) -> Url {
        let mut url = self.at(path);
        let fields = serde_json::to_value(query).unwrap_or_default();
        for (name, value) in fields.as_object().into_iter().flatten() {
            match value {
                Value::Null => {}
                Value::String(text) => {
                    url.query_pairs_mut().append_pair(name, text);
                }
                other => {
                    url.query_pairs_mut().append_pair(name, &other.to_string());
                }
            }
        }
        url
    }

    fn refusal(&self, status: StatusCode, answer: &[u8]) -> ControlError {
        match serde_json::from_slice::<Refusal>(answer) {
            Ok(refusal) if status == StatusCode::UNAUTHORIZED => {
                ControlError::Refused(format!("{} (--control-login)", refusal.error))
            }
            Ok(refusal) => ControlError::Refused(refusal.error),
            // In front of the API: it has too much to do.
            Err(_) if status == StatusCode::SERVICE_UNAVAILABLE => {
                ControlError::Busy { url: self.url.clone() }
            }
            Err(error) => self.strange(error.to_string()),
        }
    }

    fn strange(&self, why: String) -> ControlError {
        ControlError::Strange { url: self.url.clone(), why }
    }

    fn broken(&self, error: &reqwest::Error) -> ControlError {
        let url = self.url.clone();
        if error.is_timeout() {
            return ControlError::Broken { url, why: "it took too long".to_owned() };
        }
        if error.is_connect() {
            return ControlError::NothingThere { url };
        }
        let mut cause: &dyn std::error::Error = error;
        while let Some(next) = cause.source() {
            cause = next;
        }
        let broke_off = |error: &hyper::Error| {
            error.is_incomplete_message() || error.is_closed() || error.is_canceled()
        };
        if cause.is::<std::io::Error>() || cause.downcast_ref().is_some_and(broke_off) {
            ControlError::Broken { url, why: cause.to_string() }
        } else {
            self.strange(format!("it does not speak HTTP ({cause})"))
        }
    }
}
