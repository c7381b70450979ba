//! A bot that answers each letter with its own words, whether it came with a name or without one:
//!
//! ```text
//! cargo run -p mixbed-client --example chat_bot -- DIRECTORY_URL NETWORK AUTHORITY_KEY [STATE_DIRECTORY]
//! mixbed chat ADDRESS            # what it prints, in another client
//! ```
//!
//! A network to try it on is `mixbed up`, which says where its directory is and its key (`--json`), and
//! is called `local`. With a state directory the bot keeps its
//! address and its conversations; nothing is answered twice.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mixbed_client::letters::MailboxOptions;
use mixbed_client::letters::chat::{Chat, ChatOptions, SendOptions};
use mixbed_client::{Client, ClientConfig};
use mixbed_directory::{Follower, FollowerConfig, Trust};
use mixbed_wire::MailboxSecret;

/// How long to wait for a letter before asking again.
const QUESTION: Duration = Duration::from_secs(60);

const USAGE: &str = "usage: chat_bot DIRECTORY_URL NETWORK AUTHORITY_KEY [STATE_DIRECTORY]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(url), Some(network), Some(key)) = (args.next(), args.next(), args.next()) else {
        return Err(USAGE.into());
    };
    let state = args.next().map(PathBuf::from);
    let trust = Trust::single(&network, key.parse()?);
    let directory = Follower::start(FollowerConfig::new(url, trust))?;
    let client = Client::connect(ClientConfig::new(directory));

    let mut mailbox = MailboxOptions { keep_in: state.clone(), ..MailboxOptions::default() };
    if let Some(state) = &state {
        mailbox.key = kept_key(state)?;
    }
    let chat = Chat::open(client, ChatOptions { mailbox, ..ChatOptions::default() }).await?;
    println!("{}", chat.address().await?);

    loop {
        // Only what does not pass by itself, and a network that is silent, end up here.
        let letter = match chat.next_unread(QUESTION).await {
            Ok(Some(letter)) => letter,
            Ok(None) => continue,
            Err(error) => {
                eprintln!("{error}");
                tokio::time::sleep(Duration::from_secs(5)).await;
                continue;
            }
        };
        let text = String::from_utf8_lossy(&letter.text);
        let text: String = text.chars().filter(|c| !c.is_control()).take(500).collect();
        let words = format!("you said: {text}");
        // Named, if they have an address; else by one of the reply blocks that they sent along.
        match chat.answer(&letter.letter, words.as_bytes(), &SendOptions::default()).await {
            Ok(sent) => {
                if let Some(delivery) = chat.settled(&sent).await?.delivery() {
                    eprintln!("{}: {delivery}", letter.peer);
                }
            }
            // They gave no way to be answered, or it is over.
            Err(error) => eprintln!("{}: {error}", letter.peer),
        }
        chat.mark_read(letter.no).await?;
    }
}

/// The bot's mailbox key: whoever has the file reads its letters.
fn kept_key(state: &Path) -> Result<MailboxSecret, Box<dyn Error>> {
    use std::io::{ErrorKind, Write as _};
    use std::os::unix::fs::OpenOptionsExt as _;

    std::fs::create_dir_all(state)?;
    let path = state.join("bot.key");
    match std::fs::read(&path) {
        Ok(bytes) => Ok(MailboxSecret::from_bytes(bytes.as_slice().try_into()?)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key = MailboxSecret::generate(&mut rand::rng());
            let mut options = std::fs::OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(key.to_bytes().as_slice())?;
            Ok(key)
        }
        Err(error) => Err(error.into()),
    }
}
