//! `/v1/chat/…`: conversations and contacts.

use std::time::{Duration, SystemTime};

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use mixbed_client::letters::MailboxError;
use mixbed_client::letters::chat::{Chat, ChatError, Direction, Message, Peer};

use super::api::{
    ChangesQuery, ChatReply, Contact, Conversation, Forgotten, LetterReply, MessageReply,
    MessagesQuery, MessagesReply, Refusal,
};
use super::letters::LONGEST_WAIT;
use super::server::{Control, refuse};

/// The most messages that are told of at a time.
const MOST: usize = 1000;

pub(super) type Refused = (StatusCode, Json<Refusal>);
pub(super) type Asked<T> = Result<Query<T>, QueryRejection>;
pub(super) type Answer<T> = Result<Json<T>, Refused>;

/// The contacts and the conversations.
pub(super) async fn list(State(control): State<Control>) -> Answer<ChatReply> {
    let chat = control.post.chat().await.map_err(|error| refused(&error))?;
    let contact = |(name, address): (_, mixbed_wire::letter::MailboxAddress)| Contact {
        name: ToString::to_string(&name),
        address: Some(address.to_string()),
    };
    let conversation = |(peer, unread): (Peer, usize)| Conversation {
        with: peer.to_string(),
        name: name_of(&chat, &peer),
        unread,
    };
    Ok(Json(ChatReply {
        contacts: chat.contacts().into_iter().map(contact).collect::<Vec<_>>(),
        conversations: chat.peers().into_iter().map(conversation).collect(),
    }))
}

/// Makes a contact, or removes one.
pub(super) async fn contact(State(control): State<Control>, query: Asked<Contact>) -> Answer<()> {
    let Contact { name, address } = read(query)?;
    let bad = |why: String| refuse(StatusCode::BAD_REQUEST, why);
    let name = name.parse().map_err(|error| bad(format!("{error}")))?;
    let address = address.map(|address| address.parse().map_err(|error| bad(format!("{error}"))));
    let chat = control.post.chat().await.map_err(|error| refused(&error))?;
    let set = chat.set_contact(name, address.transpose()?).await;
    set.map(Json).map_err(|error| refused(&error))
}

/// The last messages.
pub(super) async fn messages(
    State(control): State<Control>,
    query: Asked<MessagesQuery>,
) -> Answer<MessagesReply> {
    let MessagesQuery { with, last } = read(query)?;
    let chat = control.post.chat().await.map_err(|error| refused(&error))?;
    let peer = with.map(|with| whom(&chat, &with)).transpose()?;
    let version = chat.version();
    let messages = chat.last(peer.as_ref(), last.unwrap_or(MOST).min(MOST));
    let messages = messages.into_iter().map(|message| message_reply(&chat, message)).collect();
    Ok(Json(MessagesReply { with: peer.map(|peer| peer.to_string()), messages, version }))
}

/// Waits for what is new or different.
pub(super) async fn changes(
    State(control): State<Control>,
    query: Asked<ChangesQuery>,
) -> Answer<MessagesReply> {
    let ChangesQuery { since, wait_ms } = read(query)?;
    let limit = wait_ms.map_or(LONGEST_WAIT, Duration::from_millis).min(LONGEST_WAIT);
    let chat = control.post.chat().await.map_err(|error| refused(&error))?;
    let changed = chat.changes(since, limit).await;
    let (messages, version) = changed.map_err(|error| refused(&error))?;
    let messages = messages.into_iter().map(|message| message_reply(&chat, message)).collect();
    Ok(Json(MessagesReply { with: None, messages, version }))
}

/// Forgets a conversation, or all of them.
pub(super) async fn forget(
    State(control): State<Control>,
    query: Asked<MessagesQuery>,
) -> Answer<Forgotten> {
    let MessagesQuery { with, .. } = read(query)?;
    let chat = control.post.chat().await.map_err(|error| refused(&error))?;
    let peer = with.map(|with| whom(&chat, &with)).transpose()?;
    let messages = chat.forget(peer).await.map_err(|error| refused(&error))?;
    Ok(Json(Forgotten { messages }))
}

