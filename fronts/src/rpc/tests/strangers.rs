//! Who is heard, and what travels.

use super::*;

const OK: &str = "HTTP/1.1 200";
const REFUSED: &str = "HTTP/1.1 403";

async fn get(front: &RpcFront, path: &str, headers: &str) -> String {
    raw(front, &[format!("GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n").as_bytes()])
        .await
}

/// An image in a page is a GET without an Origin: its path would tell a provider whose visitor this is.
#[tokio::test]
async fn nothing_of_a_web_page_travels() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    let own = format!("Host: 127.0.0.1:{}\r\n", front.addr().port());
    for headers in [
        "Host: evil.example\r\n".to_owned(),
        format!("Host: evil.example:{}\r\n", front.addr().port()),
        "Host: 127.0.0.1:1\r\n".to_owned(),
        String::new(),
        format!("{own}{own}"),
        format!("{own}Origin: http://evil.example\r\n"),
        format!("{own}Sec-Fetch-Site: cross-site\r\n"),
        format!("{own}Referer: http://evil.example/\r\n"),
    ] {
        for path in ["/v-81f3", "/get_info"] {
            let said = get(&front, path, &headers).await;
            let is_refused = said.starts_with(REFUSED) || said.starts_with("HTTP/1.1 400");
            assert!(is_refused, "{headers}{path}: {said}");
            assert!(!said.to_lowercase().contains("access-control"), "{said}");
        }
    }
    assert!(fake.asked().is_empty());
    assert!(get(&front, "/get_info", &own).await.starts_with(OK));
    // Stock wallets leave the port out.
    assert!(get(&front, "/get_info", "Host: 127.0.0.1\r\n").await.starts_with(OK));
    assert_eq!(fake.asked().len(), 2);
}

#[tokio::test]
async fn what_is_not_on_the_list_stays_here() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    for path in ["/v-81f3", "/stop_daemon", "/json_rpc/", "/get_peer_list"] {
        assert_eq!(post(&front, path, "{}").await.0, 403, "{path}");
    }
    for body in [r#"{"method":"generateblocks"}"#, r#"{"method":"v-81f3"}"#] {
        assert_eq!(post(&front, "/json_rpc", body).await.0, 403, "{body}");
    }
    for (path, body) in
        [("/json_rpc", "v-81f3"), ("/getblocks.bin", "v-81f3"), ("/get_info", "v-81f3")]
    {
        assert_eq!(post(&front, path, body).await.0, 400, "{path}");
    }
    assert!(fake.asked().is_empty());
}

/// Of what a wallet says of itself, nothing travels.
#[tokio::test]
async fn a_wallets_own_key_and_id_stay_here() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    let call = r#"{"jsonrpc":"2.0","id":"77","method":"get_info","params":{"client":"ab01"}}"#;
    post(&front, "/json_rpc", call).await;
    let sent = String::from_utf8(fake.last().0.body).expect("text");
    assert_eq!(sent, r#"{"jsonrpc":"2.0","id":"0","method":"get_info","params":{}}"#);
    post(&front, "/get_transactions", r#"{"client":"ab01","txs_hashes":["00"],"x":1}"#).await;
    assert_eq!(fake.last().0.body, br#"{"txs_hashes":["00"]}"#);
}

#[tokio::test]
async fn pages_of_listed_origins_may_ask() {
    let fake = echoing();
    let origins = vec!["https://wallet.example".parse().expect("an origin")];
    let front = start(&fake, RpcConfig { origins, ..config() }).await;
    let page = "Host: localhost\r\nOrigin: https://wallet.example\r\n";
    let asks = format!(
        "OPTIONS /json_rpc HTTP/1.1\r\n{page}Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n"
    );
    let said = raw(&front, &[asks.as_bytes()]).await.to_lowercase();
    assert!(said.starts_with("http/1.1 204"), "{said}");
    assert!(said.contains("access-control-allow-origin: https://wallet.example\r\n"), "{said}");
    assert!(fake.asked().is_empty());
    let said = get(&front, "/get_info", page).await.to_lowercase();
    assert!(
        said.starts_with("http/1.1 200") && said.contains("access-control-allow-origin"),
        "{said}"
    );
    let other =
        get(&front, "/get_info", "Host: localhost\r\nOrigin: https://evil.example\r\n").await;
    assert!(other.starts_with(REFUSED) && other.contains("--monero-rpc-origins"), "{other}");
    assert_eq!(fake.asked().len(), 1);
}

#[tokio::test]
async fn without_its_login_nobody_is_heard() {
    let fake = echoing();
    let login = Some("wallet:secret".parse().expect("a login"));
    let front = start(&fake, RpcConfig { login, ..config() }).await;
    for headers in [
        "Host: localhost\r\n",
        "Host: localhost\r\nAuthorization: Basic d2FsbGV0OnNlY3JldA==\r\n",
        "Host: localhost\r\nAuthorization: Digest username=\"wallet\"\r\n",
    ] {
        for path in ["/", "/get_info", "/sendrawtransaction"] {
            let said = get(&front, path, headers).await.to_lowercase();
            assert!(said.starts_with("http/1.1 401"), "{said}");
            assert!(
                said.contains("www-authenticate: digest realm=\"mixbed\", qop=\"auth\""),
                "{said}"
            );
        }
    }
    assert!(fake.asked().is_empty());
}

/// Whoever was asked for a transaction's decoys is not the one that hands it in.
#[tokio::test]
async fn a_transaction_goes_to_another_than_its_decoys_came_from() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    let submission = r#"{"tx_as_hex":"00ff10"}"#;
    post(&front, "/sendrawtransaction", submission).await;
    post(&front, "/get_outs", "{}").await;
    post(&front, "/sendrawtransaction", submission).await;
    let asked = fake.asked();
    assert_eq!(*fake.0.not.lock().expect("whole"), [vec![], asked]);
}
