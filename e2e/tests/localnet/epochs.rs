//! Keys change, packets do not notice.

use std::collections::BTreeSet;
use std::time::Duration;

use mixbed_client::Client;
use mixbed_directory::Parameters;
use mixbed_localnet::{LocalNet, LocalNetConfig};

use crate::audit::{Links, audited};
use crate::world::{SOON, World, client_of, options};

/// Epochs that the tests live through.
const EPOCHS: u64 = 20;

fn of_length(epoch_length: Duration) -> Parameters {
    Parameters { epoch_length, ..LocalNetConfig::default().parameters }
}

/// Asks without a pause until the epoch; counts the questions.
pub(crate) async fn ask_until(client: Client, epoch: u64) -> u32 {
    let mut asked = 0;
    while client.directory().epoch().expect("a document") < epoch {
        let answer = client.request("echo", b"are you there?", SOON).await.expect("an answer");
        assert_eq!(answer.data, b"are you there?");
        asked += 1;
    }
    asked
}

/// Broadcasts and asks without a pause for so many epochs. Nothing is lost on the way, so nothing
/// was sent again because of a key.
async fn live_through(epoch_length: Duration) {
    let world = World::with(|config| config.parameters = of_length(epoch_length)).await;
    let last = world.net.follower().epoch().expect("a document") + EPOCHS;
    let askers: Vec<Client> = (0..4).map(|_| client_of(&world.net)).collect();
    let asking: Vec<_> =
        askers.iter().map(|asker| tokio::spawn(ask_until(asker.clone(), last))).collect();
    let (mut broadcasts, mut epochs) = (0, BTreeSet::new());
    while world.net.follower().epoch().expect("a document") < last {
        // Monerod knows most of them already: that is an answer, too.
        let transfers = &world.stock.transfers;
        let transfer = &transfers[broadcasts % transfers.len()];
        let report = world.client.broadcast(&transfer.raw, options()).await.expect("accepted");
        assert_eq!(report.txid, transfer.txid);
        broadcasts += 1;
        epochs.extend(world.net.follower().epoch());
    }
    for asked in asking {
        assert!(asked.await.expect("no panic") > 0);
    }
    assert!(epochs.len() > 5, "{broadcasts} broadcasts, in epochs {epochs:?} only");
    let clients: Vec<&Client> = askers.iter().chain([&world.client]).collect();
    let books = audited(&world.net, &clients, Links::Whole).await;
    assert_eq!(books.drops(), [], "after {broadcasts} broadcasts");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_epochs_of_a_second_lose_no_packet() {
    live_through(Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes 100 s, and epochs of a second are harder: cargo test -p mixbed-e2e -- --ignored"]
async fn twenty_epochs_of_five_seconds_lose_no_packet() {
    live_through(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_turn_by_the_clock_while_the_directory_is_away() {
    let state = tempfile::tempdir().expect("a directory");
    let config = LocalNetConfig {
        parameters: of_length(Duration::from_secs(1)),
        state_dir: Some(state.path().to_owned()),
        ..LocalNetConfig::default()
    };
    let mut net = LocalNet::start(config).await.expect("a net");
    net.wait_ready(SOON).await.expect("ready");
    // From the second epoch on all have keys for as long as the document is good.
    let first = net.follower().wait_for(SOON, |document| document.epoch > 1).await;
    let last = first.expect("another epoch").epoch;
    let client = client_of(&net);
    net.stop_directory().await;
    let known = net.follower().current().expect("a document").epoch;
    assert!(known >= last);

    let asked = ask_until(client.clone(), known + 3).await;
    assert!(asked > 0);
    assert_eq!(net.follower().current().expect("still good").epoch, known, "no other came");
    let turned = async {
        while !net.nodes().values().all(|node| node.follower().epoch() == Some(known + 3)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, turned).await.expect("each node knows the epoch");

    net.start_directory().await.expect("the same port, the same state");
    ask_until(client.clone(), known + 8).await;
    assert!(net.follower().current().expect("a document").epoch >= known + 4, "it is back");
    assert_eq!(audited(&net, &[&client], Links::Whole).await.drops(), []);
}
