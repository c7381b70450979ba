//! Conversations over a whole net.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use mixbed_client::Client;
use mixbed_client::letters::chat::{
    Chat, ChatError, ChatOptions, Delivery, Direction, Message, NoAnswer, Peer, Receipts,
    SendOptions,
};
use mixbed_client::letters::{MailboxError, MailboxOptions};
use mixbed_directory::Parameters;
use mixbed_localnet::{LocalNet, LocalNetConfig, Shape};
use mixbed_telemetry::{Options, Telemetry};
use mixbed_wire::MailboxSecret;
use mixbed_wire::letter::{Enclosed, LetterId, MAX_ANSWER_TEXT, SealedLetter, Sender};

use crate::rig::{SOON, client};

struct World {
    net: LocalNet,
    telemetry: Telemetry,
    state: tempfile::TempDir,
}

/// One of two who talk.
struct Person {
    client: Client,
    chat: Chat,
    /// What was told of until now.
    version: u64,
}

impl World {
    async fn new(epoch_length: Duration) -> Self {
        let telemetry = Telemetry::new(&Options::default()).expect("telemetry");
        let state = tempfile::tempdir().expect("a directory");
        let config = LocalNetConfig {
            shape: Shape { gateways: 2, mixes_per_layer: 1, providers: 1 },
            parameters: Parameters {
                mean_hop_delay: Duration::from_millis(2),
                epoch_length,
                ..Parameters::default()
            },
            telemetry: telemetry.clone(),
            ..LocalNetConfig::default()
        };
        let net = LocalNet::start(config).await.expect("a net");
        net.wait_ready(SOON).await.expect("a whole net");
        Self { net, telemetry, state }
    }

    async fn usual() -> Self {
        Self::new(Duration::from_secs(600)).await
    }

    fn options(who: u8, keep_in: Option<PathBuf>) -> ChatOptions {
        let mailbox = MailboxOptions {
            key: MailboxSecret::from_bytes([who; 32]),
            gateway: Some("gateway-1".to_owned()),
            keep_in,
            interval: Duration::from_millis(50),
        };
        ChatOptions { mailbox, receipt_delay: Duration::ZERO, ..ChatOptions::default() }
    }

    async fn person(&self, who: u8) -> Person {
        self.person_with(Self::options(who, None)).await
    }

    async fn person_with(&self, options: ChatOptions) -> Person {
        let client = client(&self.net, &self.telemetry, Some("gateway-0"));
        client.wait_ready(SOON).await.expect("ready");
        let chat = Chat::open(client.clone(), options).await.expect("open");
        Person { version: chat.version(), client, chat }
    }
}

impl Person {
    async fn peer(&self) -> Peer {
        Peer::Address(self.chat.address().await.expect("open"))
    }

    /// Waits for the change that is wanted; earlier ones pass.
    async fn sees(&mut self, what: &str, wanted: impl Fn(&Message) -> bool) -> Message {
        let mut seen = Vec::new();
        let waiting = async {
            loop {
                let told = self.chat.changes(self.version, SOON).await;
                let (changed, version) = told.expect("asked");
                self.version = version;
                if let Some(found) = changed.iter().find(|message| wanted(message)) {
                    return found.clone();
                }
                seen.extend(changed);
            }
        };
        let found = tokio::time::timeout(2 * SOON, waiting).await;
        found.unwrap_or_else(|_| panic!("not seen: {what}, but {seen:#?}"))
    }

    async fn knows(&self, name: &str, peer: &Peer) {
        let Peer::Address(address) = peer else { panic!("{peer} has no address") };
        let name = name.parse().expect("a name");
        self.chat.set_contact(name, Some(*address)).await.expect("written");
    }

    async fn hears(&mut self, text: &str) -> Message {
        let is_it = |message: &Message| message.is_unread() && message.text == text.as_bytes();
        self.sees(text, is_it).await
    }

