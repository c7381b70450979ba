//! Keys change, packets do not notice.

use std::time::Duration;

use mixbed_client::Client;
use mixbed_directory::Parameters;
use mixbed_localnet::{LocalNet, LocalNetConfig, NetBooks};
use mixbed_wire::DropReason;

use crate::world::{SOON, client_of};

/// Epochs that the test lives through.
const EPOCHS: u64 = 12;

/// Asks without a pause until the epoch; counts the questions.
async fn ask_until(client: Client, epoch: u64) -> u32 {
    let mut asked = 0;
    while client.directory().current().expect("a document").epoch < epoch {
        let answer = client.request("echo", b"are you there?", SOON).await.expect("an answer");
        assert_eq!(answer.data, b"are you there?");
        assert_eq!(answer.retransmissions, 0, "question {asked} had to be asked again");
        asked += 1;
    }
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn twelve_epochs_lose_no_packet() {
    let parameters = Parameters { epoch_length: Duration::from_secs(1), ..Parameters::default() };
    let config = LocalNetConfig { parameters, ..LocalNetConfig::default() };
    let net = LocalNet::start(config).await.expect("a net");
    net.wait_ready(SOON).await.expect("ready");
    let first = net.follower().current().expect("a document").epoch;
    let asking: Vec<_> =
        (0..4).map(|_| tokio::spawn(ask_until(client_of(&net), first + EPOCHS))).collect();
    for asked in asking {
        assert!(asked.await.expect("no panic") > 0);
    }
    let books: NetBooks = net.books();
    assert_eq!(books.dropped(DropReason::BadMac), 0, "{:?}", books.drops());
    assert_eq!(books.drops(), []);
}
