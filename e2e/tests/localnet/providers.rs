//! Several providers, their monerods being peers: whose word is worth what.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use mixbed_client::{
    BroadcastOptions, BroadcastRecord, BroadcastState, Broadcasts, Client, JournalBounds, Promise,
    Sighting,
};
use mixbed_localnet::{LocalNet, LocalNetConfig, Shape};
use mixbed_monero::testing::{Stock, free_ports};
use mixbed_monero::{Daemon, Monerod, MonerodOptions, TxId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::world::{SOON, client_of};

/// What takes monerods seconds: to find each other, or to pass something on.
const PATIENCE: Duration = Duration::from_secs(60);

/// Two monerods with the stock's chain, each the other's only peer, and a net of providers.
struct Peers {
    stock: Stock,
    monerods: [Monerod; 2],
    net: LocalNet,
    client: Client,
}

impl Peers {
    /// `liars`: so many providers before those of the two monerods say OK and forget.
    async fn new(liars: usize) -> Self {
        let stock = Stock::open(Path::new(env!("CARGO_TARGET_TMPDIR"))).await.expect("a stock");
        let ports: [u16; 2] = free_ports();
        let peer = |own: u16, other: u16| MonerodOptions {
            p2p_port: Some(own),
            peers: vec![format!("127.0.0.1:{other}")],
            ..MonerodOptions::default()
        };
        let one = stock.monerod(peer(ports[0], ports[1])).await.expect("a monerod");
        let two = stock.monerod(peer(ports[1], ports[0])).await.expect("a monerod");
        let monerods = [one, two];
        for monerod in &monerods {
            until("they have found each other", async || {
                let info = monerod.daemon().get_info().await.expect("it answers");
                (info.synchronized && info.peers() > 0).then_some(())
            })
            .await;
        }
        let mut daemons = Vec::new();
        for _ in 0..liars {
            daemons.push(Daemon::new(&liar().await).expect("an address"));
        }
        daemons.extend(monerods.iter().map(|monerod| monerod.daemon().clone()));
        let config = LocalNetConfig {
            shape: Shape { gateways: 1, mixes_per_layer: 1, providers: daemons.len() },
            monerods: daemons,
            ..LocalNetConfig::default()
        };
        let net = LocalNet::start(config).await.expect("a net");
        net.wait_ready(SOON).await.expect("ready");
        let client = client_of(&net);
        client.wait_ready(SOON).await.expect("ready");
        Self { stock, monerods, net, client }
    }

    async fn mine(&self, txids: &[TxId]) {
        let daemon = self.monerods[1].daemon();
        for txid in txids {
            until("it is at the one that mines", async || {
                daemon.transaction(*txid).await.expect("it answers").is_known().then_some(())
            })
            .await;
        }
        daemon.mine_until_included(txids, &self.stock.address, PATIENCE).await.expect("mined");
    }

    fn journal(&self, dir: &Path) -> Broadcasts {
        let bounds = JournalBounds::default();
        Broadcasts::open(self.client.clone(), dir, bounds).expect("a journal")
    }
}

async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The attacker: says OK to every transaction, and forgets it.
async fn liar() -> String {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let url = format!("http://{}", socket.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((mut caller, _)) = socket.accept().await {
            tokio::spawn(async move {
                let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
                while let Ok(read @ 1..) = caller.read(&mut buffer).await {
                    request.extend_from_slice(&buffer[..read]);
                    if !is_whole(&request) {
                        continue;
                    }
                    request.clear();
                    let body = r#"{"status":"OK","synchronized":true,"missed_tx":[],"height":1}"#;
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                         content-length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    if caller.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

/// Whether the head and as many bytes as it announces have come.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    body.len() >= length.unwrap_or(0)
}

fn names<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_ok_and_does_nothing_is_named_and_the_transaction_is_mined_all_the_same() {
    let peers = Peers::new(1).await;
    let transfer = &peers.stock.transfers[0];
    let options = BroadcastOptions {
        // The liar is tried first.
        not: names(["provider-1", "provider-2"]),
        deadline: 2 * PATIENCE,
        // One monerod hears of it from the other within 8 s, mostly.
        propagation: Duration::from_secs(20),
        ..BroadcastOptions::default()
    };
    let report = peers.client.broadcast(&transfer.raw, options).await.expect("by another one");
    let [suspect] = &report.found_out[..] else { panic!("one: {report:?}") };
    assert_eq!((suspect.provider.as_str(), suspect.promise), ("provider-0", Promise::Accepted));
    assert_eq!(peers.client.suspects(), report.found_out);
    assert_ne!(report.provider, "provider-0");
    peers.mine(&[transfer.txid]).await;
    let not = [report.provider];
    let located = peers.client.locate(transfer.txid, &not, SOON).await.expect("an answer");
    assert!(located.provider != not[0] && located.provider != "provider-0", "{located:?}");
    until("its monerod has heard of the block", async || {
        let located = peers.client.locate(transfer.txid, &not, SOON).await.expect("an answer");
        matches!(located.sighting, Sighting::Mined { .. }).then_some(())
    })
    .await;
}

/// A real monerod hears of it from the other one; how long that takes is what the default of
/// `propagation` has to cover.
#[tokio::test(flavor = "multi_thread")]
async fn acceptance_is_confirmed_by_a_monerod_that_heard_of_it_from_the_first_one() {
    let peers = Peers::new(0).await;
    for transfer in &peers.stock.transfers[..2] {
        let options = BroadcastOptions { deadline: 2 * PATIENCE, ..BroadcastOptions::default() };
        let began = Instant::now();
        let report = peers.client.broadcast(&transfer.raw, options).await.expect("accepted");
        println!("accepted after {:?}, confirmed after {:?}", report.elapsed, began.elapsed());
        let other = report.confirmed_by.expect("by the other one");
        assert_ne!(other, report.provider);
        assert_eq!(report.found_out, []);
    }
}

/// It has the transaction, and dies before its monerod has answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_killed_makes_room_for_the_next_one() {
    let mut peers = Peers::new(0).await;
    let transfer = peers.stock.transfers[0].clone();
    peers.monerods[0].pause().expect("paused");
    let options = BroadcastOptions {
        not: names(["provider-1"]),
        deadline: Duration::from_secs(30),
        confirm: false,
        ..BroadcastOptions::default()
    };
    let (client, raw) = (peers.client.clone(), transfer.raw.clone());
    let broadcast = tokio::spawn(async move { client.broadcast(&raw, options).await });
    until("it has the transaction", async || {
        let books = peers.net.books();
        (books.nodes["provider-0"].delivered >= 1).then_some(())
    })
    .await;
    peers.net.stop_node("provider-0", Duration::ZERO).await;
    peers.monerods[0].resume().expect("resumed");
    let report = broadcast.await.expect("no panic").expect("accepted by the other one");
    assert_eq!(report.provider, "provider-1");
    peers.mine(&[transfer.txid]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_was_stopped_when_it_was_accepted_sees_it_mined() {
    let mut peers = Peers::new(0).await;
    let dir = tempfile::tempdir().expect("a directory");
    let transfer = peers.stock.transfers[0].clone();
    let broadcasts = peers.journal(dir.path());
    let options = BroadcastOptions {
        propagation: PATIENCE,
        deadline: PATIENCE,
        ..BroadcastOptions::default()
    };
    let txid = broadcasts.order(&transfer.raw, &options).await.expect("written down");
    let record = broadcasts.confirmed(txid).await.expect("known");
    let BroadcastState::Accepted { confirmed_by: Some(_), .. } = record.state else {
        panic!("{record:?}")
    };
    broadcasts.stop().await;
    drop(broadcasts);
    peers.client.stop().await;
    peers.mine(&[txid]).await;

    peers.client = client_of(&peers.net);
    let broadcasts = peers.journal(dir.path());
    let ended = tokio::time::timeout(2 * PATIENCE, broadcasts.ended(txid)).await;
    let record = ended.expect("in time").expect("known");
    let BroadcastState::Mined { provider, by, height, confirmations, .. } = &record.state else {
        panic!("{record:?}")
    };
    assert!(*height > 0 && *confirmations > 0 && by != provider, "{record:?}");
}

/// Nobody hears of a transaction before its time has come; and when the provider that holds some is
/// killed, they come to the other one.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_at_a_provider_is_unknown_until_its_time_and_survives_the_provider() {
    let mut peers = Peers::new(0).await;
    let broadcasts =
        Broadcasts::in_memory(peers.client.clone(), JournalBounds::default()).expect("memory");
    let options = BroadcastOptions {
        random_wait: Some(Duration::from_secs(6)),
        propagation: Duration::from_secs(20),
        deadline: 2 * PATIENCE,
        ..BroadcastOptions::default()
    };
    let transfers = peers.stock.transfers[..4].to_vec();
    let mut txids = Vec::new();
    for transfer in &transfers {
        let txid = broadcasts.order(&transfer.raw, &options).await.expect("taken");
        let mut watched = broadcasts.watch(txid).expect("known");
        let promised = |record: &BroadcastRecord| record.state != BroadcastState::Pending;
        let record = tokio::time::timeout(SOON, watched.wait_for(promised)).await;
        let record = record.expect("in time").expect("goes on").clone();
        if let BroadcastState::Held { until, .. } = record.state {
            let known = peers.monerods[0].daemon().transaction(txid).await.expect("it answers");
            // The provider counts from the arrival, which was before its word for it.
            let early = until.duration_since(SystemTime::now()).unwrap_or_default();
            assert!(!known.is_known() || early < Duration::from_secs(2), "{early:?} before");
        }
        txids.push(txid);
    }
    peers.net.stop_node("provider-0", Duration::ZERO).await;
    for txid in &txids {
        let settled = tokio::time::timeout(3 * PATIENCE, broadcasts.settled(*txid)).await;
        let record = settled.expect("in time").expect("known");
        println!("{record:?}");
        assert!(record.is_accepted(), "{record:?}");
    }
    peers.mine(&txids).await;
}
