//! One conversation: what is typed goes out, what comes is shown.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant, SystemTime};

use tokio_util::sync::CancellationToken;

use super::input::{self, Line};
use super::view;
use crate::control::{
    Contact, ControlClient, ControlError, LetterQuery, MessageReply, MessagesQuery, Until,
};
use crate::failure::Failure;
use crate::output;

/// How long one question for changes waits.
const QUESTION: Duration = Duration::from_secs(20);

/// The pause after a question that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// More than a message's own deadline: there is no word any more of one that was forgotten elsewhere.
const MARGIN: Duration = Duration::from_secs(10);

const HELP: &str = "\
      each line you type is a message; //… for one that begins with a slash
      (3) sending            your message number 3 is on its way
      (3) at the mailbox     the receiver's gateway keeps it
      (3) sent on            an answer without an address was sent on: nothing keeps it
      (3) delivered          the receiver's client has it, and says so
      /name NAME   give this address a name
      /forget      forget this conversation, here and on the disk
      /quit        leave; so do Ctrl-C and Ctrl-D";

/// How one talks.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    /// Whether the receiver learns one's address.
    pub(crate) named: bool,
    /// How often each message without a name can be answered.
    pub(crate) replies: usize,
    /// When a message is given up.
    pub(crate) deadline: Duration,
    /// Lines of JSON in place of words.
    pub(crate) json: bool,
    /// How many messages of before are shown.
    pub(crate) last: usize,
}

/// A conversation in use.
pub(crate) struct Talk {
    client: ControlClient,
    manner: Manner,
    /// An address, or `anonymous-` and digits.
    with: String,
    /// Messages without a name show that they are from the same one.
    thread: Option<String>,
    version: u64,
    /// What was shown of each message that was written here: the state's words.
    shown: HashMap<u64, Option<String>>,
    /// Those that were sent from here and are on their way, and until when there is word of them.
    under_way: HashMap<u64, Instant>,
    /// Whether what is typed can be seen.
    echoed: bool,
    /// Whether something that was typed did not arrive anywhere.
    failed: bool,
}

impl Talk {
    /// Shows what was said before.
    pub(crate) async fn begin(
        client: ControlClient,
        who: &str,
        manner: Manner,
    ) -> Result<Self, Failure> {
        let query = MessagesQuery { with: Some(who.to_owned()), last: Some(manner.last) };
        let before = client.messages(&query).await.map_err(Failure::failed)?;
        let with = before.with.unwrap_or_else(|| who.to_owned());
        let thread = (!manner.named).then(|| hex::encode(rand::random::<[u8; 32]>()));
        let echoed = std::io::stdin().is_terminal();
        let version = before.version;
        let mut talk = Self {
            client,
            manner,
            with,
            thread,
            version,
            shown: HashMap::new(),
            under_way: HashMap::new(),
            echoed,
            failed: false,
        };
        if !talk.manner.json {
            let how = if talk.manner.named { "" } else { ", without a name" };
            output::say(format!(
                "talking with {}{how}; times are UTC; /help says more",
                super::plain(who),
            ));
        }
        for message in before.messages {
            talk.show_whole(&message).await?;
        }
        Ok(talk)
    }

