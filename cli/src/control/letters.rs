//! `POST /v1/letters` and `/v1/mailbox/…`: the mailbox of whoever runs this client.

use std::time::{Duration, Instant};

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::StatusCode;
use mixbed_client::letters::chat::{Chat, ChatError, Delivery, Direction, Message, SendOptions};
use mixbed_wire::MailboxSecret;
use mixbed_wire::letter::{LetterId, MAX_LETTER_TEXT};

use super::api::{AcceptQuery, LetterQuery, MailboxReply, Posted, ReceiveQuery, Received, Until};
use super::broadcast::{NO_DEADLINE, is_deadline};
use super::chat::{Answer, Asked, Refused, letter_reply, millis, read, refused, whom};
use super::server::{Control, refuse};

/// How long things may take if nobody says otherwise.
const USUAL: Duration = Duration::from_secs(60);

/// How long a question for letters may wait: it holds a connection.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The most answers that a letter without a name is sent with.
pub(crate) const MOST_REPLIES: usize = 7;

/// Sends a letter.
pub(super) async fn send(
    State(control): State<Control>,
    query: Asked<LetterQuery>,
    body: Body,
) -> Answer<Posted> {
    let query = read(query)?;
    let bad = |why: String| refuse(StatusCode::BAD_REQUEST, why);
    let options = options(&query).map_err(bad)?;
    let text = to_bytes(body, MAX_LETTER_TEXT).await.map_err(|_| {
        let why = format!("a letter has at most {MAX_LETTER_TEXT} bytes");
        refuse(StatusCode::PAYLOAD_TOO_LARGE, why)
    })?;
    let began = Instant::now();
    let chat = control.post.chat().await.map_err(|error| refused(&error))?;
    let sent = match (&query.to, &query.reply_to) {
        (Some(to), None) => chat.send_to(&whom(&chat, to)?, &text, &options).await,
        (None, Some(letter)) => chat.answer(&letter_id(letter)?, &text, &options).await,
        _ => return Err(bad("a letter goes to somebody, or answers a letter: say one".to_owned())),
    };
    let sent = sent.map_err(|error| refused(&error))?;
    let reached = match query.until {
        Until::Begun => sent,
        Until::Kept => chat.settled(&sent).await.map_err(|error| refused(&error))?,
        Until::Delivered => {
            let left = options.limit.saturating_sub(began.elapsed());
            delivered(&chat, sent, left).await.map_err(|error| refused(&error))?
        }
    };
    posted(&reached, query.until, began.elapsed())
}

fn options(query: &LetterQuery) -> Result<SendOptions, String> {
    let limit = query.deadline_ms.map_or(USUAL, Duration::from_millis);
    if !is_deadline(limit) {
        return Err(NO_DEADLINE.to_owned());
    }
    let replies = query.replies.unwrap_or(0);
    if replies > MOST_REPLIES {
        return Err(format!("a letter can be sent to be answered at most {MOST_REPLIES} times"));
    }
    let thread = query.thread.as_ref().map(|digits| {
        let mut secret = [0; 32];
        hex::decode_to_slice(digits, &mut secret)
            .map(|()| MailboxSecret::from_bytes(secret))
            .map_err(|_| "a thread is 64 hexadecimal digits".to_owned())
    });
    let receipt = query.receipt.unwrap_or(query.named);
    Ok(SendOptions { named: query.named, receipt, replies, thread: thread.transpose()?, limit })
}

/// Waits for the receiver's word.
async fn delivered(chat: &Chat, sent: Message, limit: Duration) -> Result<Message, ChatError> {
    let end = Instant::now() + limit;
    let mut version = chat.version();
    loop {
        let now = chat.message(&sent.letter).unwrap_or_else(|| sent.clone());
        let ended =
            matches!(now.delivery(), Some(Delivery::Delivered { .. } | Delivery::Failed { .. }));
        let left = end.saturating_duration_since(Instant::now());
        if ended || left.is_zero() {
            return Ok(now);
        }
        (_, version) = chat.changes(version, left).await?;
    }
}

fn posted(message: &Message, until: Until, elapsed: Duration) -> Answer<Posted> {
    let failed = |why: &str| Err(refuse(StatusCode::BAD_GATEWAY, why));
    let Direction::Sent { delivery, answerable_until, .. } = &message.direction else {
        return failed("the message is not one that was sent");
    };
    let (gateway, lasting) = match delivery {
        Delivery::Failed { why } => return failed(why),
        Delivery::Kept { gateway, lasting } => (Some(gateway.clone()), *lasting),
        Delivery::SentOn { gateway } => (Some(gateway.clone()), Duration::ZERO),
        Delivery::Sending | Delivery::Delivered { .. } => (None, Duration::ZERO),
    };
    if until == Until::Delivered && !matches!(delivery, Delivery::Delivered { .. }) {
        return failed(&format!("no word of the receiver in time: the letter is {delivery}"));
    }
    Ok(Json(Posted {
        no: message.no,
        letter: message.letter.to_string(),
        state: delivery.as_str().to_owned(),
        gateway,
        lasting_s: lasting.as_secs(),
        answerable_until_ms: answerable_until.map(millis),
        elapsed_us: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
    }))
}

/// The mailbox's address; opens it.
pub(super) async fn mailbox(State(control): State<Control>) -> Answer<MailboxReply> {
    let address = async { control.post.chat().await?.address().await };
    let address = address.await.map_err(|error| refused(&error))?;
    Ok(Json(MailboxReply { address: address.to_string() }))
}

/// Waits for a letter that nobody has read. It is not given to another reader for a while.
pub(super) async fn receive(
    State(control): State<Control>,
    query: Asked<ReceiveQuery>,
) -> Answer<Received> {
    let query = read(query)?;
    let limit = query.wait_ms.map_or(LONGEST_WAIT, Duration::from_millis).min(LONGEST_WAIT);
    let chat = control.post.chat().await.map_err(|error| refused(&error))?;
    let message = chat.next_unread(limit).await.map_err(|error| refused(&error))?;
    Ok(Json(Received { letter: message.map(|message| letter_reply(&chat, &message)) }))
}

/// A letter has arrived where it was wanted.
pub(super) async fn accept(
    State(control): State<Control>,
    query: Asked<AcceptQuery>,
) -> Answer<()> {
    let id = letter_id(&read(query)?.letter)?;
    let chat = control.post.chat().await.map_err(|error| refused(&error))?;
    let message = chat.message(&id).ok_or_else(|| refused(&ChatError::NoLetter(id)))?;
    let read = chat.mark_read(message.no).await;
    read.map(Json).map_err(|error| refused(&error))
}

fn letter_id(digits: &str) -> Result<LetterId, Refused> {
    let mut id = [0; LetterId::LENGTH];
    hex::decode_to_slice(digits, &mut id)
        .map_err(|_| refuse(StatusCode::BAD_REQUEST, "a letter's id is 32 hexadecimal digits"))?;
    Ok(LetterId::from_bytes(id))
}
