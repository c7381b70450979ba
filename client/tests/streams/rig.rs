//! A net, a client on it, and bytes that show where they belong.

use std::time::Duration;

use mixbed_client::{Client, ClientConfig, Stream, StreamOptions};
use mixbed_directory::{Follower, FollowerConfig, Parameters};
use mixbed_localnet::{LocalNet, LocalNetConfig, Shape};
use mixbed_node::provider::TcpConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) struct Rig {
    pub(crate) net: LocalNet,
    pub(crate) client: Client,
}

/// Short delays.
pub(crate) fn parameters() -> Parameters {
    Parameters { mean_hop_delay: Duration::from_millis(2), ..Parameters::default() }
}

impl Rig {
    /// With so many providers.
    pub(crate) async fn new(providers: usize, parameters: Parameters) -> Self {
        Self::with_tcps(providers, Vec::new(), parameters).await
    }

    /// With so many providers, of which the first may connect to these.
    pub(crate) async fn with_tcps(
        providers: usize,
        tcps: Vec<TcpConfig>,
        parameters: Parameters,
    ) -> Self {
        let shape = Shape { gateways: 2, mixes_per_layer: 1, providers };
        let config = LocalNetConfig { shape, parameters, tcps, ..LocalNetConfig::default() };
        let net = LocalNet::start(config).await.expect("a net");
        net.wait_ready(SOON).await.expect("a whole net");
        let follower = FollowerConfig::new(net.directory_url(), net.trust().clone());
        let client = ClientConfig::new(Follower::start(follower).expect("a good URL"));
        let client = Client::connect(client);
        client.wait_ready(SOON).await.expect("ready");
        Self { net, client }
    }

    /// A stream to an echo.
    pub(crate) async fn echo(&self) -> Stream {
        self.client.open("echo", "", StreamOptions::default()).await.expect("granted")
    }

    pub(crate) async fn stop(self) {
        self.client.stop().await;
        self.net.stop(Duration::from_secs(1)).await;
    }
}

/// Bytes of which each is told from those about it.
pub(crate) fn bytes(seed: u8, length: usize) -> Vec<u8> {
    (0..length).map(|at| byte(at) ^ seed).collect()
}

/// What is at a place.
pub(crate) fn byte(at: usize) -> u8 {
    let [.., high, low] = at.wrapping_mul(40503).to_be_bytes();
    high ^ low.rotate_left(3)
}

/// Sends this to an echo and ends, and reads what comes back meanwhile, to its end.
pub(crate) async fn through<S: AsyncRead + AsyncWrite>(stream: S, sent: &[u8]) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let writing = async {
        writer.write_all(sent).await.expect("written");
        writer.shutdown().await.expect("ended");
    };
    let mut back = Vec::with_capacity(sent.len());
    let (read, ()) = tokio::join!(reader.read_to_end(&mut back), writing);
    read.expect("read");
    assert!(back == sent, "{} of {} bytes, or others", back.len(), sent.len());
}

/// Says something and waits for it.
pub(crate) async fn say(stream: &mut Stream, words: &[u8]) -> std::io::Result<()> {
    stream.write_all(words).await?;
    let mut back = vec![0; words.len()];
    stream.read_exact(&mut back).await?;
    assert_eq!(back, words);
    Ok(())
}
