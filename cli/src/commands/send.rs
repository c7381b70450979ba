//! `mixbed send`

use std::io::Read as _;
use std::time::Duration;

use mixbed_wire::letter::{MAX_LETTER_TEXT, MailboxAddress};

use crate::control::{ControlArgs, LetterQuery};
use crate::failure::Failure;
use crate::output;
use crate::settings::Period;
use crate::trace::duration;

const AFTER_HELP: &str = "\
Examples:
  mixbed send mixbed1… 'hello'               the receiver learns nothing of who sent it
  mixbed send --named mixbed1… 'hello'       with your own address, to be answered
  mixbed send mixbed1… < letter.txt          standard input

Success (exit code 0) means that the receiver's gateway keeps the letter: it waits there for a week.";

/// Send a letter, sealed so that only its receiver can read it
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The receiver's address: what `mixbed address` says there
    #[arg(value_name = "ADDRESS", value_parser = address)]
    to: MailboxAddress,
    /// The text; without it, or with -, standard input
    #[arg(value_name = "TEXT|-")]
    text: Option<String>,
    /// Let the receiver know your own address
    #[arg(long)]
    named: bool,
    #[command(flatten)]
    control: ControlArgs,
    /// When to give up: after 1 ms to 300 s
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = super::broadcast::deadline)]
    deadline: Period,
    /// Print the result as one line of JSON
    #[arg(long)]
    json: bool,
}

fn address(text: &str) -> Result<MailboxAddress, String> {
    text.parse().map_err(|error| format!("{error}"))
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let client = args.control.client().map_err(Failure::usage)?;
    let text = match args.text {
        Some(text) if text != "-" => text.into_bytes(),
        _ => read().map_err(Failure::usage)?,
    };
    if text.len() > MAX_LETTER_TEXT {
        let why = format!("the text is too long: a letter has at most {MAX_LETTER_TEXT} bytes");
        return Err(Failure::usage(why));
    }
    let deadline_ms = u64::try_from(args.deadline.0.as_millis()).ok();
    let query = LetterQuery { to: args.to.to_string(), named: args.named, deadline_ms };
    let posted = client.send_letter(text, &query).await.map_err(Failure::failed)?;
    if args.json {
        output::print_json(&posted);
    } else {
        output::print(format!(
            "kept: by {} for {} days, after {}",
            posted.gateway,
            posted.lasting_s / 86_400,
            duration(Duration::from_micros(posted.elapsed_us)),
        ));
    }
    Ok(())
}

/// Standard input, and one byte more than a letter has if there is more.
fn read() -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let most = MAX_LETTER_TEXT as u64 + 1;
    let read = std::io::stdin().lock().take(most).read_to_end(&mut text);
    read.map_err(|error| format!("standard input: {error}"))?;
    Ok(text)
}
