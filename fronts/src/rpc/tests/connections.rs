//! Connections, and their ends.

use std::sync::atomic::Ordering;

use super::*;

/// An idle connection stays, as with monerod: a wallet's next request is minutes later, and a wallet
/// does not notice that the other end has closed.
#[tokio::test]
async fn an_idle_connection_stays() {
    let fake = echoing();
    let front = start(&fake, RpcConfig { head: Duration::from_millis(40), ..config() }).await;
    let mut socket = TcpStream::connect(front.addr()).await.expect("it listens");
    for _ in 0..3 {
        // Ten times as long as a head may take.
        tokio::time::sleep(Duration::from_millis(400)).await;
        socket
            .write_all(b"POST /get_info HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
            .await
            .expect("open");
        let (mut said, mut chunk) = (Vec::new(), [0; 1024]);
        while !said.ends_with(b"\r\n\r\n{}") {
            let read = timeout(LIMIT, socket.read(&mut chunk)).await.expect("an answer");
            match read.expect("open") {
                0 => panic!("closed: {}", String::from_utf8_lossy(&said)),
                more => said.extend_from_slice(&chunk[..more]),
            }
        }
    }
}

/// While a long answer comes, the next request is read already, and waits.
#[tokio::test]
async fn a_request_behind_a_slow_answer_is_no_slow_head() {
    let fake = Fake::with(&[("a", Does::Slow(5))]);
    let front = start(&fake, RpcConfig { head: Duration::from_millis(40), ..config() }).await;
    let request = b"POST /getblocks.bin HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    let goodbye = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut socket = TcpStream::connect(front.addr()).await.expect("it listens");
    socket.write_all(request).await.expect("open");
    let mut said = vec![0; 1024];
    let begun = socket.read(&mut said).await.expect("the beginning of an answer");
    said.truncate(begun);
    socket.write_all(goodbye).await.expect("open");
    timeout(LIMIT, socket.read_to_end(&mut said)).await.expect("soon").expect("no reset");
    let said = String::from_utf8(said).expect("text");
    assert_eq!(said.matches("HTTP/1.1 200 OK").count(), 2, "{said}");
    assert_eq!(said.matches('\u{7}').count(), 100, "{said}");
}

#[tokio::test]
async fn an_answer_that_nobody_takes_ends_its_connection() {
    let fake = echoing();
    let front = start(&fake, RpcConfig { connections: 1, ..config() }).await;
    let mut socket = TcpStream::connect(front.addr()).await.expect("it listens");
    let body = asking(900_000).into_bytes();
    let request = format!(
        "POST /get_transactions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    // Ten answers are more than the system's buffers hold.
    let written = async {
        for _ in 0..10 {
            socket.write_all(request.as_bytes()).await?;
            socket.write_all(&body).await?;
        }
        Ok::<_, std::io::Error>(())
    };
    let _ = timeout(LIMIT, written).await.expect("it is closed, or all is written");
    let free = async {
        loop {
            let mut next = TcpStream::connect(front.addr()).await.expect("it listens");
            let _ = next
                .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                .await;
            let mut said = Vec::new();
            let _ = next.read_to_end(&mut said).await;
            if said.starts_with(b"HTTP/1.1 200") {
                return;
            }
        }
    };
    timeout(LIMIT, free).await.expect("its place is free again");
}

#[tokio::test]
async fn a_wallet_that_leaves_cancels_its_question() {
    let fake = Fake::with(&[("a", Does::Hangs)]);
    let front = start(&fake, RpcConfig { deadline: LIMIT * 10, ..config() }).await;
    let mut socket = TcpStream::connect(front.addr()).await.expect("it listens");
    socket
        .write_all(b"POST /get_info HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
        .await
        .expect("written");
    fake.until_under_way(1).await;
    drop(socket);
    fake.until_under_way(0).await;
}

#[tokio::test]
async fn two_hundred_connections_at_once_are_served() {
    let fake = echoing();
    // So many at once take their time on a busy machine.
    let patient = RpcConfig { head: LIMIT, body: LIMIT, deadline: LIMIT, ..config() };
    let front = start(&fake, RpcConfig { questions: 7, ..patient }).await;
    let sockets = (0..200).map(|n| {
        let address = front.addr();
        async move {
            let mut socket = TcpStream::connect(address).await.expect("it listens");
            let body = asking(n);
            let head = format!(
                "POST /get_transactions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n",
                body.len()
            );
            socket.write_all(head.as_bytes()).await.expect("written");
            socket.write_all(body.as_bytes()).await.expect("written");
            let mut said = String::new();
            let read = timeout(LIMIT, socket.read_to_string(&mut said)).await;
            read.expect("in time").expect("whole");
            assert!(said.ends_with(&body), "{said}");
        }
    });
    futures::future::join_all(sockets).await;
    assert_eq!(fake.asked().len(), 200);
    let most = fake.0.most_under_way.load(Ordering::SeqCst);
    assert!(most <= 7, "{most} questions at a time");
}

#[tokio::test]
async fn stopping_lets_what_is_asked_be_answered_and_ends_the_rest() {
    let fake = Fake::with(&[("a", Does::Hangs)]);
    let deadline = Duration::from_millis(500);
    let front = start(&fake, RpcConfig { deadline, ..config() }).await;
    let mut idle = TcpStream::connect(front.addr()).await.expect("it listens");
    let mut asking = TcpStream::connect(front.addr()).await.expect("it listens");
    asking
        .write_all(b"POST /get_info HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        .await
        .expect("written");
    fake.until_under_way(1).await;
    let address = front.addr();
    timeout(LIMIT, front.stop(LIMIT)).await.expect("it stops");
    let mut said = String::new();
    asking.read_to_string(&mut said).await.expect("whole");
    assert!(said.starts_with("HTTP/1.1 504"), "{said}");
    assert_eq!(idle.read(&mut [0]).await.expect("closed in order"), 0);
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");

    let front = start(&fake, RpcConfig { deadline: LIMIT * 10, ..config() }).await;
    let mut asking = TcpStream::connect(front.addr()).await.expect("it listens");
    asking
        .write_all(b"POST /get_info HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        .await
        .expect("written");
    fake.until_under_way(1).await;
    timeout(LIMIT, front.stop(Duration::from_millis(10))).await.expect("it does not wait for ever");
    fake.until_under_way(0).await;
}
