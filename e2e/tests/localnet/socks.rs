//! The SOCKS port in front of a whole network: programs that connect somewhere, and cannot.

use std::net::SocketAddr;
use std::time::Duration;

use mixbed_client::{Client, ClientConfig};
use mixbed_directory::{Follower, FollowerConfig};
use mixbed_fronts::{SocksConfig, SocksFront};
use mixbed_localnet::{LocalNet, LocalNetConfig, Shape};
use mixbed_node::provider::TcpConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::world::{SOON, client_of};

/// How long much work may take on a machine that does other things.
const PATIENCE: Duration = Duration::from_secs(120);

/// A net whose providers know one host by name, `target.test`, and may connect to it.
struct Served {
    net: LocalNet,
    client: Client,
    front: SocksFront,
}

impl Served {
    async fn start(target: SocketAddr, providers: usize) -> Self {
        let port = target.port();
        let tcp = TcpConfig {
            targets: vec![format!("target.test:{port}").parse().expect("a rule")],
            names: vec![format!("target.test={target}").parse().expect("a name")],
        };
        let shape = Shape { providers, ..Shape::default() };
        let config = LocalNetConfig { tcp, shape, ..LocalNetConfig::default() };
        let net = LocalNet::start(config).await.expect("a net");
        net.wait_ready(SOON).await.expect("ready");
        let client = client_of(&net);
        client.wait_ready(SOON).await.expect("ready");
        let front = front(&client, SocksConfig::default()).await;
        Self { net, client, front }
    }

    /// Asks to be connected, by SOCKS 5.
    async fn ask(&self, host: &str, port: u16) -> (TcpStream, u8) {
        ask(self.front.addr(), host, port).await
    }

    async fn connected(&self, target: SocketAddr) -> TcpStream {
        let (program, code) = self.ask("target.test", target.port()).await;
        assert_eq!(code, 0, "granted");
        program
    }
}

async fn front(client: &Client, config: SocksConfig) -> SocksFront {
    let config = SocksConfig { listen: "127.0.0.1:0".parse().expect("an address"), ..config };
    SocksFront::start(client.clone(), config).await.expect("a free port")
}

async fn ask(front: SocketAddr, host: &str, port: u16) -> (TcpStream, u8) {
    let mut program = TcpStream::connect(front).await.expect("it listens");
    let length = [u8::try_from(host.len()).expect("a short name")];
    let port = port.to_be_bytes();
    let request = [&[5, 1, 0, 5, 1, 0, 3][..], &length, host.as_bytes(), &port].concat();
    program.write_all(&request).await.expect("room");
    let mut answer = [0; 12];
    let heard = tokio::time::timeout(PATIENCE, program.read_exact(&mut answer)).await;
    heard.expect("in time").expect("an answer");
    assert_eq!((answer[..3].to_vec(), answer[4]), (vec![5, 0, 5], 0), "{answer:?}");
    (program, answer[3])
}

/// A host that says everything back, until it is dropped.
async fn echo() -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut programs = JoinSet::new();
        while let Ok((mut program, _)) = listener.accept().await {
            programs.spawn(async move {
                let (mut read, mut write) = program.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
                let _ = write.shutdown().await;
            });
        }
    });
    (address, serving)
}

/// Bytes in which nothing that is lost, doubled or moved stays unnoticed.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 + at / 251).to_le_bytes()[0]).collect()
}

