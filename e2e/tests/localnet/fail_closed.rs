//! No byte of a user's goes anywhere but into the mixnet: the client as a process of its own, with
//! both of its ports in use, and the network there and gone.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use mixbed_monero::miner::NOBODY;
use mixbed_monero::testing::free_ports;
use mixbed_monero::{Daemon, Monerod, MonerodOptions};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};

use crate::sockets::Watch;
use crate::wallet_socks::{monerod_by_name, wallet};
use crate::wallet_world::{StockWallet, WalletWorld, XMR};
use crate::world::SOON;

/// Longer than the SOCKS port lets its callers wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// `mixbed client` with both ports. Killed when it is dropped.
struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(world: &WalletWorld) -> Self {
        let mut command = Command::new(program());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MIXBED_") {
                command.env_remove(name);
            }
        }
        let (directory, key) = (world.net.directory_url(), world.net.authority_key());
        command.args(["client", "--network=local", "--directory", &directory]);
        command.args(["--authority-key", &key, "--control=127.0.0.1:0"]);
        command.args(["--socks=127.0.0.1:0", "--monero-rpc=127.0.0.1:0"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, lines }
    }

    fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// The address in the line that begins so.
    async fn place(&mut self, start: &str) -> SocketAddr {
        let found = async {
            loop {
                let line = self.lines.next_line().await.expect("text").expect("it goes on");
                if let Some(address) = line.strip_prefix(start) {
                    let address = address.trim_start_matches("http://");
                    return address.parse().unwrap_or_else(|_| panic!("no address: {line}"));
                }
            }
        };
        tokio::time::timeout(SOON, found).await.unwrap_or_else(|_| panic!("no line {start:?}"))
    }
}

/// The binary beside this test's: `make test` has built both; alone, `cargo build -p mixbed`
/// does.
fn program() -> PathBuf {
    let this = std::env::current_exe().expect("a path");
    let target = this.ancestors().nth(2).expect("target/debug/deps/");
    let program = target.join("mixbed");
    assert!(program.exists(), "no {}: cargo build -p mixbed", program.display());
    program
}

/// Asks the SOCKS port to connect there, and is refused.
async fn refused(socks: SocketAddr, host: &str, port: u16) {
    let mut program = TcpStream::connect(socks).await.expect("it listens");
    let port = port.to_be_bytes();
    let request = [&[4, 1][..], &port, &[0, 0, 0, 1, 0], host.as_bytes(), &[0]].concat();
    program.write_all(&request).await.expect("room");
    let mut answer = [0; 8];
    let answered = tokio::time::timeout(PATIENCE, program.read_exact(&mut answer)).await;
    answered.expect("in time").expect("an answer");
    assert_eq!(answer[1], 91, "{host} is not connected");
}

/// Asks the RPC port for the chain's height.
async fn asked(rpc: SocketAddr) -> TcpStream {
    let mut wallet = TcpStream::connect(rpc).await.expect("it listens");
    let request = "GET /get_height HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    wallet.write_all(request.as_bytes()).await.expect("room");
    wallet
}

/// What was answered so far: nothing, or that there is no chain.
fn no_chain(wallet: &TcpStream) {
    let mut answer = [0; 64];
    match wallet.try_read(&mut answer) {
        Ok(length) => {
            let answer = String::from_utf8_lossy(&answer[..length]);
            assert!(answer.starts_with("HTTP/1.1 5"), "an error of the way there: {answer}");
        }
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_contacts_its_directory_and_its_gateway_and_nobody_else() {
    let mut world = WalletWorld::with(monerod_by_name).await;
    world.ready().await;
    let mut process = Process::start(&world);
    let watch = Watch::of(process.pid());
    let socks = process.place("SOCKS at ").await;
    let rpc = process.place("daemon RPC at ").await;
    process.place("ready: control at ").await;

    let by_rpc = Daemon::new(&format!("http://{rpc}")).expect("an address");
    let (alice, bob) = tokio::join!(wallet(socks), StockWallet::start(&by_rpc, &[]));
    let people = &world.chain;
    tokio::join!(alice.restore(&people.alice), bob.restore(&people.bob));
    tokio::join!(alice.refresh_all(), bob.refresh_all());
    let sent = tokio::join!(
        alice.transfer(&people.bob.address, XMR),
        bob.transfer(&people.alice.address, XMR),
    );
    for txid in [sent.0, sent.1] {
        assert!(world.state(txid).await.is_known(), "monerod has {txid}");
    }

    // What is forbidden there is not reached from here either.
    let daemon: SocketAddr =
        world.monerod.url().trim_start_matches("http://").parse().expect("one");
    let (host, port) = (daemon.ip().to_string(), daemon.port());
    refused(socks, "example.org", 80).await;
    // Its own machine may connect there; only the name is on the list.
    refused(socks, &host, port).await;

    let gateways = ["gateway-0", "gateway-1"].map(|name| world.net.nodes()[name].address());
    for name in ["gateway-0", "gateway-1"] {
        world.net.stop_node(name, Duration::ZERO).await;
    }
    world.net.stop_directory().await;
    // A wallet's request waits for longer than a connection: it is not waited for here.
    let asked = asked(rpc).await;
    tokio::join!(
        refused(socks, "monerod.mixbed", 18081),
        refused(socks, "example.org", 443),
        refused(socks, &host, port),
    );
    no_chain(&asked);

    let seen = watch.end();
    let directory = world.net.directory_url();
    let directory: SocketAddr = directory.trim_start_matches("mixbed://").parse().expect("one");
    seen.assert_within(&[&[directory][..], &gateways].concat());
    let contacts = seen.contacts();
    assert!(contacts.contains(&directory), "the watch sees what there is: {contacts:?}");
    assert!(gateways.iter().any(|gateway| contacts.contains(gateway)), "{contacts:?}");
}

/// The monerod of `mixbed up` does not say that it is offline, which some wallets take for dead. It
/// has nobody to talk to all the same: it dials itself, and asks no name server and no seed.
#[tokio::test]
async fn a_monerod_that_is_alone_contacts_nobody_but_itself() {
    let [peers] = free_ports();
    let own = SocketAddr::from(([127, 0, 0, 1], peers));
    let options = MonerodOptions { p2p_port: Some(peers), ..MonerodOptions::default() };
    let monerod = Monerod::start(options).await.expect("it starts");
    let watch = Watch::of(monerod.pid());
    // It dials itself once a second, too briefly to be seen each time.
    for _ in 0..20 {
        monerod.daemon().generate_blocks(1, NOBODY).await.expect("a block");
    }
    let info = monerod.daemon().get_info().await.expect("it answers");
    assert!(!info.offline && info.synchronized && info.peers() == 0, "{info:?}");
    watch.end().assert_within(&[own]);
}
