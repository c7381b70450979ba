//! `mixbed send`

use std::io::Read as _;
use std::time::Duration;

use clap::value_parser;
use mixbed_wire::letter::MAX_LETTER_TEXT;

use crate::chat::{check_whom, clock};
use crate::control::{ControlArgs, LetterQuery, MOST_REPLIES, Posted, Until};
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;
use crate::settings::Period;
use crate::trace::duration;

const AFTER_HELP: &str = "\
Examples:
  mixbed send mixbed1… 'hello'               the receiver learns nothing of who sent it
  mixbed send --named mixbed1… 'hello'       with your own address, to be answered
  mixbed send --anonymous mixbed1… 'hello'   without it, and to be answered all the same
  mixbed send --reply-to ID 'hello'          answer a letter, by its id in `mixbed receive --json`
  mixbed send --named bob < letter.txt       to a contact of `mixbed chat`, standard input

Success (exit code 0) means that the receiver's gateway keeps the letter: it waits there for a week.
With --delivered it means that the receiver's client has it and says so, which only it can. It says
so to its user's contacts, unless its configuration has receipts: everybody or nobody.

--anonymous encloses reply blocks, each good for one answer. They work for some minutes, until the
packet keys of this epoch end, and as long as this client is there: nothing keeps an answer for it.
An answer to such a letter succeeds when a gateway has sent it on.

Letters are sealed to the mailbox's key, which never changes: who records them at the receiver's
gateway and steals that key later can read them. See docs/chat.md.";

/// Send a letter, sealed so that only its receiver can read it
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Args {
    /// The receiver: an address (what `mixbed address` says there), or a contact of `mixbed chat`;
    /// left out with --reply-to
    #[arg(value_name = "WHO", required_unless_present = "reply_to")]
    to: Option<String>,
    /// The text; without it, or with -, standard input
    #[arg(value_name = "TEXT|-")]
    text: Option<String>,
    /// Let the receiver know your own address
    #[arg(long)]
    named: bool,
    /// Without your address, but with reply blocks to be answered by
    #[arg(long, conflicts_with = "named")]
    anonymous: bool,
    /// How often it can be answered; --anonymous is 3 without it
    #[arg(long, value_name = "N", conflicts_with = "named")]
    #[arg(value_parser = value_parser!(u8).range(0..=MOST_REPLIES as i64))]
    replies: Option<u8>,
    /// The letter that this answers
    #[arg(long, value_name = "ID", conflicts_with_all = ["anonymous", "replies"])]
    reply_to: Option<String>,
    /// Wait until the receiver's client says that it has it
    #[arg(long)]
    delivered: bool,
    #[command(flatten)]
    control: ControlArgs,
    /// When to give up: after 1 ms to 300 s
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = super::broadcast::deadline)]
    deadline: Period,
    /// Print the result as one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(mut args: Args, quiet: bool) -> Result<(), Failure> {
    let client = args.control.client().map_err(Failure::usage)?;
    if args.reply_to.is_some() {
        if args.text.is_some() {
            return Err(Failure::usage("--reply-to says whom it goes to: give the text only"));
        }
        args.text = args.to.take();
    }
    if let Some(to) = &args.to {
        check_whom(to).map_err(Failure::usage)?;
    }
    let text = match args.text {
        Some(text) if text != "-" => text.into_bytes(),
        _ => read().map_err(Failure::usage)?,
    };
    if text.is_empty() {
        return Err(Failure::usage("the text is empty: there is nothing to send"));
    }
    if text.len() > MAX_LETTER_TEXT {
        let why = format!("the text is too long: a letter has at most {MAX_LETTER_TEXT} bytes");
        return Err(Failure::usage(why));
    }
    let usual = if args.anonymous { 3 } else { 0 };
    let query = LetterQuery {
        to: args.to,
        // An answer to a letter with a name is one with a name.
        named: args.named || args.reply_to.is_some(),
        reply_to: args.reply_to,
        replies: Some(args.replies.unwrap_or(usual).into()),
        receipt: args.delivered.then_some(true),
        thread: None,
        deadline_ms: u64::try_from(args.deadline.0.as_millis()).ok(),
        until: if args.delivered { Until::Delivered } else { Until::Kept },
    };
    let progress = Progress::new(quiet || args.json);
    let step =
        progress.step(if args.delivered { "waiting for the receiver's word" } else { "sending" });
    let posted = client.send_letter(text, &query).await.map_err(Failure::failed)?;
    drop(step);
    if args.json {
        output::print_json(&posted);
    } else {
        output::print(tell(&posted));
    }
    Ok(())
}

fn tell(posted: &Posted) -> String {
    let after = duration(Duration::from_micros(posted.elapsed_us));
    let gateway = posted.gateway.as_deref().unwrap_or("a gateway");
    let done = match posted.state.as_str() {
        "delivered" => format!("delivered: the receiver's client has it, after {after}"),
        "sent_on" => format!("sent on: by {gateway}, after {after}; nothing keeps it there"),
        _ => format!("kept: by {gateway} for {} days, after {after}", posted.lasting_s / 86_400),
    };
    match posted.answerable_until_ms {
        Some(until) => format!("{done}; can be answered until {} UTC", clock(until)),
        None => done,
    }
}

/// Standard input, and one byte more than a letter has if there is more.
fn read() -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let most = MAX_LETTER_TEXT as u64 + 1;
    let read = std::io::stdin().lock().take(most).read_to_end(&mut text);
    read.map_err(|error| format!("standard input: {error}"))?;
    Ok(text)
}
