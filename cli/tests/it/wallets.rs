//! What wallets and programs reach through a net, and what others learn of them.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mixbed_monero::testing::Stock;
use mixbed_monero::wallet::{Destination, Priority};
use mixbed_monero::{Daemon, MonerodOptions, WalletRpc, WalletRpcOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::support::{Running, SOON, http, mixbed};

/// How long a net with a monerod of its own may take to be ready.
const READY: Duration = Duration::from_secs(120);

/// All that anybody said to what is behind it.
type Heard = Arc<Mutex<Vec<Vec<u8>>>>;

/// A place that passes everything on to `to`, and remembers what goes there, a connection each.
async fn listening_in(to: SocketAddr) -> (SocketAddr, Heard) {
    let heard = Heard::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let notes = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let notes = Arc::clone(&notes);
            tokio::spawn(async move {
                let Ok(far) = tokio::net::TcpStream::connect(to).await else { return };
                let number = {
                    let mut notes = notes.lock().expect("whole");
                    notes.push(Vec::new());
                    notes.len() - 1
                };
                let (mut asks, mut back) = near.into_split();
                let (mut answers, mut told) = far.into_split();
                tokio::spawn(async move {
                    let _ = tokio::io::copy(&mut answers, &mut back).await;
                });
                let mut chunk = vec![0; 65_536];
                while let Ok(read @ 1..) = asks.read(&mut chunk).await {
                    notes.lock().expect("whole")[number].extend_from_slice(&chunk[..read]);
                    if told.write_all(&chunk[..read]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, heard)
}

fn has(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|part| part == word)
}

/// A stock wallet with a login refreshes and pays. What a provider's monerod hears is the same for every
/// wallet, but for what is asked; and the log has nothing of it.
#[test]
fn a_wallet_logs_in_and_nothing_tells_its_questions_from_anothers() {
    let runtime = Runtime::new().expect("a runtime");
    let _within = runtime.enter();
    let options = MonerodOptions { restricted: true, ..MonerodOptions::default() };
    let (monerod, seed, address) = runtime.block_on(async {
        let stock = Stock::open(Path::new(env!("CARGO_TARGET_TMPDIR"))).await.expect("a stock");
        let monerod = stock.monerod(options).await.expect("monerod starts");
        let (program, funded) = stock.wallet(&monerod).await.expect("a wallet with money");
        let seed = program.wallet().seed().await.expect("its seed");
        (monerod, seed, funded.address().to_owned())
    });
    let url = monerod.restricted().expect("asked for").url();
    let to = url.trim_start_matches("http://").parse().expect("an address");
    let (between, heard) = runtime.block_on(listening_in(to));
    let mut command = mixbed(&[
        "up",
        "--monerod",
        &format!("http://{between}"),
        "--control",
        "127.0.0.1:0",
        "--json",
        "--monero-rpc",
        "127.0.0.1:0",
        "--monero-rpc-login",
        "wallet:open sesame",
    ]);
    let mut up = Running::spawn(command.env("MIXBED_LOG", "debug"));
    let places: serde_json::Value = serde_json::from_str(&up.line("{")).unwrap();
    let rpc = format!("http://{}", places["rpc"].as_str().unwrap());

    let txid = runtime.block_on(async {
        let start = async |login: &str| {
            let extra_args = vec!["--daemon-login".to_owned(), login.to_owned()];
            let options = WalletRpcOptions { extra_args, ..WalletRpcOptions::default() };
            WalletRpc::start(&Daemon::new(&rpc).expect("a URL"), options).await.expect("a wallet")
        };
        let stranger = start("wallet:open barley").await;
        let refused = async {
            stranger.wallet().create("stranger").await?;
            stranger.wallet().refresh().await
        };
        refused.await.expect_err("it is not heard");
        assert!(!heard.lock().expect("whole").iter().any(|said| has(said, b"/get_blocks.bin")));

        let program = start("wallet:open sesame").await;
        let wallet = program.wallet();
        wallet.restore("one", &seed).await.expect("restored");
        wallet.refresh().await.expect("refreshed");
        let to = Destination { amount: 1_000_000_000, address: address.clone() };
        let sent = wallet.transfer(&[to], Priority::Default, false).await;
        let sent = sent.unwrap_or_else(|error| panic!("{error}; {}", program.last_words()));
        sent.txid.to_string()
    });

    let heard = heard.lock().expect("whole").concat();
    for path in ["/get_blocks.bin", "/get_outs.bin", "/json_rpc", "send"] {
        assert!(has(&heard, path.as_bytes()), "{path} was asked");
    }
    for word in ["client", "user-agent", "authorization", "sesame", "cookie"] {
        let lower = heard.to_ascii_lowercase();
        assert!(!has(&lower, word.as_bytes()), "{word} came to the monerod");
    }
    let words = up.stop_and_words();
    assert!(words.contains("DEBUG"), "the log was on");
    let own = address.as_str();
    for value in [txid.as_str(), own, "sesame", "client 0", "client 1"] {
        assert!(!words.contains(value), "{value} is in the log: {words}");
    }
}

/// A connection through the net: what is said there, and what comes back.
fn through_socks(socks: &str, name: &str, port: u16, said: &str) -> String {
    let mut stream = TcpStream::connect(socks).expect("it listens");
    stream.set_read_timeout(Some(SOON)).expect("a socket");
    stream.write_all(&[5, 1, 0]).expect("open");
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).expect("open");
    let mut request = vec![5, 1, 0, 3, u8::try_from(name.len()).expect("short")];
    request.extend_from_slice(name.as_bytes());
    request.extend_from_slice(&port.to_be_bytes());
    stream.write_all(&request).expect("open");
    let mut answer = [0; 10];
    stream.read_exact(&mut answer).expect("open");
    assert_eq!(answer[1], 0, "connected");
    stream.write_all(said.as_bytes()).expect("open");
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard);
    String::from_utf8_lossy(&heard).into_owned()
}

/// What any client of a network may reach of its provider's monerod is what its operator lets anybody do.
#[test]
fn a_nets_clients_reach_a_restricted_monerod() {
    let mut command = mixbed(&[
        "up",
        "--control",
        "127.0.0.1:0",
        "--json",
        "--socks",
        "127.0.0.1:0",
        "--monero-rpc",
        "127.0.0.1:0",
    ]);
    let mut up = Running::spawn(command.env("MIXBED_LOG", "debug"));
    let places: serde_json::Value = serde_json::from_str(&up.line_within(READY, "{")).unwrap();
    let place = |key: &str| places[key].as_str().unwrap().to_owned();
    let (socks, rpc, monerod) = (place("socks"), place("rpc"), place("monerod"));
    let ask = |path: &str, body: &str| {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: monerod.mixbed:18081\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        through_socks(&socks, "monerod.mixbed", 18081, &head)
    };
    for path in ["/stop_daemon", "/start_mining", "/set_limit", "/pop_blocks", "/get_peer_list"] {
        let answer = ask(path, "{}");
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    for method in ["flush_txpool", "generateblocks", "set_bans"] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":"0","method":"{method}"}}"#);
        let answer = ask("/json_rpc", &body);
        assert!(
            answer.contains("error") || answer.starts_with("HTTP/1.1 404"),
            "{method}: {answer}"
        );
    }
    assert!(ask("/get_info", "{}").contains("\"restricted\": true"));
    let info = format!(
        "POST /get_info HTTP/1.1\r\nHost: {rpc}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let (status, info) = http(&rpc, &info);
    assert!(status == 200 && info.contains("\"restricted\": true"), "{info}");
    let own =
        "POST /get_info HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let (status, own) = http(&monerod, own);
    assert!(status == 200 && own.contains("\"restricted\": false"), "it lives: {own}");
    let words = up.stop_and_words();
    assert!(!words.contains("monerod.mixbed"), "where somebody connects is not logged: {words}");
}
