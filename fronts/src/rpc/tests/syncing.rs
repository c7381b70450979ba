//! A daemon to sync from, and what an endpoint does not start with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;

use crate::FrontError;

use super::*;

/// With a daemon to sync from, everything goes there but what submits.
#[tokio::test]
async fn a_daemon_to_sync_from_is_asked_directly_and_gets_no_transaction() {
    let daemon = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let url = format!("http://{}", daemon.local_addr().expect("bound"));
    let heard = Arc::new(Mutex::new(HashMap::<String, Vec<u8>>::new()));
    let notes = Arc::clone(&heard);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = daemon.accept().await.expect("a connection");
            let (mut said, mut chunk) = (Vec::new(), [0; 4096]);
            while !said.ends_with(b"}}") {
                let read = socket.read(&mut chunk).await.expect("open");
                said.extend_from_slice(&chunk[..read]);
            }
            let line = String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned();
            notes.lock().expect("whole").insert(line, said);
            let answer = "HTTP/1.1 201 Fine\r\nContent-Type: a/b\r\nContent-Length: 4\r\n\
                          Connection: close\r\n\r\nthat";
            socket.write_all(answer.as_bytes()).await.expect("open");
        }
    });
    let fake = echoing();
    let front = start(&fake, RpcConfig { sync: Some(url), ..config() }).await;
    let address = format!("http://{}/json_rpc", front.addr());
    let request = mixbed_monero::rpc::http_client()
        .build()
        .expect("a client")
        .post(address)
        .header("content-type", "application/json");
    let said = request
        .header("user-agent", "me")
        .body(r#"{"method":"get_info"}"#)
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        (said.status().as_u16(), &said.headers()["content-type"]),
        (201, &"a/b".parse().expect("a value"))
    );
    assert_eq!(said.text().await.expect("whole"), "that");
    for path in [
        "/sendrawtransaction",
        "/send_raw_transaction",
        "//sendrawtransaction",
        "/SENDRAWTRANSACTION",
    ] {
        let (_, said) = post(&front, path, r#"{"tx_as_hex":"00"}"#).await;
        let said: Value = serde_json::from_slice(&said).expect("JSON");
        assert_eq!(said["status"], "OK", "{path}");
    }
    assert!(fake.asked().is_empty());
    let heard = heard.lock().expect("whole");
    assert_eq!(heard.keys().collect::<Vec<_>>(), ["POST /json_rpc HTTP/1.1"]);
    let request = String::from_utf8_lossy(&heard["POST /json_rpc HTTP/1.1"]).to_lowercase();
    assert!(
        request.contains("content-type: application/json") && !request.contains("user-agent"),
        "{request}"
    );
}

#[tokio::test]
async fn a_daemon_to_sync_from_that_is_away_is_no_reason_for_the_mixnet() {
    let fake = echoing();
    let unused = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let url = format!("http://{}", unused.local_addr().expect("bound"));
    drop(unused);
    let front = start(&fake, RpcConfig { sync: Some(url.clone()), ..config() }).await;
    let (status, body) = post(&front, "/get_info", "").await;
    assert_eq!(status, 502);
    assert!(words(&body).contains(&url), "{}", words(&body));
    assert!(fake.asked().is_empty());
}

#[tokio::test]
async fn what_cannot_be_started_is_told_before_anything_listens() {
    let fake = echoing();
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let refused = RpcFront::start_with(fake.clone(), RpcConfig { listen: everywhere, ..config() });
    let error = refused.await.expect_err("refused");
    assert!(matches!(error, FrontError::Exposed { .. }), "{error}");
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
    let meant = RpcConfig { listen: everywhere, exposed: true, ..config() };
    drop(start(&fake, meant).await);
    for url in
        ["https://127.0.0.1:1", "127.0.0.1:18081", "http://", "http://a:b@c:1", "http://c:1/x"]
    {
        let sync = Some(url.to_owned());
        let error = RpcFront::start_with(fake.clone(), RpcConfig { sync, ..config() }).await;
        let error = error.expect_err(url);
        assert!(
            matches!(error, FrontError::Sync { .. }) && error.to_string().contains(url),
            "{error}"
        );
    }
    let taken = start(&fake, config()).await;
    let again = RpcFront::start_with(fake, RpcConfig { listen: taken.addr(), ..config() }).await;
    assert!(matches!(again, Err(FrontError::Listen { .. })));
}
