//! Wallets' questions on streams, and answers longer than a message.

use mixbed_monero::Daemon;
use mixbed_wire::message::{MAX_MESSAGE, RPC_SERVICE, RpcHead, RpcRequest};

use super::*;

/// A provider in front of a monerod that answers each request with these bytes, then closes.
async fn far(answer: Vec<u8>) -> Far {
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            let answer = answer.clone();
            tokio::spawn(async move {
                // Requests here are short: one read has all of it.
                let _ = socket.read(&mut [0; 4096]).await.expect("a request");
                // Whoever has enough closes first.
                let _ = socket.write_all(&answer).await;
            });
        }
    });
    let config = ProviderConfig {
        monerod: Some(Daemon::new(&address).expect("an address")),
        ..ProviderConfig::default()
    };
    Far::new(config)
}

fn http(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 Ok\r\n{head}\r\n").as_bytes(), body].concat()
}

async fn ask(stream: &mut Stream, path: &str) {
    let (path, content_type) = (path.to_owned(), String::new());
    let request = RpcRequest { path, content_type, body: Vec::new() };
    stream.write_all(&request.encode().expect("a good one")).await.expect("written");
    stream.shutdown().await.expect("finished");
}

async fn head(stream: &mut Stream) -> RpcHead {
    let mut bytes = vec![0; RpcHead::FIRST];
    soon(stream.read_exact(&mut bytes)).await.expect("its beginning");
    let rest = RpcHead::rest(bytes[..].try_into().expect("as many"));
    bytes.resize(RpcHead::FIRST + rest, 0);
    soon(stream.read_exact(&mut bytes[RpcHead::FIRST..])).await.expect("its rest");
    RpcHead::decode(&bytes).expect("a head")
}

#[tokio::test]
async fn an_answer_that_no_message_carries_comes_whole() {
    let body: Vec<u8> = (0..=250).cycle().take(MAX_MESSAGE + 1).collect();
    let length = body.len();
    let header = format!("Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n");
    let far = far(http(&header, &body)).await;
    let near = far.client();
    let mut stream = near.open(RPC_SERVICE, "");
    ask(&mut stream, "/getblocks.bin").await;
    let RpcHead { status, content_type, length: said } = head(&mut stream).await;
    assert_eq!((status, content_type.as_str()), (200, "application/octet-stream"));
    assert_eq!(said, Some(length as u64));
    let mut heard = Vec::new();
    // Some hundred replies, each of them opened five times here.
    let read = tokio::time::timeout(3 * SOON, stream.read_to_end(&mut heard));
    read.await.expect("in time").expect("to its end");
    assert!(heard == body, "{} of {length} bytes", heard.len());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_end() {
    let far = far(http("Content-Length: 100000\r\n", &vec![7; 50_000])).await;
    let near = far.client();
    let mut stream = near.open(RPC_SERVICE, "");
    ask(&mut stream, "/getblocks.bin").await;
    assert_eq!(head(&mut stream).await.length, Some(100_000));
    let reason = end_of(&mut stream).await;
    assert_eq!(reason.code(), Code::Failed);
    assert!(reason.words().contains("broke"), "{reason}");
}

#[tokio::test]
async fn what_is_not_on_the_list_is_not_asked() {
    let far = far(http("Content-Length: 2\r\n", b"{}")).await;
    let near = far.client();
    let mut stream = near.open(RPC_SERVICE, "");
    ask(&mut stream, "/stop_daemon").await;
    assert_eq!(head(&mut stream).await.status, 403);
    let mut words = String::new();
    soon(stream.read_to_string(&mut words)).await.expect("to its end");
    assert!(words.contains("/stop_daemon"), "{words}");
    let mut stream = near.open(RPC_SERVICE, "");
    stream.write_all(b"nonsense").await.expect("written");
    stream.shutdown().await.expect("finished");
    let reason = end_of(&mut stream).await;
    assert!(reason.words().contains("no request"), "{reason}");
}

/// Whoever sends without an end is not listened to for ever.
#[tokio::test]
async fn a_question_is_no_longer_than_a_message() {
    let far = far(Vec::new()).await;
    let near = far.client();
    let mut stream = near.open(RPC_SERVICE, "");
    let sent = soon(async {
        loop {
            if let Err(error) = stream.write_all(&[1; 4096]).await {
                return error;
            }
        }
    });
    let reason = reason(&sent.await);
    assert!(reason.words().contains("no request"), "{reason}");
}

#[tokio::test]
async fn long_answers_have_a_bound_of_their_own() {
    // A monerod that never answers.
    let (_hanging, address) = listener().await;
    let far = Far::new(ProviderConfig {
        monerod: Some(Daemon::new(&address).expect("an address")),
        ..ProviderConfig::default()
    });
    let near = far.client();
    let mut waiting = Vec::new();
    loop {
        let mut stream = near.open(RPC_SERVICE, "");
        ask(&mut stream, "/getblocks.bin").await;
        match soon(stream.granted()).await {
            Ok(()) => waiting.push(stream),
            Err(reason) => {
                assert_eq!(reason.code(), Code::Busy, "{reason}");
                break;
            }
        }
    }
    assert_eq!(waiting.len(), 32);
}
