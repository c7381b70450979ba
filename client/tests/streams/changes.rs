//! Streams outlive what changes beneath them.

use std::time::{Duration, Instant};

use mixbed_directory::Parameters;

use crate::rig::{Rig, SOON, parameters, say};

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_by_another_gateway() {
    let mut rig = Rig::new(1, parameters()).await;
    let mut stream = rig.echo().await;
    for gateway in ["gateway-0", "gateway-1"] {
        // Whichever it uses: after both were away in turn it has had to change.
        say(&mut stream, b"before").await.expect("echoed");
        rig.net.stop_node(gateway, Duration::ZERO).await;
        let said = tokio::time::timeout(SOON, say(&mut stream, b"by the other one")).await;
        said.expect("soon").expect("echoed");
        rig.net.start_node(gateway).await.expect("its port is free");
        rig.net.wait_ready(SOON).await.expect("listed again");
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_outlives_epochs() {
    let epoch_length = Duration::from_secs(1);
    let rig = Rig::new(1, Parameters { epoch_length, ..parameters() }).await;
    let began_in = rig.client.directory().epoch().expect("a document");
    let mut stream = rig.echo().await;
    let began = Instant::now();
    let mut directory = rig.client.directory().clone();
    // Said once an epoch: the reply blocks that are left from one are of no use five later.
    while rig.client.directory().epoch().is_some_and(|now| now < began_in + 6) {
        let said = tokio::time::timeout(SOON, say(&mut stream, b"hello")).await;
        said.expect("soon").expect("echoed");
        assert!(began.elapsed() < 3 * SOON, "epochs go on");
        tokio::time::timeout(SOON, directory.changed()).await.expect("epochs go on");
    }
    let said = tokio::time::timeout(SOON, say(&mut stream, b"hello")).await;
    said.expect("soon").expect("echoed");
    rig.stop().await;
}
