use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mixbed_telemetry::{Options, Telemetry};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A monerod that answers each request with the same bytes, and counts them. No bytes: it closes.
struct Fake {
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Fake {
    async fn start(answer: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.expect("a connection");
                // Requests here are short: one read has all of it.
                let mut request = vec![0; 4096];
                let length = socket.read(&mut request).await.expect("a request");
                assert!(request[..length].starts_with(b"POST /"));
                count.fetch_add(1, Ordering::Relaxed);
                // Whoever has read enough closes first.
                let _ = socket.write_all(&answer).await;
            }
        });
        Self { url, asked }
    }

    async fn saying(status: &str, body: &[u8]) -> Self {
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        Self::start([head.as_bytes(), body].concat()).await
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn service(url: &str) -> Rpc {
    let telemetry = Telemetry::new(&Options::default()).expect("telemetry");
    let daemon = Daemon::new(url).expect("an address");
    Rpc::new(daemon, ProviderMetrics::new(&telemetry, "provider-0"))
}

async fn ask(rpc: &Rpc, path: &str, body: &str, limit: Duration) -> (RpcAnswer, &'static str) {
    let content_type = "application/json".to_owned();
    let request = RpcRequest { path: path.to_owned(), content_type, body: body.into() };
    let payload = request.encode().expect("a good one");
    let reply = rpc.handle(Question { payload, trace: None, limit }).await;
    let Response::Ok(data) = reply.response else { panic!("{reply:?}") };
    (RpcAnswer::decode(&data).expect("an answer"), reply.outcome)
}

fn words(answer: &RpcAnswer) -> String {
    assert_eq!(answer.content_type, "application/json");
    let body: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(body["error"]["code"], answer.status);
    body["error"]["message"].as_str().expect("words").to_owned()
}

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn monerods_answer_comes_as_it_is() {
    let fake = Fake::saying("200 Ok", b"{\"height\":7}").await;
    let rpc = service(&fake.url);
    let (answer, outcome) = ask(&rpc, "/get_info", "{}", LIMIT).await;
    assert_eq!((answer.status, outcome), (200, "ok"));
    assert_eq!(answer.content_type, "application/json");
    assert_eq!(answer.body, b"{\"height\":7}");
    let fake = Fake::saying("404 Not found", b"no").await;
    let (answer, outcome) = ask(&service(&fake.url), "/get_info", "{}", LIMIT).await;
    assert_eq!((answer.status, outcome, answer.body.as_slice()), (404, "http_error", &b"no"[..]));
}

#[tokio::test]
async fn what_is_not_on_the_list_does_not_reach_monerod() {
    let fake = Fake::saying("200 Ok", b"{}").await;
    let rpc = service(&fake.url);
    for (path, body, name) in [
        ("/stop_daemon", "{}", "/stop_daemon"),
        ("/json_rpc", r#"{"method":"generateblocks"}"#, "generateblocks"),
    ] {
        let (answer, outcome) = ask(&rpc, path, body, LIMIT).await;
        assert_eq!((answer.status, outcome), (403, "forbidden"));
        assert!(words(&answer).contains(name), "{answer:?}");
    }
    let (answer, outcome) = ask(&rpc, "/json_rpc", "{", LIMIT).await;
    assert_eq!((answer.status, outcome), (400, "malformed"));
    let question = Question { payload: b"nonsense".to_vec(), trace: None, limit: LIMIT };
    let reply = rpc.handle(question).await;
    assert!(matches!(reply.response, Response::Refused(_)), "{reply:?}");
    assert_eq!(fake.asked(), 0);
}

#[tokio::test]
async fn an_answer_that_no_message_carries_is_not_read_to_its_end() {
    let fits = vec![b'x'; MOST];
    let fake = Fake::saying("200 Ok", &fits).await;
    let (answer, _) = ask(&service(&fake.url), "/get_blocks.bin", "", LIMIT).await;
    assert_eq!((answer.status, answer.body.len()), (200, MOST));

    let fake = Fake::saying("200 Ok", &[&fits[..], b"x"].concat()).await;
    let (answer, outcome) = ask(&service(&fake.url), "/get_blocks.bin", "", LIMIT).await;
    assert_eq!((answer.status, outcome), (507, "too_large"));
    assert!(words(&answer).contains("stream"), "it says what to do: {answer:?}");
    // Without a length, and without an end.
    let endless = [&b"HTTP/1.1 200 Ok\r\n\r\n"[..], &fits, &fits].concat();
    let fake = Fake::start(endless).await;
    let (answer, _) = ask(&service(&fake.url), "/get_blocks.bin", "", LIMIT).await;
    assert_eq!(answer.status, 507);
}

#[tokio::test]
async fn a_monerod_that_breaks_off_is_asked_again_unless_that_could_do_harm() {
    let fake = Fake::start(Vec::new()).await;
    let rpc = service(&fake.url);
    let limit = Duration::from_secs(3);
    let (answer, outcome) = ask(&rpc, "/get_info", "{}", limit).await;
    assert_eq!((answer.status, outcome), (503, "unavailable"));
    let told = words(&answer);
    assert!(told.contains("broke") && !told.contains("127.0.0.1"), "{told}");
    let asked = fake.asked();
    assert!(asked >= 2, "asked {asked} times");
    let (answer, _) = ask(&rpc, "/sendrawtransaction", "{}", limit).await;
    assert_eq!(answer.status, 503);
    assert_eq!(fake.asked(), asked + 1, "its maker says whether it is sent again");
}

#[tokio::test]
async fn a_monerod_that_comes_back_in_time_is_asked_then() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = socket.local_addr().expect("bound");
    drop(socket);
    let rpc = service(&format!("http://{address}"));
    let asked = ask(&rpc, "/sendrawtransaction", "{}", LIMIT);
    let comes = async {
        tokio::time::sleep(PAUSE / 2).await;
        let listener = TcpListener::bind(address).await.expect("still free");
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let _ = socket.read(&mut [0; 4096]).await.expect("a request");
        socket.write_all(b"HTTP/1.1 200 Ok\r\nContent-Length: 2\r\n\r\n{}").await.expect("written");
        socket
    };
    let ((answer, outcome), _socket) = tokio::join!(asked, comes);
    assert_eq!((answer.status, outcome, answer.body.as_slice()), (200, "ok", &b"{}"[..]));
}

#[tokio::test]
async fn a_monerod_that_hangs_is_told_on_within_the_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let rpc = service(&format!("http://{}", listener.local_addr().expect("bound")));
    let began = Instant::now();
    let limit = Duration::from_millis(500);
    let (answer, outcome) = ask(&rpc, "/get_info", "{}", limit).await;
    assert_eq!((answer.status, outcome), (504, "too_slow"));
    assert!(words(&answer).contains("did not answer"), "{answer:?}");
    assert!(began.elapsed() < LIMIT);
}