pub(super) fn read<T>(query: Asked<T>) -> Result<T, Refused> {
    let bad = |error: QueryRejection| refuse(StatusCode::BAD_REQUEST, error.body_text());
    query.map(|Query(query)| query).map_err(bad)
}

/// Whom a text means.
pub(super) fn whom(chat: &Chat, text: &str) -> Result<Peer, Refused> {
    chat.find(text).ok_or_else(|| {
        let text: String = text.chars().take(80).collect();
        let why = format!(
            "nobody is called {text:?} here: give an address, a contact's name, or what `mixbed \
             chat` lists"
        );
        refuse(StatusCode::BAD_REQUEST, why)
    })
}

pub(super) fn refused(error: &ChatError) -> Refused {
    let status = match error {
        ChatError::Mailbox(MailboxError::Letter(_))
        | ChatError::NoAnswer(..)
        | ChatError::NoLetter(_)
        | ChatError::OwnLetter(_)
        | ChatError::TooManyContacts(_) => StatusCode::BAD_REQUEST,
        ChatError::Mailbox(MailboxError::Accepted(_)) | ChatError::History(_) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        ChatError::Mailbox(_) | ChatError::TooManyUnderWay(_) => StatusCode::BAD_GATEWAY,
    };
    refuse(status, error.to_string())
}

pub(super) fn letter_reply(chat: &Chat, message: &Message) -> LetterReply {
    let MessageReply { with, name, letter, answers, sent_ms, text, hex, .. } =
        message_reply(chat, message.clone());
    let (answers_left, answerable_until_ms) = ways(message);
    let from = matches!(message.peer, Peer::Address(_)).then(|| with.clone());
    let name = if from.is_some() { name } else { Some(with) };
    let id = letter;
    LetterReply { id, from, name, answers, sent_ms, text, hex, answers_left, answerable_until_ms }
}

fn message_reply(chat: &Chat, message: Message) -> MessageReply {
    let (answers_left, answerable_until_ms) = ways(&message);
    let delivery = message.delivery();
    let (state, words) =
        (delivery.map(|state| state.as_str().to_owned()), delivery.map(ToString::to_string));
    let unnamed = match &message.direction {
        Direction::Sent { unnamed, .. } => *unnamed,
        Direction::Received { .. } => !matches!(message.peer, Peer::Address(_)),
    };
    let unread = message.is_unread();
    let (text, hex) = match String::from_utf8(message.text) {
        Ok(text) => (Some(text), None),
        Err(error) => (None, Some(hex::encode(error.as_bytes()))),
    };
    MessageReply {
        no: message.no,
        with: message.peer.to_string(),
        name: name_of(chat, &message.peer),
        letter: message.letter.to_string(),
        answers: message.answers.map(|letter| letter.to_string()),
        received: state.is_none(),
        unread,
        unnamed,
        sent_ms: millis(message.sent),
        text,
        hex,
        state,
        words,
        answers_left,
        answerable_until_ms,
    }
}

/// How often a message that came can be answered, and until when one can be.
fn ways(message: &Message) -> (usize, Option<u64>) {
    match &message.direction {
        Direction::Received { offer, .. } => {
            let good = offer.as_ref().filter(|offer| offer.good_until > SystemTime::now());
            let left = good.map_or(0, |offer| offer.blocks.len());
            (left, offer.as_ref().map(|offer| millis(offer.good_until)))
        }
        Direction::Sent { answerable_until, .. } => (0, answerable_until.map(millis)),
    }
}

fn name_of(chat: &Chat, peer: &Peer) -> Option<String> {
    let Peer::Address(address) = peer else { return None };
    let contacts = chat.contacts().into_iter();
    contacts.filter(|(_, theirs)| theirs == address).map(|(name, _)| name.to_string()).next()
}

pub(super) fn millis(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
