//! Letters from user to user, over a whole net.

use std::time::Duration;

use mixbed_client::letters::{Mailbox, MailboxError, MailboxOptions};
use mixbed_client::{Client, RequestError, RequestOptions};
use mixbed_directory::{ImpairmentRule, Parameters};
use mixbed_localnet::{LocalNet, LocalNetConfig, Shape};
use mixbed_node::mailbox::MailboxBounds;
use mixbed_telemetry::{Options, Telemetry};
use mixbed_wire::letter::{LETTER_SIZES, MailboxAddress, SealedLetter, Sender};
use mixbed_wire::message::{Collect, MAILBOX_SERVICE, MailboxAnswer, MailboxRequest};
use mixbed_wire::{DropReason, Impairment, LinkSecret, MailboxSecret};

use crate::rig::{SOON, client};

struct World {
    net: LocalNet,
    telemetry: Telemetry,
    state: tempfile::TempDir,
}

impl World {
    async fn new(gateways: usize, mailboxes: Option<MailboxBounds>) -> Self {
        let telemetry = Telemetry::new(&Options::default()).expect("telemetry");
        let state = tempfile::tempdir().expect("a directory");
        let config = LocalNetConfig {
            shape: Shape { gateways, mixes_per_layer: 1, providers: 1 },
            parameters: Parameters {
                mean_hop_delay: Duration::from_millis(2),
                ..Parameters::default()
            },
            state_dir: Some(state.path().join("net")),
            mailboxes,
            telemetry: telemetry.clone(),
            ..LocalNetConfig::default()
        };
        let net = LocalNet::start(config).await.expect("a net");
        net.wait_ready(SOON).await.expect("a whole net");
        Self { net, telemetry, state }
    }

    async fn client(&self, gateway: &str) -> Client {
        let client = client(&self.net, &self.telemetry, Some(gateway));
        client.wait_ready(SOON).await.expect("ready");
        client
    }

    /// What somebody opens their mailbox with, at the last gateway.
    fn options(&self, who: u8) -> MailboxOptions {
        MailboxOptions {
            key: MailboxSecret::from_bytes([who; 32]),
            gateway: Some(self.last_gateway()),
            keep_in: Some(self.state.path().join(who.to_string())),
            interval: Duration::from_millis(50),
        }
    }

    fn last_gateway(&self) -> String {
        let names = self.net.nodes().keys().rfind(|name| name.starts_with("gateway"));
        names.expect("there is one").clone()
    }

    async fn restart(&mut self, name: &str) {
        self.net.stop_node(name, Duration::ZERO).await;
        self.net.start_node(name).await.expect("started");
    }