    async fn sees_delivered(&mut self, sent: &Message) {
        let no = sent.no;
        let is_it = |message: &Message| {
            message.no == no && matches!(message.delivery(), Some(Delivery::Delivered { .. }))
        };
        self.sees("delivered", is_it).await;
    }
}

fn plain() -> SendOptions {
    SendOptions { limit: SOON, ..SendOptions::default() }
}

fn unnamed(replies: usize) -> SendOptions {
    SendOptions { limit: SOON, ..SendOptions::unnamed(replies) }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_talk_and_see_what_was_delivered() {
    let world = World::usual().await;
    let (mut alice, mut bob) = (world.person(1).await, world.person(2).await);
    let to_bob = bob.peer().await;
    bob.knows("alice", &alice.peer().await).await;
    alice.knows("bob", &to_bob).await;

    // Bob's client is not listening: his mailbox keeps it.
    let sent = alice.chat.send_to(&to_bob, b"hello bob", &plain()).await.expect("sealed");
    assert_eq!(sent.delivery(), Some(&Delivery::Sending));
    let kept = alice.chat.settled(&sent).await.expect("told");
    let Some(Delivery::Kept { gateway, lasting }) = kept.delivery() else { panic!("{kept:?}") };
    assert_eq!((gateway.as_str(), lasting.as_secs()), ("gateway-1", 7 * 24 * 3600));

    let heard = bob.hears("hello bob").await;
    assert_eq!(heard.peer, alice.peer().await, "the sender's address is proven");
    assert_eq!(heard.letter, sent.letter);
    alice.sees_delivered(&sent).await;

    let answer = bob.chat.answer(&heard.letter, b"hello alice", &plain()).await.expect("sealed");
    alice.hears("hello alice").await;
    bob.sees_delivered(&answer).await;

    // Several at once keep their order.
    for n in 0..8 {
        let text = format!("line {n}");
        alice.chat.send_to(&to_bob, text.as_bytes(), &plain()).await.expect("sealed");
    }
    bob.hears("line 7").await;
    let lines: Vec<_> = bob.chat.last(Some(&heard.peer), 8);
    let texts: Vec<_> = lines.iter().map(|line| String::from_utf8_lossy(&line.text)).collect();
    assert_eq!(texts, (0..8).map(|n| format!("line {n}")).collect::<Vec<_>>());
    world.net.stop(Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_not_told_that_somebody_is_there() {
    let world = World::usual().await;
    let (mut stranger, mut friend) = (world.person(1).await, world.person(2).await);
    let mut bob = world.person(3).await;
    let to_bob = bob.peer().await;
    bob.knows("friend", &friend.peer().await).await;
    let asked = stranger.chat.send_to(&to_bob, b"are you there?", &plain()).await.expect("sealed");
    let heard = bob.hears("are you there?").await;
    let sent = friend.chat.send_to(&to_bob, b"hello", &plain()).await.expect("sealed");
    bob.hears("hello").await;
    friend.sees_delivered(&sent).await;
    // What Bob's client sent to the stranger is there when what it sends later is.
    bob.chat.answer(&heard.letter, b"who are you?", &plain()).await.expect("sealed");
    stranger.hears("who are you?").await;
    let told = stranger.chat.message(&asked.letter).expect("there");
    assert!(matches!(told.delivery(), Some(Delivery::Kept { .. })), "{told:?}");
    world.net.stop(Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_without_a_name_is_answered_and_nobody_learns_whose_it_is() {
    let world = World::usual().await;
    let options = ChatOptions { receipts: Receipts::Everybody, ..World::options(2, None) };
    let (mut alice, mut bob) = (world.person(1).await, world.person_with(options).await);
    let to_bob = bob.peer().await;
    let options = SendOptions { receipt: true, ..unnamed(2) };
    let sent = alice.chat.send_to(&to_bob, b"who am I?", &options).await.expect("sealed");
    let Direction::Sent { unnamed: true, answerable_until: Some(until), .. } = sent.direction
    else {
        panic!("{sent:?}");
    };
    assert!(until > SystemTime::now() + Duration::from_secs(500), "an epoch and its grace");

    let heard = bob.hears("who am I?").await;
    assert!(matches!(heard.peer, Peer::Unnamed(_)), "{heard:?}");
    // A receipt was asked for: it comes by a reply block of its own.
    alice.sees_delivered(&sent).await;
    assert_eq!(bob.chat.answers_left(&heard.peer).map(|(left, _)| left), Some(2));

    let longest = vec![b'x'; MAX_ANSWER_TEXT];
    let answer = bob.chat.answer(&heard.letter, &longest, &plain()).await.expect("sealed");
    let came = alice.hears(std::str::from_utf8(&longest).expect("text")).await;
    assert_eq!((came.peer, came.answers), (to_bob, Some(sent.letter)));
    bob.sees_delivered(&answer).await;

    let too_long = vec![b'x'; MAX_ANSWER_TEXT + 1];
    let error = bob.chat.answer(&heard.letter, &too_long, &plain()).await.expect_err("too long");
    assert!(matches!(error, ChatError::Mailbox(MailboxError::Letter(_))), "{error}");
    bob.chat.answer(&heard.letter, b"the last", &plain()).await.expect("one is left");
    alice.hears("the last").await;
    let error = bob.chat.answer(&heard.letter, b"one more", &plain()).await.expect_err("used up");
    assert!(matches!(error, ChatError::NoAnswer(_, NoAnswer::UsedUp)), "{error}");

    // Letters of one session are one conversation; others are not.
    let thread = Some(MailboxSecret::from_bytes([7; 32]));
    let options = SendOptions { thread, ..unnamed(1) };
    for text in ["one", "two"] {
        alice.chat.send_to(&to_bob, text.as_bytes(), &options).await.expect("sealed");
    }
    let (one, two) = (bob.hears("one").await, bob.hears("two").await);
    assert!(one.peer == two.peer && one.peer != heard.peer);
    alice.chat.send_to(&to_bob, b"silent", &unnamed(0)).await.expect("sealed");
    let silent = bob.hears("silent").await;
    let error = bob.chat.answer(&silent.letter, b"?", &plain()).await.expect_err("no way");
    assert!(matches!(error, ChatError::NoAnswer(_, NoAnswer::NotOffered)), "{error}");
    world.net.stop(Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reply_blocks_end_with_their_keys() {
    let world = World::new(Duration::from_secs(1)).await;
    let (alice, mut bob) = (world.person(1).await, world.person(2).await);
    let to_bob = bob.peer().await;
    alice.chat.send_to(&to_bob, b"be quick", &unnamed(3)).await.expect("sealed");
    let heard = bob.hears("be quick").await;
    let Direction::Received { offer: Some(offer), .. } = &heard.direction else {
        panic!("{heard:?}");
    };
    let left = offer.good_until.duration_since(SystemTime::now()).unwrap_or_default();
    assert!(left < Duration::from_secs(4), "an epoch of 1 s and three of grace, not {left:?}");
    while bob.chat.answers_left(&heard.peer).is_some() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let error = bob.chat.answer(&heard.letter, b"late", &plain()).await.expect_err("too late");
    assert!(matches!(error, ChatError::NoAnswer(_, NoAnswer::Expired { .. })), "{error}");
    assert!(error.to_string().contains("were good until"), "{error}");
    world.net.stop(Duration::from_secs(1)).await;
}

/// An answer is sent on, and its receiver is gone: nothing says that it arrived.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_somebody_who_is_away_is_not_delivered() {
    let world = World::usual().await;
    let (alice, mut bob) = (world.person(1).await, world.person(2).await);
    let to_bob = bob.peer().await;
    alice.chat.send_to(&to_bob, b"goodbye", &unnamed(1)).await.expect("sealed");
    let heard = bob.hears("goodbye").await;
    alice.client.stop().await;
    let answer = bob.chat.answer(&heard.letter, b"wait", &plain()).await.expect("sealed");
    let settled = bob.chat.settled(&answer).await.expect("told");
    assert!(matches!(settled.delivery(), Some(Delivery::SentOn { .. })), "{settled:?}");
    world.net.stop(Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_receipts_change_nothing() {
    let world = World::usual().await;
    let (mut alice, mut bob) = (world.person(1).await, world.person(2).await);
    let Peer::Address(alices) = alice.peer().await else { panic!("no address") };
    let options = SendOptions { receipt: false, ..plain() };
    let sent = alice.chat.send_to(&bob.peer().await, b"no receipt", &options).await;
    let sent = sent.expect("sealed");
    bob.hears("no receipt").await;

    // Eve knows the letter's id, and even who it was for.
    let eve = MailboxSecret::from_bytes([9; 32]);
    for (from, receipt_for) in
        [(1, sent.letter), (2, sent.letter), (3, LetterId::from_bytes([1; 16]))]
    {
        let enclosed = Enclosed { receipt_for: Some(receipt_for), ..Enclosed::default() };
        let sender = match from {
            1 => Sender::Unnamed,
            _ => Sender::Named { key: &eve, gateway: alices.gateway },
        };
        let letter = SealedLetter::seal_with(
            "local",
            &alices.key,
            sender,
            SystemTime::now(),
            b"",
            &enclosed,
            &mut rand::rng(),
        );
        bob.client.post(&alices, &letter.expect("fits"), SOON).await.expect("kept");
    }
    // A later letter of Bob's comes after them.
    bob.chat.send(&alices, b"last", &plain()).await.expect("sealed");
    alice.hears("last").await;
    let now = alice.chat.message(&sent.letter).expect("there");
    assert!(matches!(now.delivery(), Some(Delivery::Kept { .. })), "{now:?}");
    world.net.stop(Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_are_there_after_a_restart_and_each_letter_is_read_once() {
    let world = World::usual().await;
    let alice = world.person(1).await;
    let options = World::options(2, Some(world.state.path().join("bob")));
    let bob = world.person_with(options.clone()).await;
    let to_bob = bob.peer().await;
    for text in ["one", "two"] {
        alice.chat.send_to(&to_bob, text.as_bytes(), &plain()).await.expect("sealed");
    }
    let first = bob.chat.next_unread(SOON).await.expect("asked").expect("one");
    assert_eq!(first.text, b"one");
    let second = bob.chat.next_unread(SOON).await.expect("asked").expect("another one");
    assert_eq!(second.text, b"two", "the first one is in a reader's hands");
    bob.chat.mark_read(first.no).await.expect("written");
    let name = "alice".parse().expect("a name");
    let Peer::Address(alices) = first.peer else { panic!("{first:?}") };
    bob.chat.set_contact(name, Some(alices)).await.expect("written");
    bob.client.stop().await;
    drop(bob);

    // Its file is let go of when the last task that uses it has ended.
    let opening = async {
        loop {
            let client = client(&world.net, &world.telemetry, Some("gateway-0"));
            match Chat::open(client.clone(), options.clone()).await {
                Ok(chat) => return Person { version: chat.version(), client, chat },
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    let bob = tokio::time::timeout(SOON, opening).await.expect("open again");
    assert_eq!(bob.chat.find("alice"), Some(first.peer));
    assert_eq!(bob.chat.last(Some(&first.peer), 10).len(), 2);
    let again = bob.chat.next_unread(SOON).await.expect("asked").expect("it was not read");
    assert_eq!(again.letter, second.letter);
    bob.chat.mark_read(again.no).await.expect("written");
    let more = bob.chat.next_unread(Duration::from_millis(300)).await.expect("asked");
    assert_eq!(more, None, "each once");
    assert_eq!(bob.chat.forget(None).await.expect("written"), 2);
    assert_eq!(bob.chat.last(None, 10), []);
    world.net.stop(Duration::from_secs(1)).await;
}
