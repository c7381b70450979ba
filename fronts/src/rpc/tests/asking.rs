//! What is asked of whom, and what the wallet hears.

use std::sync::atomic::Ordering;

use serde_json::json;

use super::*;

/// A question without fields, as binary.
const EMPTY: &[u8] = &[1, 0x11, 1, 1, 1, 1, 2, 1, 1, 0];

#[tokio::test]
async fn a_question_is_one_message_and_its_answer_comes_as_it_is() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    let body = asking(300).into_bytes();
    assert_eq!(post(&front, "/gettransactions", body.clone()).await, (200, body.clone()));
    let (request, expected) = fake.last();
    assert_eq!(
        (request.path.as_str(), request.body, request.content_type.as_str()),
        ("/get_transactions", body, "application/json")
    );
    assert_eq!(expected, 8_500, "a guess from what wallets ask");
    post(&front, "/get_transactions", asking(1582)).await;
    post(&front, "/get_transactions", asking(10)).await;
    assert_eq!(fake.last().1, 1722, "like the answer before, and its head");

    let call =
        json!({ "jsonrpc": "2.0", "id": "0", "method": "get_info", "params": {} }).to_string();
    let url = format!("http://{}/json_rpc", front.addr());
    let request = mixbed_monero::rpc::http_client()
        .build()
        .expect("a client")
        .post(url)
        .header("content-type", "text/plain");
    let said = request.header("user-agent", "secret").body(call.clone()).send().await;
    let said = said.expect("an answer");
    assert_eq!(said.headers()["content-type"], "application/json");
    let said: Value = serde_json::from_str(&said.text().await.expect("whole")).expect("JSON");
    assert_eq!(said, serde_json::from_str::<Value>(&call).expect("JSON"));

    let said =
        raw(&front, &[b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"]).await;
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("wallet"), "{said}");
    assert_eq!(fake.asked().len(), 4, "a look at it asks nobody");
    assert_eq!(front.readings().answered, 4);
    front.stop(LIMIT).await;
}

#[tokio::test]
async fn an_answer_that_no_message_carries_comes_on_a_stream() {
    let fake = Fake::with(&[("a", Does::Long(3_000_000))]);
    let front = start(&fake, config()).await;
    let count = || (fake.asked().len(), fake.0.streams.load(Ordering::SeqCst));
    assert_eq!(post(&front, "/getblocks.bin", "").await, (200, vec![7; 3_000_000]));
    assert_eq!(count(), (1, 1));
    fake.tell(&[("a", Does::Long(300))]);
    assert_eq!(post(&front, "/getblocks.bin", "").await, (200, vec![7; 300]));
    assert_eq!(count(), (1, 2), "what was long is asked for on a stream at once");
    fake.tell(&[("a", Does::Echoes(200))]);
    assert_eq!(post(&front, "/getblocks.bin", "").await, (200, EMPTY.to_vec()));
    assert_eq!(count(), (2, 2), "and what was not, by a message");
    // Where no stream is to be had, the provider's word is passed on.
    fake.tell(&[("a", Does::TooLong)]);
    assert_eq!(post(&front, "/getblocks.bin", "").await.0, 507);
    assert_eq!(post(&front, "/getblocks.bin", "").await.0, 507);
    assert_eq!(count(), (4, 4), "each is tried once");
}

#[tokio::test]
async fn a_long_answer_that_breaks_off_is_none() {
    let fake = Fake::with(&[("a", Does::BreaksOff(200_000))]);
    let front = start(&fake, RpcConfig { questions: 1, ..config() }).await;
    let request = b"POST /getblocks.bin HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    let said = raw(&front, &[request]).await;
    assert!(
        said.starts_with("HTTP/1.1 200") && said.contains("content-length: 200001"),
        "{said:.200}"
    );
    assert!(said.len() < 200_001, "the connection ends before the answer does");
    fake.tell(&[("a", Does::Echoes(200))]);
    assert_eq!(post(&front, "/get_info", "{}").await.0, 200, "and its turn is another's");
}

/// A wallet that is far behind asks for more than a slow mixnet carries within its patience: what counts is
/// that something comes.
#[tokio::test]
async fn a_long_answer_takes_as_long_as_it_comes() {
    let fake = Fake::with(&[("a", Does::Slow(10))]);
    let deadline = Duration::from_millis(900);
    let front = start(&fake, RpcConfig { deadline, ..config() }).await;
    let began = std::time::Instant::now();
    assert_eq!(post(&front, "/getblocks.bin", "").await, (200, vec![7; 100]));
    assert!(began.elapsed() > deadline, "longer than the deadline");
    // Silence for as long is its end.
    fake.tell(&[("a", Does::Slow(60_000))]);
    let request = b"POST /getblocks.bin HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    let said = raw(&front, &[request]).await;
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("content-length: 100"), "{said}");
    assert!(!said.ends_with('\u{7}'), "the connection ends before the answer does");
}

#[tokio::test]
async fn what_a_provider_does_not_allow_is_said_with_its_reason() {
    let fake = Fake::with(&[("a", Does::Echoes(403))]);
    let front = start(&fake, config()).await;
    assert_eq!(post(&front, "/get_outs", "{}").await, (403, b"{}".to_vec()));
    let (status, body) = post(&front, "/get_info?a=b", "").await;
    assert_eq!(status, 404);
    assert!(words(&body).contains("no query"), "{}", words(&body));
    assert_eq!(fake.asked(), ["a"]);
}

