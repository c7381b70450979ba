//! Requests in every form, whole and not.

use super::*;

#[tokio::test]
async fn a_body_that_is_too_large_is_told_so_however_it_comes() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    let large = vec![7_u8; 2 << 20];
    let (status, body) = post(&front, "/get_outs.bin", large.clone()).await;
    assert_eq!(status, 413, "with its length");
    assert!(words(&body).contains("1048576"), "{}", words(&body));
    let chunks = large.chunks(60_000).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()));
    let chunks: Vec<_> = chunks.collect();
    let mut request =
        b"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in chunks.into_iter().flatten() {
        request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.extend_from_slice(&chunk);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    let said = raw(&front, &[&request]).await;
    assert!(said.starts_with("HTTP/1.1 413"), "in chunks: {said}");
    // Without end: it is not read for ever.
    let said = raw(
        &front,
        &[b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n"],
    )
    .await;
    assert!(said.starts_with("HTTP/1.1 413"), "{said}");
    let head = b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n";
    let said = raw(&front, &[head]).await;
    assert!(said.starts_with("HTTP/1.1 413"), "not invited to send it: {said}");
    assert!(fake.asked().is_empty());
    // As much as a message carries is taken.
    let most = asking(900_000).into_bytes();
    assert_eq!(post(&front, "/get_transactions", most.clone()).await, (200, most));
}

#[tokio::test]
async fn requests_in_every_form_that_http_has_are_understood() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    let chunked = b"POST /get_info HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
                    2\r\n {\r\n1\r\n}\r\n0\r\n\r\n";
    let said = raw(&front, &[chunked]).await;
    assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("\r\n\r\n{}"), "{said}");

    let (one, two) = (asking(3), asking(5));
    let head = |body: &str, more: &str| {
        let length = body.len();
        format!(
            "POST /get_transactions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}{more}\r\n\r\n"
        )
    };
    let (first, second) = (head(&one, ""), head(&two, "\r\nConnection: close"));
    let both = [&first, &one, &second, &two].map(String::as_bytes).concat();
    let said = raw(&front, &[&both]).await;
    let places = (said.find(&one), said.find(&two));
    assert!(places.0.is_some() && places.0 < places.1, "pipelined, answered in order: {said}");

    let none = b"POST /get_info HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let said = raw(&front, &[none]).await;
    assert!(said.starts_with("HTTP/1.1 200"), "no length is no body: {said}");
    // Head and body in writes of their own, as wallets do.
    let said = raw(&front, &[second.as_bytes(), two.as_bytes()]).await;
    assert!(said.ends_with(&two), "{said}");
    let delete = b"DELETE /get_info HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert!(raw(&front, &[delete]).await.starts_with("HTTP/1.1 405"));
}

#[tokio::test]
async fn what_is_no_http_ends_at_once() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    // A wallet that tries TLS first: its ClientHello.
    let said =
        raw(&front, &[b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and so on\r\n\r\n"]).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 400"), "{said}");
    let many = "X: y\r\n".repeat(1000);
    let said =
        raw(&front, &[format!("GET /a HTTP/1.1\r\nHost: localhost\r\n{many}\r\n").as_bytes()])
            .await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 431"), "{said}");
    let said = raw(
        &front,
        &[format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n", "a".repeat(1 << 20)).as_bytes()],
    )
    .await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said}");
    assert!(fake.asked().is_empty());
    assert_eq!(post(&front, "/get_info", "").await.0, 200, "and others are served");
}

/// A request that ends at each of its bytes, by a wallet that closes there, and by one that says no
/// more: neither is answered as if it were whole, and neither holds its connection.
#[tokio::test]
async fn a_request_cut_at_every_byte_holds_nothing() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    let whole = b"POST /get_info HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n{  }";
    let cut = (0..whole.len()).map(|end| {
        let address = front.addr();
        async move {
            let mut closes = TcpStream::connect(address).await.expect("it listens");
            closes.write_all(&whole[..end]).await.expect("written");
            closes.shutdown().await.expect("half closed");
            let mut said = Vec::new();
            let _ = timeout(LIMIT, closes.read_to_end(&mut said)).await.expect("it is closed");
            assert!(!said.starts_with(b"HTTP/1.1 200"), "cut at {end}");
            let mut waits = TcpStream::connect(address).await.expect("it listens");
            waits.write_all(&whole[..end]).await.expect("written");
            if end == 0 {
                return; // an idle connection may stay
            }
            let mut said = Vec::new();
            let _ = timeout(LIMIT, waits.read_to_end(&mut said)).await.expect("it is given up");
            let said = String::from_utf8_lossy(&said).into_owned();
            assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "cut at {end}: {said}");
        }
    });
    futures::future::join_all(cut).await;
    assert!(fake.asked().is_empty());
    assert_eq!(post(&front, "/get_info", "").await.0, 200);
}

/// A byte from time to time does not make a head or a body fast enough.
#[tokio::test]
async fn slow_heads_and_bodies_have_deadlines() {
    let fake = echoing();
    let front = start(&fake, config()).await;
    for (head, status) in [
        ("", ""),
        (
            "POST /get_info HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n",
            "HTTP/1.1 408",
        ),
    ] {
        let mut socket = TcpStream::connect(front.addr()).await.expect("it listens");
        socket.write_all(head.as_bytes()).await.expect("written");
        let (mut read, mut write) = socket.split();
        let mut said = Vec::new();
        let trickle = async {
            while write.write_all(b"G").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            std::future::pending::<()>().await;
        };
        let ended = async {
            tokio::select! {
                ended = read.read_to_end(&mut said) => drop(ended),
                () = trickle => {}
            }
        };
        timeout(LIMIT, ended).await.expect("it ends");
        let said = String::from_utf8_lossy(&said);
        assert!(said.starts_with(status), "{said}");
    }
}