    /// Waits until the gateways keep so many letters.
    async fn kept(&self, count: u64) {
        let of = |text: &str| -> u64 {
            let lines = text.lines().filter(|line| line.starts_with("mixbed_mailbox_letters{"));
            lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
        };
        let wait = async {
            while of(&self.telemetry.metrics_text()) != count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let found = tokio::time::timeout(SOON, wait).await;
        found.unwrap_or_else(|_| panic!("{}", self.telemetry.metrics_text()));
    }

    /// Every packet of every node is accounted for.
    async fn stop(self, clients: &[&Client]) {
        for client in clients {
            client.stop().await;
        }
        let wait = async {
            while !self.net.books().at_rest() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let rest = tokio::time::timeout(SOON, wait).await;
        rest.unwrap_or_else(|_| panic!("the books do not close: {:?}", self.net.books()));
        self.net.stop(Duration::from_secs(1)).await;
    }
}

async fn open(client: &Client, options: MailboxOptions) -> Mailbox {
    client.open_mailbox(options, SOON).await.expect("open")
}

/// Takes so many letters, and then sees to it that there are no others.
async fn take(world: &World, mailbox: &mut Mailbox, count: usize) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    for _ in 0..count {
        let letter = mailbox.receive(2 * SOON).await.expect("asked").expect("waiting");
        mailbox.accept(letter.id).await.expect("written");
        texts.push(letter.text);
    }
    nothing_more(world, mailbox).await;
    texts.sort();
    texts
}

/// Asks until the gateways keep nothing, and gets nothing.
async fn nothing_more(world: &World, mailbox: &mut Mailbox) {
    tokio::select! {
        more = mailbox.receive(2 * SOON) => panic!("{more:?}"),
        () = world.kept(0) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_wait_for_their_receiver_and_come_exactly_once() {
    let mut world = World::new(2, None).await;
    let alice = world.client("gateway-0").await;
    let bob = world.client("gateway-0").await;
    let address = open(&bob, world.options(2)).await.address();
    bob.stop().await;

    // Bob is away. Alice sends a short one, one in her own name, and a long one.
    let alices = open(&alice, world.options(1)).await;
    let posted = alice.send_letter(&address, b"short", SOON).await.expect("kept");
    assert_eq!(posted.gateway, "gateway-1");
    assert!(posted.lasting > Duration::from_secs(6 * 24 * 3600));
    alices.send_letter(&address, b"from alice", SOON).await.expect("kept");
    let long = vec![b'z'; 30_000];
    alice.send_letter(&address, &long, 2 * SOON).await.expect("kept");
    world.kept(3).await;

    // His gateway crashes; another letter is on its way meanwhile, and put in twice at that.
    world.net.stop_node("gateway-1", Duration::ZERO).await;
    let letter = SealedLetter::seal(
        "local",
        &address.key,
        Sender::Unnamed,
        std::time::SystemTime::now(),
        b"late",
        &mut rand::rng(),
    )
    .expect("fits");
    let sending = {
        let (alice, letter) = (alice.clone(), letter.clone());
        tokio::spawn(async move { alice.post(&address, &letter, 3 * SOON).await })
    };
    world.net.start_node("gateway-1").await.expect("started");
    sending.await.expect("no panic").expect("kept after all");
    alice.post(&address, &letter, SOON).await.expect("kept already");
    world.kept(4).await;

    // Bob is back, takes one and ends before he tells anybody; then all others.
    let bob = world.client("gateway-0").await;
    let mut mailbox = open(&bob, world.options(2)).await;
    assert_eq!(mailbox.address(), address);
    let first = mailbox.receive(SOON).await.expect("asked").expect("waiting");
    assert_eq!((first.text.as_slice(), first.from), (&b"short"[..], None));
    mailbox.accept(first.id).await.expect("written");
    let second = mailbox.receive(SOON).await.expect("asked").expect("waiting");
    assert_eq!((second.text.as_slice(), second.from), (&b"from alice"[..], Some(alices.address())));
    drop(mailbox);
    bob.stop().await;
    world.kept(4).await;

    let bob = world.client("gateway-0").await;
    let mut mailbox = open(&bob, world.options(2)).await;
    let texts = take(&world, &mut mailbox, 3).await;
    assert_eq!(texts, [b"from alice".to_vec(), b"late".to_vec(), long], "the first not again");
    drop(mailbox);

    // Nothing comes again, whoever is restarted.
    world.restart("gateway-1").await;
    let mut mailbox = open(&bob, world.options(2)).await;
    alice.post(&address, &letter, SOON).await.expect("taken for a new one by the gateway");
    world.kept(1).await;
    nothing_more(&world, &mut mailbox).await;
    assert_eq!(mailbox.discarded(), 0, "it was known");
    drop(mailbox);
    world.stop(&[&alice, &bob]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_lose_packets_lose_no_letter_and_double_none() {
    let world = World::new(2, None).await;
    let alice = world.client("gateway-0").await;
    let bob = world.client("gateway-0").await;
    let mut mailbox = open(&bob, world.options(2)).await;
    let address = mailbox.address();
    // Of ten hops there and back: two of five questions or their answers are lost.
    let loss = Impairment { loss: 0.05, ..Impairment::NONE };
    world.net.impair(vec![ImpairmentRule::everywhere(loss)]).await.expect("impaired");

    let sending: Vec<_> = (0..10_u8)
        .map(|n| {
            let (alice, text) = (alice.clone(), vec![n; 1 + 700 * usize::from(n)]);
            tokio::spawn(async move { alice.send_letter(&address, &text, 6 * SOON).await })
        })
        .collect();
    let mut got = Vec::new();
    while got.len() < 10 {
        if got.len() == 5 {
            // In the middle of it, he begins anew.
            drop(mailbox);
            mailbox = bob.open_mailbox(world.options(2), 6 * SOON).await.expect("open");
        }
        let letter = mailbox.receive(6 * SOON).await.expect("asked").expect("on its way");
        mailbox.accept(letter.id).await.expect("written");
        got.push(letter.text[0]);
    }
    for letter in sending {
        letter.await.expect("no panic").expect("kept");
    }
    got.sort_unstable();
    assert_eq!(got, (0..10).collect::<Vec<_>>());
    assert!(world.net.books().dropped(DropReason::Impaired) > 0);
    world.net.impair(Vec::new()).await.expect("healed");
    nothing_more(&world, &mut mailbox).await;
    drop(mailbox);
    world.stop(&[&alice, &bob]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_may_be_at_the_clients_own_gateway() {
    let world = World::new(1, None).await;
    let alice = world.client("gateway-0").await;
    let mut mailbox = open(&alice, world.options(1)).await;
    let address: MailboxAddress = mailbox.address().to_string().parse().expect("its own text");
    for n in 0..12_u8 {
        mailbox.send_letter(&address, &[n], SOON).await.expect("kept");
    }
    let letter = mailbox.receive(SOON).await.expect("asked").expect("waiting");
    mailbox.accept(letter.id).await.expect("written");
    mailbox.confirm(SOON).await.expect("told");
    world.kept(11).await;
    let texts = take(&world, &mut mailbox, 11).await;
    assert_eq!(letter.text, [0], "oldest first");
    assert_eq!(texts, (1..12).map(|n| vec![n]).collect::<Vec<_>>());
    drop(mailbox);
    world.stop(&[&alice]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_can_read_or_take_letters() {
    let world = World::new(1, None).await;
    let mallory = world.client("gateway-0").await;
    let mut bobs = open(&mallory, world.options(2)).await;
    let posted = mallory.send_letter(&bobs.address(), b"for bob", SOON).await.expect("kept");

    let options =
        RequestOptions { provider: Some("gateway-0".to_owned()), ..RequestOptions::default() };
    let document = mallory.directory().current().expect("there is one");
    let gateway = document.by_name("gateway-0").expect("there is one");
    let ask = async |payload: Vec<u8>| {
        mallory.request_with(MAILBOX_SERVICE, &payload, &options).await.map(|answer| answer.data)
    };
    // Mallory's own key proves Mallory's mailbox only.
    let command = Collect { room: u32::MAX, taken: vec![posted.letter], held: Vec::new() };
    let own = MailboxSecret::from_bytes([66; 32]);
    let sealed = command.seal("local", &own, &gateway.link_key).expect("sealed");
    let answer = ask(MailboxRequest::Collect { sealed: &sealed }.encode()).await.expect("answered");
    match MailboxAnswer::decode(&answer).expect("an answer") {
        MailboxAnswer::Letters { letters, waiting: 0, .. } => assert_eq!(letters, []),
        other => panic!("{other:?}"),
    }
    // What is not sealed to the gateway, or by nobody, is refused, and so is what is no request.
    let elsewhere = LinkSecret::from_bytes([7; 32]).public();
    let misdirected = command.seal("local", &own, &elsewhere).expect("sealed");
    for payload in [
        MailboxRequest::Collect { sealed: &misdirected }.encode(),
        MailboxRequest::Collect { sealed: &vec![9; sealed.len()] }.encode(),
        vec![9; 100],
        Vec::new(),
    ] {
        let refused = ask(payload).await.expect_err("refused");
        assert!(matches!(refused, RequestError::Refused { .. }), "{refused}");
    }
    world.kept(1).await;
    assert_eq!(take(&world, &mut bobs, 1).await, [b"for bob".to_vec()]);
    drop(bobs);
    world.stop(&[&mallory]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_fills_its_mailbox_and_others_are_served() {
    let bounds = MailboxBounds {
        mailboxes: 2,
        letters: 8,
        bytes: 8 * LETTER_SIZES[0],
        ..MailboxBounds::on_disk()
    };
    let world = World::new(1, Some(bounds)).await;
    let mallory = world.client("gateway-0").await;
    let bob = world.client("gateway-0").await;
    let alices = open(&mallory, world.options(1)).await;
    let mut bobs = open(&bob, world.options(2)).await;

    let flood: Vec<_> = (0..40_u8)
        .map(|n| {
            let (mallory, to) = (mallory.clone(), alices.address());
            tokio::spawn(async move { mallory.send_letter(&to, &[n], 2 * SOON).await })
        })
        .collect();
    let (mut kept, mut full) = (0, 0);
    for letter in flood {
        match letter.await.expect("no panic") {
            Ok(_) => kept += 1,
            Err(MailboxError::Full(gateway)) if gateway == "gateway-0" => full += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((kept, full), (8, 32));
    world.kept(8).await;
    bob.send_letter(&bobs.address(), b"for bob", SOON).await.expect("there is room for bob");
    let letter = bobs.receive(SOON).await.expect("asked").expect("waiting");
    assert_eq!(letter.text, b"for bob");

    let third = bob.open_mailbox(world.options(3), SOON).await.expect_err("no room");
    assert!(matches!(third, MailboxError::NoRoom(_)), "{third}");
    let nowhere = MailboxAddress {
        key: MailboxSecret::from_bytes([3; 32]).public(),
        gateway: bobs.address().gateway,
    };
    let unknown = bob.send_letter(&nowhere, b"x", SOON).await.expect_err("no mailbox");
    assert!(matches!(unknown, MailboxError::NoMailbox(_)), "{unknown}");
    drop((alices, bobs));
    world.stop(&[&mallory, &bob]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_what_is_wrong() {
    let world = World::new(1, None).await;
    let alice = world.client("gateway-0").await;
    let wanted = MailboxOptions { gateway: Some("gateway-7".to_owned()), ..world.options(1) };
    let error = alice.open_mailbox(wanted, SOON).await.expect_err("misspelt");
    assert_eq!(
        error.to_string(),
        "the network has no gateway gateway-7 that keeps mailboxes; these do: gateway-0",
    );
    let mut mailbox = open(&alice, world.options(1)).await;
    let twice = alice.open_mailbox(world.options(1), SOON).await.expect_err("in use");
    assert!(twice.to_string().contains("a mailbox has one reader at a time"), "{twice}");
    let unknown = mailbox.accept(SealedLetter::from_bytes(vec![0; 2260]).expect("a size").id());
    assert!(matches!(unknown.await, Err(MailboxError::NotReceived(_))));
    let too_long = alice.send_letter(&mailbox.address(), &vec![0; 63_839], SOON).await;
    assert!(matches!(too_long, Err(MailboxError::Letter(_))), "{too_long:?}");
    let gone =
        MailboxAddress { gateway: mixbed_wire::NodeId::from_bytes([1; 8]), ..mailbox.address() };
    let away = alice.send_letter(&gone, b"x", Duration::from_millis(100)).await;
    assert!(matches!(away, Err(MailboxError::GatewayAway(_))), "{away:?}");
    drop(mailbox);
    world.stop(&[&alice]).await;
}