    /// Until the input ends and all that was typed has arrived somewhere, or until it is stopped.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<(), Failure> {
        let mut lines = input::lines();
        let mut open = true;
        loop {
            self.give_up();
            if !open && self.under_way.is_empty() {
                return if self.failed { Err(Failure::Told) } else { Ok(()) };
            }
            let (client, since, wait) = (self.client.clone(), self.version, self.patience());
            let changes = async {
                let changes = client.changes(since, wait).await;
                if changes.is_err() {
                    tokio::time::sleep(PAUSE).await;
                }
                changes
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                line = lines.recv(), if open => match line {
                    Some(Line::Quit) => return Ok(()),
                    Some(line) => tokio::select! {
                        () = stop.cancelled() => return Ok(()),
                        acted = self.act(line) => acted?,
                    },
                    None => open = false,
                },
                changes = changes => match changes {
                    Ok(changes) => {
                        self.version = changes.version;
                        for message in changes.messages {
                            self.show(&message).await?;
                        }
                    }
                    // It may pass: the network is away, say.
                    Err(error @ (ControlError::Refused(_) | ControlError::Busy { .. })) => {
                        output::complain(&error.to_string());
                    }
                    Err(error) => return Err(Failure::failed(error)),
                },
            }
        }
    }

    /// How long a question for changes may wait now.
    fn patience(&self) -> Duration {
        let next = self.under_way.values().min();
        next.map_or(QUESTION, |end| QUESTION.min(end.saturating_duration_since(Instant::now())))
    }

    /// Waits no more for word of messages that there would long have been word of.
    fn give_up(&mut self) {
        let now = Instant::now();
        for (no, _) in self.under_way.extract_if(|_, end| *end <= now) {
            output::complain(&format!(
                "({no}) no word of it any more: was it forgotten elsewhere?"
            ));
            self.failed = true;
        }
    }

    async fn act(&mut self, line: Line) -> Result<(), Failure> {
        match line {
            Line::Text(text) => self.send(text).await,
            Line::TooLong => {
                output::complain("this line is longer than a letter may be: it is not sent");
                self.failed = true;
                Ok(())
            }
            Line::Help => {
                output::say(HELP);
                Ok(())
            }
            Line::Unknown(command) => {
                let command = super::plain(&command);
                output::complain(&format!("there is no /{command}: /help says what there is"));
                Ok(())
            }
            Line::Forget => {
                let count = self.client.forget(Some(&self.with)).await.map_err(Failure::failed)?;
                self.under_way.clear();
                self.shown.clear();
                output::say(format!("      {count} messages are forgotten"));
                Ok(())
            }
            Line::Name(name) => {
                let contact = Contact { name, address: Some(self.with.clone()) };
                match self.client.set_contact(&contact).await {
                    Ok(()) => output::say(format!("      now called {}", contact.name)),
                    Err(error) => output::complain(&error.to_string()),
                }
                Ok(())
            }
            Line::Quit => Ok(()),
        }
    }

    async fn send(&mut self, text: String) -> Result<(), Failure> {
        let Manner { named, replies, deadline, .. } = self.manner;
        let query = LetterQuery {
            to: Some(self.with.clone()),
            named,
            replies: (!named).then_some(replies),
            thread: self.thread.clone(),
            deadline_ms: u64::try_from(deadline.as_millis()).ok(),
            until: Until::Begun,
            ..LetterQuery::default()
        };
        match self.client.send_letter(text.into_bytes(), &query).await {
            Ok(posted) => {
                // Changes tell the rest.
                self.under_way.insert(posted.no, Instant::now() + deadline + MARGIN);
                if self.echoed {
                    self.shown.insert(posted.no, None);
                }
                Ok(())
            }
            Err(error @ ControlError::Refused(_)) => {
                output::complain(&format!("not sent: {error}"));
                self.failed = true;
                Ok(())
            }
            Err(error) => Err(Failure::failed(error)),
        }
    }

    async fn show(&mut self, message: &MessageReply) -> Result<(), Failure> {
        if message.state.as_deref() != Some("sending")
            && self.under_way.remove(&message.no).is_some()
        {
            self.failed |= message.state.as_deref() == Some("failed");
        }
        if message.with != self.with || (message.received && !message.unread) {
            return Ok(());
        }
        if message.received || !self.shown.contains_key(&message.no) || self.manner.json {
            return self.show_whole(message).await;
        }
        if self.shown.insert(message.no, message.words.clone()) != Some(message.words.clone()) {
            output::print(view::delivery(message));
            if message.state.as_deref() == Some("kept")
                && let Some(until) = view::answerable(message, SystemTime::now())
            {
                output::print(until);
            }
        }
        Ok(())
    }

    /// Shows a message with its text; it is read then.
    async fn show_whole(&mut self, message: &MessageReply) -> Result<(), Failure> {
        if self.manner.json {
            output::print_json(message);
        } else {
            output::print(view::message(message));
            if message.unread
                && let Some(until) = view::answerable(message, SystemTime::now())
            {
                output::print(until);
            }
        }
        self.shown.insert(message.no, message.words.clone());
        if message.unread {
            self.client.accept(&message.letter).await.map_err(Failure::failed)?;
        }
        Ok(())
    }
}
