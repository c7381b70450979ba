//! `mixbed address`

use crate::control::ControlArgs;
use crate::failure::Failure;
use crate::output;

const AFTER_HELP: &str = "\
Examples:
  mixbed address                   open the mailbox, and print where letters go
  mixbed address --json            for scripts

The address names the gateway that keeps the letters, and the key that they are sealed to. A client
with a state directory keeps it; without one, it has another mailbox at each start.";

/// Print the address that letters for this client are sent to
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    control: ControlArgs,
    /// Print it as one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let client = args.control.client().map_err(Failure::usage)?;
    let mailbox = client.mailbox().await.map_err(Failure::failed)?;
    if args.json {
        output::print_json(&mailbox);
    } else {
        output::print(&mailbox.address);
    }
    Ok(())
}
