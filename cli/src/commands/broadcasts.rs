//! `mixbed broadcasts`

use std::time::{Duration, SystemTime};

use comfy_table::Table;
use comfy_table::presets::NOTHING;

use crate::control::{BroadcastEntry, ControlArgs};
use crate::failure::Failure;
use crate::output;
use crate::trace::rough;

const AFTER_HELP: &str = "\
Examples:
  mixbed broadcasts
  mixbed broadcasts c88ce978…75177139                  one of them
  mixbed broadcasts --json | jq '.[] | select(.state == \"pending\")'

States: pending (no word of it yet), held (it waits at a provider), accepted (monerod has it), mined
(in a block), rejected (monerod refuses it), expired (no word of it until its deadline, or no block
within three days). Accepted ones are asked for at other providers until they are mined.

A `mixbed client` with a state directory writes each broadcast down before it sends it, and goes on
with it when it is started again. Others forget them when they end. Ended ones are remembered for a
week, 1,000 at most.";

/// List the broadcasts that a client has taken on, and what became of them
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// One of them, by its transaction's id
    #[arg(value_name = "TXID")]
    txid: Option<String>,
    #[command(flatten)]
    control: ControlArgs,
    /// Print all of it as one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let client = args.control.client().map_err(Failure::usage)?;
    let mut entries = client.broadcasts().await.map_err(Failure::failed)?;
    if let Some(txid) = &args.txid {
        entries.retain(|entry| entry.txid.eq_ignore_ascii_case(txid));
        if entries.is_empty() {
            let why = format!("no broadcast of {txid} is known there: mixbed broadcasts lists all");
            return Err(Failure::failed(why));
        }
    }
    if args.json {
        output::print_json(&entries);
    } else if entries.is_empty() {
        output::print("no broadcasts yet");
    } else {
        output::print(tell(&entries, SystemTime::now()));
    }
    Ok(())
}

fn tell(entries: &[BroadcastEntry], now: SystemTime) -> String {
    let ago = |ms| {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
        format!("{} ago", rough(now.duration_since(at).unwrap_or_default()))
    };
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["txid", "state", "ordered", "tries", "what is known"]);
    for entry in entries {
        let by = entry.provider.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        table.add_row([
            entry.txid.clone(),
            entry.state.clone(),
            ago(entry.ordered_ms),
            entry.tries.to_string(),
            format!("{}{by}{}", entry.words, found_out(entry)),
        ]);
    }
    table.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Those that said that they had it, and had not.
fn found_out(entry: &BroadcastEntry) -> String {
    match &entry.found_out[..] {
        [] => String::new(),
        names => format!("; {} said so before and did nothing", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_broadcast_is_a_line() {
        let entry = BroadcastEntry {
            txid: "ab".repeat(32),
            state: "accepted".to_owned(),
            words: "monerod accepted the transaction".to_owned(),
            provider: Some("provider-0".to_owned()),
            bytes: 1507,
            tries: 2,
            ordered_ms: 1000,
            expires_ms: 61_000,
            ended_ms: Some(5000),
            held_until_ms: None,
            confirmed_by: None,
            height: None,
            confirmations: None,
            found_out: vec!["provider-7".to_owned()],
        };
        let text = tell(&[entry], SystemTime::UNIX_EPOCH + Duration::from_secs(31));
        let line = text.lines().nth(1).expect("a header and a line");
        for word in ["abab", "accepted", "30s ago", "2", "transaction (provider-0); provider-7"] {
            assert!(line.contains(word), "{word}: {text}");
        }
    }
}