/// Says all this and hears all of it.
async fn echoed(program: TcpStream, message: Vec<u8>) {
    let (mut read, mut write) = program.into_split();
    let said = message.clone();
    let say = async move {
        write.write_all(&said).await.expect("it is taken");
        write.shutdown().await.expect("it is open");
    };
    let mut heard = Vec::new();
    let both = async { tokio::join!(say, read.read_to_end(&mut heard)).1 };
    let length = tokio::time::timeout(PATIENCE, both).await.expect("in time").expect("an end");
    assert_eq!(length, message.len());
    assert!(heard == message, "what came back is what was said");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_forbidden_or_refuses_is_told_apart() {
    let (target, serving) = echo().await;
    let served = Served::start(target, 1).await;
    echoed(served.connected(target).await, pattern(100_000)).await;
    let forbidden = [("10.1.2.3", 25), ("other.test", target.port()), ("target.test", 22)];
    for (host, port) in forbidden {
        assert_eq!(served.ask(host, port).await.1, 2, "{host}:{port} is not allowed");
    }
    drop(serving);
    while TcpStream::connect(target).await.is_ok() {}
    assert_eq!(served.ask("target.test", target.port()).await.1, 5, "refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_programs_are_connected_at_once() {
    let (target, _serving) = echo().await;
    let served = std::sync::Arc::new(Served::start(target, 1).await);
    let mut programs = JoinSet::new();
    for number in 0..200 {
        let served = std::sync::Arc::clone(&served);
        programs.spawn(async move {
            let program = served.connected(target).await;
            echoed(program, pattern(3_000 + number)).await;
        });
    }
    while let Some(ended) = programs.join_next().await {
        ended.expect("each is served");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn much_goes_both_ways_at_once() {
    let (target, _serving) = echo().await;
    let served = Served::start(target, 1).await;
    echoed(served.connected(target).await, pattern(2_000_000)).await;
}

/// The program is told promptly, by a reset, and the next one gets another provider.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_killed_resets_the_programs_and_the_next_goes_on_elsewhere() {
    let (target, _serving) = echo().await;
    let mut served = Served::start(target, 2).await;
    let mut program = served.connected(target).await;
    program.write_all(b"hello").await.expect("room");
    let mut heard = [0; 5];
    program.read_exact(&mut heard).await.expect("it is said back");

    let books = served.net.books();
    let busy = |name: &&str| books.nodes[*name].delivered > 0;
    let provider = ["provider-0", "provider-1"].into_iter().find(busy).expect("one has it");
    served.net.stop_node(provider, Duration::ZERO).await;
    // Whoever only waits finds out as well.
    let end = tokio::time::timeout(SOON, program.read(&mut heard)).await.expect("promptly");
    let error = end.expect_err("a reset, no end");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);

    echoed(served.connected(target).await, pattern(10_000)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_network_programs_are_refused_at_the_deadline() {
    let (target, _serving) = echo().await;
    let mut served = Served::start(target, 1).await;
    served.net.stop_directory().await;
    let config = FollowerConfig::new(served.net.directory_url(), served.net.trust().clone());
    let follower = Follower::start(config).expect("a URL");
    let client = Client::connect(ClientConfig::new(follower));
    let connect = Duration::from_millis(500);
    let front = front(&client, SocksConfig { connect, ..SocksConfig::default() }).await;
    let began = std::time::Instant::now();
    let (mut program, code) = ask(front.addr(), "target.test", target.port()).await;
    assert_eq!(code, 1, "a general failure");
    assert!(began.elapsed() >= connect, "it was waited for");
    assert_eq!(program.read(&mut [0; 1]).await.expect("an end"), 0);
    // The one that has a document goes on by it.
    assert!(served.client.state().borrow().can_send());
    echoed(served.connected(target).await, pattern(1000)).await;
}

/// Preloaded by torsocks, bash looks the name up by RESOLVE and connects to the address it hears.
#[tokio::test]
async fn torsocks_connects_by_a_name_that_only_the_provider_knows() {
    let (target, _echo) = echo().await;
    let served = Served::start(target, 1).await;
    let (socks, port) = (served.front.addr().port().to_string(), target.port());
    let talk = format!(
        "exec 3<>/dev/tcp/target.test/{port}; echo hello >&3; read -r said <&3; echo \"$said\""
    );
    let mut command = tokio::process::Command::new("torsocks");
    command.args(["--address", "127.0.0.1", "--port", &socks, "--isolate", "bash", "-c", &talk]);
    command.kill_on_drop(true);
    let output = match tokio::time::timeout(PATIENCE, command.output()).await.expect("in time") {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return println!("not tested: torsocks is not installed (scripts/setup tests)");
        }
        output => output.expect("it runs"),
    };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "hello\n", "{output:?}");
}