#[tokio::test]
async fn a_transaction_is_submitted_as_raw_bytes() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    let body = json!({ "tx_as_hex": "00ff10", "do_not_relay": false, "do_sanity_checks": true });
    for path in ["/sendrawtransaction", "/send_raw_transaction"] {
        let (status, said) = post(&front, path, body.to_string()).await;
        let said: Value = serde_json::from_slice(&said).expect("JSON");
        assert_eq!((status, &said["status"]), (200, &json!("OK")));
    }
    assert_eq!(*fake.0.submitted.lock().expect("whole"), vec![vec![0, 255, 16]; 2]);
    let (status, said) = post(&front, "/sendrawtransaction", "nonsense").await;
    let said: Value = serde_json::from_slice(&said).expect("JSON");
    assert_eq!((status, &said["status"]), (200, &json!("Failed")));
    assert!(fake.asked().is_empty(), "no submission is a question");
    let confirmed = async {
        while fake.0.confirmed.lock().expect("whole").len() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(LIMIT, confirmed).await.expect("what was taken is confirmed");
    front.stop(LIMIT).await;
    let confirmed = fake.0.confirmed.lock().expect("whole").clone();
    assert_eq!(confirmed, vec![vec![0, 255, 16]; 2], "and nothing else");
}

#[tokio::test]
async fn one_provider_is_asked_for_as_long_as_it_answers() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    for _ in 0..10 {
        assert_eq!(post(&front, "/get_info", "{}").await.0, 200);
    }
    assert_eq!(fake.asked(), vec!["a"; 10]);
    fake.tell(&[("a", Does::Fails), ("b", Does::Echoes(200))]);
    for _ in 0..3 {
        assert_eq!(post(&front, "/get_info", "{}").await.0, 200);
    }
    assert_eq!(fake.asked()[10..], ["a", "b", "b", "b"], "another answers, and is kept");
    // It left the network between two questions.
    fake.tell(&[("a", Does::Echoes(200)), ("c", Does::NoSense)]);
    assert_eq!(post(&front, "/get_info", "{}").await.0, 200);
    assert_eq!(fake.asked().last().map(String::as_str), Some("a"));
}

#[tokio::test]
async fn a_provider_whose_monerod_is_away_makes_room_for_another() {
    for bad in [Does::Echoes(503), Does::Echoes(504), Does::NoSense, Does::Fails] {
        let fake = Fake::with(&[("a", bad), ("b", Does::Echoes(200))]);
        let front = start(&fake, config()).await;
        assert_eq!(post(&front, "/get_info", "{}").await, (200, b"{}".to_vec()));
        assert_eq!(fake.asked(), ["a", "b"]);
    }
    // If all are, it is said as the last of them says it.
    let fake = Fake::with(&[("a", Does::Echoes(503)), ("b", Does::Echoes(503))]);
    let deadline = Duration::from_secs(2);
    let front = start(&fake, RpcConfig { deadline, ..config() }).await;
    assert_eq!(post(&front, "/get_info", "").await, (503, b"{}".to_vec()));
    assert!(fake.asked().len() >= 4, "again after a pause: {:?}", fake.asked());
}

/// Others' messages are waited for, and nobody is to blame.
#[tokio::test]
async fn a_client_that_is_full_is_asked_again_after_a_pause() {
    let fake = Fake::with(&[("a", Does::Crowded), ("b", Does::Crowded)]);
    let deadline = Duration::from_millis(1_200);
    let front = start(&fake, RpcConfig { deadline, ..config() }).await;
    assert_eq!(post(&front, "/get_info", "{}").await.0, 503);
    assert!((1..=4).contains(&fake.asked().len()), "{:?}", fake.asked());
}

#[tokio::test]
async fn transactions_are_submitted_in_turns() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    let submit = || post(&front, "/sendrawtransaction", r#"{"tx_as_hex":"00ff10"}"#);
    let answers = futures::future::join_all((0..40).map(|_| submit())).await;
    assert!(answers.iter().all(|(status, _)| *status == 200));
    assert_eq!(fake.0.submitted.lock().expect("whole").len(), 40);
    let most = fake.0.most_under_way.load(Ordering::SeqCst);
    assert!((2..=16).contains(&most), "{most}");
}

#[tokio::test]
async fn a_network_that_is_not_ready_is_waited_for_until_the_deadline() {
    let fake = Fake::with(&[]);
    let deadline = Duration::from_millis(300);
    let front = start(&fake, RpcConfig { deadline, ..config() }).await;
    let (status, body) = post(&front, "/get_info", "").await;
    assert_eq!(status, 503);
    assert!(words(&body).contains("its gateway cannot be reached"), "{}", words(&body));
    let body = json!({ "tx_as_hex": "00" }).to_string();
    let (status, body) = post(&front, "/sendrawtransaction", body).await;
    assert_eq!(status, 503);
    assert!(words(&body).contains("its gateway cannot be reached"), "{}", words(&body));
    fake.tell(&[("a", Does::Hangs)]);
    let (status, body) = post(&front, "/get_info", "").await;
    assert_eq!(status, 504);
    assert!(words(&body).contains("no answer from a"), "{}", words(&body));
}

#[tokio::test]
async fn wallets_are_told_soon_that_no_monerod_can_be_asked() {
    let fake = Fake::with(&[("a", Does::Echoes(503)), ("b", Does::Echoes(503))]);
    let away = Duration::from_millis(300);
    let deadline = 2 * LIMIT;
    let front = start(&fake, RpcConfig { deadline, away, ..config() }).await;
    assert_eq!(post(&front, "/get_info", "{}").await, (503, b"{}".to_vec()));
    assert!(fake.asked().iter().any(|name| name == "b"), "each was asked: {:?}", fake.asked());
    // One that is back answers.
    fake.tell(&[("a", Does::Echoes(503)), ("b", Does::Echoes(200))]);
    assert_eq!(post(&front, "/get_info", "{}").await, (200, b"{}".to_vec()));
}
