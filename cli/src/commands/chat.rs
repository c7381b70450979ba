//! `mixbed chat`

use clap::value_parser;

use crate::chat::{Manner, Talk, check_whom, plain};
use crate::control::{ChatReply, Contact, ControlArgs, ControlClient, MOST_REPLIES};
use crate::failure::Failure;
use crate::settings::Period;
use crate::{output, signals};

const AFTER_HELP: &str = "\
Examples:
  mixbed chat                               contacts and conversations
  mixbed chat mixbed1… --name bob           give an address a name, and talk
  mixbed chat bob                           talk with a contact
  mixbed chat bob --anonymous               bob can answer, and learns neither who nor where you are
  mixbed chat anonymous-0123456789abcdef    answer somebody without a name who wrote
  echo 'see you at 5' | mixbed chat bob     from a script: ends when the mailbox has it

Each message says how far it has come: sending, at the mailbox, delivered (the receiver's client says
so, if you are a contact of its user), or why it failed. A receiver who is away finds it in the mailbox, for a week.

--anonymous: each message brings reply blocks (--replies), by which it can be answered for some
minutes, as long as you are there: until the packet keys of the epoch end. The receiver can tell that
the messages of one such chat belong together, and nothing else.

What is secret for how long: messages are sealed to the mailbox's key, which never changes. Who
records them at the receiver's gateway and steals the key later can read them. Conversations are kept
in the client's state directory (chat.redb, not encrypted; the last 10,000 messages, 16 MiB); --forget
deletes them. Without a state directory they end with the client. See docs/chat.md.";

/// Talk with another user: what you type is sent, what comes is shown
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Args {
    /// An address, a contact's name, or what somebody without a name is called here; without it,
    /// all of these are listed
    #[arg(value_name = "WHO")]
    who: Option<String>,
    /// Give the address this name from now on
    #[arg(long, value_name = "NAME", requires = "who")]
    name: Option<String>,
    /// Take the name of this contact away, and end
    #[arg(long, requires = "who", conflicts_with_all = ["name", "anonymous", "forget"])]
    remove: bool,
    /// Write without a name, to be answered by reply blocks
    #[arg(long, requires = "who")]
    anonymous: bool,
    /// How often each message without a name can be answered
    #[arg(long, value_name = "N", default_value_t = 3, requires = "anonymous")]
    #[arg(value_parser = value_parser!(u8).range(0..=MOST_REPLIES as i64))]
    replies: u8,
    /// Forget the conversation with WHO, here and on the disk, or without WHO all of them, and end
    #[arg(long, conflicts_with_all = ["name", "anonymous"])]
    forget: bool,
    /// How many messages of before are shown
    #[arg(long, value_name = "N", default_value_t = 20)]
    last: usize,
    #[command(flatten)]
    control: ControlArgs,
    /// When a message is given up: after 1 ms to 300 s
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = super::broadcast::deadline)]
    deadline: Period,
    /// Print each message, and each change of one, as one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let client = args.control.client().map_err(Failure::usage)?;
    if let Some(who) = &args.who {
        check_whom(who).map_err(Failure::usage)?;
    }
    if args.forget {
        let count = client.forget(args.who.as_deref()).await.map_err(Failure::failed)?;
        output::print(format!("{count} messages are forgotten"));
        return Ok(());
    }
    let Some(mut who) = args.who else { return list(&client, args.json).await };
    if args.remove {
        let contact = Contact { name: who, address: None };
        return client.set_contact(&contact).await.map_err(Failure::failed);
    }
    if let Some(name) = args.name {
        let contact = Contact { name, address: Some(who) };
        client.set_contact(&contact).await.map_err(Failure::failed)?;
        who = contact.name;
    }
    let manner = Manner {
        named: !args.anonymous,
        replies: args.replies.into(),
        deadline: args.deadline.0,
        json: args.json,
        last: args.last,
    };
    let stop = signals::shutdown().map_err(Failure::failed)?;
    let talking = async { Talk::begin(client, &who, manner).await?.run(stop.clone()).await };
    tokio::select! {
        talked = talking => talked,
        () = stop.cancelled() => Ok(()),
    }
}

/// Prints the contacts, and the conversations without a name.
async fn list(client: &ControlClient, json: bool) -> Result<(), Failure> {
    let chat = client.chat().await.map_err(Failure::failed)?;
    if json {
        output::print_json(&chat);
        return Ok(());
    }
    let ChatReply { contacts, conversations } = chat;
    if contacts.is_empty() && conversations.is_empty() {
        output::say(
            "no contacts and no conversations: `mixbed chat ADDRESS --name NAME` begins one",
        );
    }
    let unread = |address: &str| {
        let of = conversations.iter().find(|conversation| conversation.with == address);
        match of.map_or(0, |conversation| conversation.unread) {
            0 => String::new(),
            count => format!("  {count} unread"),
        }
    };
    for Contact { name, address } in &contacts {
        let address = address.as_deref().unwrap_or_default();
        output::print(format!("{:<20} {address}{}", plain(name), unread(address)));
    }
    for conversation in conversations.iter().filter(|conversation| conversation.name.is_none()) {
        output::print(format!("{:<20} {}{}", "-", conversation.with, unread(&conversation.with)));
    }
    Ok(())
}
