//! `mixbed receive`

use std::time::{Duration, Instant, SystemTime};

use crate::chat;
use crate::control::{ControlArgs, ControlClient, LetterReply};
use crate::failure::Failure;
use crate::output;
use crate::settings::Period;
use crate::trace::rough;

/// How long one question to the client waits.
const QUESTION: Duration = Duration::from_secs(20);

const AFTER_HELP: &str = "\
Examples:
  mixbed receive                   the letters that wait now, and those of the next seconds
  mixbed receive --count 1         one letter, as soon as it is there; fails if none comes in time
  mixbed receive --follow          all that come, until Ctrl-C
  mixbed receive --follow --json   a line of JSON each, for scripts

Each letter is printed once, also if several of these run at a time. If printing it was cut short,
it comes again, after ten seconds. `mixbed chat` shows the same letters: what was read there is not
printed here.

A letter without a name may bring ways to answer it, for some minutes:
  mixbed send --reply-to ID 'text'";

/// Print the letters that came to this client's mailbox
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    control: ControlArgs,
    /// How long to wait for the next letter before it ends. The mailbox is asked every few seconds:
    /// less than 5s may miss what waits there
    #[arg(long, value_name = "TIME", default_value = "10s")]
    wait: Period,
    /// End after so many letters; fail (exit code 1) if fewer come
    #[arg(long, value_name = "LETTERS", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Go on until it is stopped
    #[arg(long, conflicts_with = "wait")]
    follow: bool,
    /// Print each letter as one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let client = args.control.client().map_err(Failure::usage)?;
    let limit = (!args.follow).then_some(args.wait.0);
    let mut printed = 0;
    while args.count.is_none_or(|count| printed < count) {
        let Some(letter) = next(&client, limit).await? else { break };
        if args.json {
            output::print_json(&letter);
        } else {
            output::print(tell(&letter, SystemTime::now()));
        }
        client.accept(&letter.id).await.map_err(Failure::failed)?;
        printed += 1;
    }
    match args.count {
        Some(count) if printed < count => {
            let why =
                format!("{printed} of {count} letters came, and no other within {}", args.wait);
            Err(Failure::failed(why))
        }
        _ => Ok(()),
    }
}

/// The next letter; nothing if none comes within the limit.
async fn next(
    client: &ControlClient,
    limit: Option<Duration>,
) -> Result<Option<LetterReply>, Failure> {
    let end = limit.map(|limit| Instant::now() + limit);
    loop {
        let left = end.map_or(QUESTION, |end| end.saturating_duration_since(Instant::now()));
        let letter = client.receive(left.min(QUESTION)).await.map_err(Failure::failed)?;
        if letter.is_some() || end.is_some_and(|end| Instant::now() >= end) {
            return Ok(letter);
        }
    }
}

fn tell(letter: &LetterReply, now: SystemTime) -> String {
    let from = match (&letter.name, &letter.from) {
        (Some(name), _) => format!(" from {}", chat::plain(name)),
        (None, Some(from)) => format!(" from {from}"),
        (None, None) => String::new(),
    };
    let sent = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(letter.sent_ms));
    let age = sent.and_then(|sent| now.duration_since(sent).ok()).unwrap_or_default();
    let age = rough(age);
    let text = match (&letter.text, &letter.hex) {
        // A stranger's text: nothing in it is for the terminal.
        (Some(text), _) => chat::plain(text),
        (None, hex) => hex.clone().unwrap_or_default(),
    };
    let answer = match letter.answerable_until_ms.filter(|_| letter.answers_left > 0) {
        Some(until) => format!(
            "\n(mixbed send --reply-to {} '…' answers it, until {} UTC)",
            letter.id,
            chat::clock(until),
        ),
        None => String::new(),
    };
    format!("letter{from}, sent {age} ago:\n{text}{answer}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_told_without_what_a_terminal_would_obey() {
        let letter = LetterReply {
            id: String::new(),
            from: Some("mixbed1xyz".to_owned()),
            name: None,
            answers: None,
            answers_left: 0,
            answerable_until_ms: None,
            sent_ms: 1_000_000,
            text: Some("one\ntwo\u{1b}[2J\u{9b}".to_owned()),
            hex: None,
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_061_900);
        assert_eq!(tell(&letter, now), "letter from mixbed1xyz, sent 1m 1s ago:\none\ntwo[2J");
        let offered = LetterReply {
            id: "00ff".to_owned(),
            name: Some("anonymous-00".to_owned()),
            answers_left: 1,
            answerable_until_ms: Some(0),
            ..letter.clone()
        };
        let told = tell(&offered, now);
        assert!(told.starts_with("letter from anonymous-00, sent 1m 1s ago:\n"), "{told}");
        assert!(told.ends_with("--reply-to 00ff '…' answers it, until 00:00 UTC)"), "{told}");
        let bytes = LetterReply { from: None, text: None, hex: Some("ff00".to_owned()), ..letter };
        let earlier = SystemTime::UNIX_EPOCH;
        assert_eq!(tell(&bytes, earlier), "letter, sent 0s ago:\nff00", "a clock that is behind");
    }
}
