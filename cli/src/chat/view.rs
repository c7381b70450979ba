//! A conversation as lines of text.

use std::time::{Duration, SystemTime};

use super::plain::lines;
use crate::control::MessageReply;

/// The time of day, such as `14:32`; UTC.
pub(crate) fn clock(ms: u64) -> String {
    let minutes = ms / 60_000 % (24 * 60);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Who the other one is: a contact's name, or what they are called here.
pub(crate) fn called(message: &MessageReply) -> String {
    match &message.name {
        Some(name) => name.clone(),
        // An address is long: its beginning tells it from others.
        None => message.with.chars().take(26).collect(),
    }
}

/// A message that came, or that is of an earlier time.
pub(crate) fn message(message: &MessageReply) -> String {
    let text = match (&message.text, &message.hex) {
        (Some(text), _) => lines(text),
        (None, hex) => format!("(bytes) {}", hex.as_deref().unwrap_or_default()),
    };
    let at = clock(message.sent_ms);
    if message.received {
        return format!("{at} {}: {text}", called(message));
    }
    let who = if message.unnamed { "you, without a name" } else { "you" };
    let state =
        message.words.as_deref().map_or_else(String::new, |words| format!(" [{}]", lines(words)));
    format!("{at} {who} ({}): {text}{state}", message.no)
}

/// How far one's own message has come.
pub(crate) fn delivery(message: &MessageReply) -> String {
    let words = lines(message.words.as_deref().unwrap_or_default());
    format!("      ({}) {words}", message.no)
}

/// Until when somebody without a name can be answered, if they can.
pub(crate) fn answerable(message: &MessageReply, now: SystemTime) -> Option<String> {
    let until = message.answerable_until_ms?;
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let left = Duration::from_millis(until).saturating_sub(now).as_secs();
    let minutes = format!("{} min {} s", left / 60, left % 60);
    let who = match (message.received, message.answers_left) {
        (false, _) => "can be answered".to_owned(),
        (true, 0) => return Some("      cannot be answered any more".to_owned()),
        (true, 1) => "can be answered once".to_owned(),
        (true, count) => format!("can be answered {count} times"),
    };
    Some(format!("      {who}, until {} UTC ({minutes}), while its sender is there", clock(until)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(text: &str) -> MessageReply {
        MessageReply {
            no: 3,
            with: "anonymous-0011223344556677".to_owned(),
            name: None,
            letter: "00".to_owned(),
            answers: None,
            received: true,
            unread: true,
            unnamed: true,
            sent_ms: (24 * 60 + 63) * 60_000,
            text: Some(text.to_owned()),
            hex: None,
            state: None,
            words: None,
            answers_left: 2,
            answerable_until_ms: Some(65 * 60_000),
        }
    }

    #[test]
    fn messages_are_lines() {
        let message = super::message;
        let it = came("hi\u{1b}[1m\nthere");
        assert_eq!(message(&it), "01:03 anonymous-0011223344556677: hi[1m\n    | there");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(64 * 60 + 5);
        assert_eq!(
            answerable(&it, now).as_deref(),
            Some(
                "      can be answered 2 times, until 01:05 UTC (0 min 55 s), while its sender is there"
            ),
        );
        let over = MessageReply { answers_left: 0, ..it.clone() };
        assert_eq!(answerable(&over, now).as_deref(), Some("      cannot be answered any more"));
        assert_eq!(
            answerable(&MessageReply { answerable_until_ms: None, ..it.clone() }, now),
            None
        );

        let with = "mixbed1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq".to_owned();
        let words = Some("failed: it is\u{7} away".to_owned());
        let mine = MessageReply { received: false, with, words, unnamed: false, ..it };
        assert_eq!(message(&mine), "01:03 you (3): hi[1m\n    | there [failed: it is away]");
        assert_eq!(delivery(&mine), "      (3) failed: it is away");
        assert_eq!(called(&mine), "mixbed1qqqqqqqqqqqqqqqqqqq");
        let bob = MessageReply { name: Some("bob".to_owned()), ..mine };
        assert_eq!(called(&bob), "bob");
    }
}
