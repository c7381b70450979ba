//! `POST /v1/letters` and `/v1/mailbox/…`: the mailbox of whoever runs this client.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use mixbed_client::Client;
use mixbed_client::letters::{Mailbox, MailboxError, MailboxOptions};
use mixbed_wire::letter::{Letter, LetterId, MAX_LETTER_TEXT, MailboxAddress, Sender};
use tokio::sync::{Mutex, OnceCell};

use super::api::{AcceptQuery, LetterQuery, LetterReply, MailboxReply, Posted, ReceiveQuery};
use super::api::{Received, Refusal};
use super::broadcast::{NO_DEADLINE, is_deadline};
use super::server::{Control, refuse};

/// How long things may take if nobody says otherwise.
const USUAL: Duration = Duration::from_secs(60);

/// How long opening the mailbox may take.
const OPENING: Duration = Duration::from_secs(60);

/// How long a question for letters may wait: it holds a connection.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

type Refused = (StatusCode, Json<Refusal>);
type Asked<T> = Result<Query<T>, QueryRejection>;
type Answer<T> = Result<Json<T>, Refused>;

/// The mailbox, which is opened when it is first asked for.
#[derive(Clone)]
pub(crate) struct Post {
    client: Client,
    options: MailboxOptions,
    address: Arc<OnceCell<MailboxAddress>>,
    open: Arc<Mutex<Option<Open>>>,
}

struct Open {
    mailbox: Mailbox,
    /// Given to somebody who has not accepted it: it is given again first.
    given: Option<Letter>,
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Post({:?})", self.address.get())
    }
}

impl Post {
    pub(crate) fn new(client: Client, options: MailboxOptions) -> Self {
        Self { client, options, address: Arc::default(), open: Arc::default() }
    }

    async fn address(&self) -> Result<MailboxAddress, MailboxError> {
        let opening = async {
            let mailbox = self.client.open_mailbox(self.options.clone(), OPENING).await?;
            let address = mailbox.address();
            *self.open.lock().await = Some(Open { mailbox, given: None });
            Ok(address)
        };
        self.address.get_or_try_init(|| opening).await.copied()
    }

    async fn receive(&self, limit: Duration) -> Result<Option<Letter>, MailboxError> {
        self.address().await?;
        let mut open = self.open.lock().await;
        let Some(Open { mailbox, given }) = open.as_mut() else { return Ok(None) };
        if given.is_none() {
            *given = mailbox.receive(limit).await?;
        }
        Ok(given.clone())
    }

    async fn accept(&self, id: LetterId) -> Result<(), MailboxError> {
        self.address().await?;
        let mut open = self.open.lock().await;
        let Some(Open { mailbox, given }) = open.as_mut() else { return Ok(()) };
        mailbox.accept(id).await?;
        if given.as_ref().is_some_and(|letter| letter.id == id) {
            *given = None;
        }
        Ok(())
    }
}

/// Sends a letter.
pub(super) async fn send(
    State(control): State<Control>,
    query: Asked<LetterQuery>,
    body: Body,
) -> Answer<Posted> {
    let query = read(query)?;
    let bad = |why: String| refuse(StatusCode::BAD_REQUEST, why);
    let to: MailboxAddress = query.to.parse().map_err(|error| bad(format!("{error}")))?;
    let limit = query.deadline_ms.map_or(USUAL, Duration::from_millis);
    if !is_deadline(limit) {
        return Err(bad(NO_DEADLINE.to_owned()));
    }
    let text = to_bytes(body, MAX_LETTER_TEXT).await.map_err(|_| {
        let why = format!("a letter has at most {MAX_LETTER_TEXT} bytes");
        refuse(StatusCode::PAYLOAD_TOO_LARGE, why)
    })?;
    let began = Instant::now();
    let sending = async {
        let Post { client, options, .. } = &control.post;
        if query.named {
            let gateway = control.post.address().await?.gateway;
            let from = Sender::Named { key: &options.key, gateway };
            client.send_letter_from(from, &to, &text, limit).await
        } else {
            client.send_letter(&to, &text, limit).await
        }
    };
    let posted = sending.await.map_err(|error| refused(&error))?;
    Ok(Json(Posted {
        letter: posted.letter.to_string(),
        gateway: posted.gateway,
        lasting_s: posted.lasting.as_secs(),
        elapsed_us: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
    }))
}

/// The mailbox's address; opens it.
pub(super) async fn mailbox(State(control): State<Control>) -> Answer<MailboxReply> {
    let address = control.post.address().await.map_err(|error| refused(&error))?;
    Ok(Json(MailboxReply { address: address.to_string() }))
}

/// Waits for a letter.
pub(super) async fn receive(
    State(control): State<Control>,
    query: Asked<ReceiveQuery>,
) -> Answer<Received> {
    let query = read(query)?;
    let limit = query.wait_ms.map_or(LONGEST_WAIT, Duration::from_millis).min(LONGEST_WAIT);
    let letter = control.post.receive(limit).await.map_err(|error| refused(&error))?;
    Ok(Json(Received { letter: letter.map(reply) }))
}

/// A letter has arrived where it was wanted.
pub(super) async fn accept(
    State(control): State<Control>,
    query: Asked<AcceptQuery>,
) -> Answer<()> {
    let query = read(query)?;
    let mut id = [0; LetterId::LENGTH];
    hex::decode_to_slice(&query.letter, &mut id)
        .map_err(|_| refuse(StatusCode::BAD_REQUEST, "a letter's id is 32 hexadecimal digits"))?;
    let accepted = control.post.accept(LetterId::from_bytes(id)).await;
    accepted.map(Json).map_err(|error| refused(&error))
}

fn read<T>(query: Asked<T>) -> Result<T, Refused> {
    let bad = |error: QueryRejection| refuse(StatusCode::BAD_REQUEST, error.body_text());
    query.map(|Query(query)| query).map_err(bad)
}

fn reply(letter: Letter) -> LetterReply {
    let Letter { id, from, sent, text } = letter;
    let since = sent.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (text, hex) = match String::from_utf8(text) {
        Ok(text) => (Some(text), None),
        Err(error) => (None, Some(hex::encode(error.as_bytes()))),
    };
    LetterReply {
        id: id.to_string(),
        from: from.map(|address| address.to_string()),
        sent_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        text,
        hex,
    }
}

fn refused(error: &MailboxError) -> Refused {
    let status = match error {
        MailboxError::Letter(_) | MailboxError::NotReceived(_) => StatusCode::BAD_REQUEST,
        MailboxError::Accepted(_) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_GATEWAY,
    };
    refuse(status, error.to_string())
}
