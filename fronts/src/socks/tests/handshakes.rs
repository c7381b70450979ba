//! Until a connection stands.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

#[tokio::test]
async fn each_dialect_is_connected_and_its_names_are_left_to_the_far_end() {
    let played = Played::new();
    let front = start(&played, config()).await;

    let mut program = say(&front, b"\x04\x01\x46\xa1\x0a\x00\x00\x01me\x00").await;
    assert_eq!(hear(&mut program).await, GRANTED_4);
    connected(&front, "echo.mixbed").await;
    let mut program = say(&front, &[5, 1, 0]).await;
    assert_eq!(hear(&mut program).await, [5, 0]);
    program.write_all(&five("echo.mixbed")).await.unwrap();
    assert_eq!(hear(&mut program).await, five_says(0));
    program.write_all(b"hello").await.unwrap();
    assert_eq!(&hear::<5>(&mut program).await, b"hello");

    // With a user and a password, all in one breath.
    let v6 = [&b"\x05\x01\x00\x04"[..], &[0; 15], &[1, 0, 80]].concat();
    let mut program = say(&front, &[b"\x05\x02\x00\x02\x01\x04user\x02pw", &v6[..]].concat()).await;
    assert_eq!(hear(&mut program).await, [5, 2]);
    assert_eq!(hear(&mut program).await, [1, 0]);
    assert_eq!(hear(&mut program).await, five_says(0));

    let seen =
        |target: &str, isolation: Option<&str>| (target.to_owned(), isolation.map(str::to_owned));
    let wanted = [
        seen("10.0.0.1:18081", Some("4:me")),
        seen("echo.mixbed:18081", None),
        seen("echo.mixbed:18081", None),
        seen("[::1]:80", Some("5:4:user:pw")),
    ];
    assert_eq!(played.seen(), wanted);
}

/// What RESOLVE answers for this name: an address.
async fn resolved(front: &SocksFront, name: &str) -> [u8; 4] {
    let length = [u8::try_from(name.len()).unwrap()];
    let ask = [b"\x05\x01\x00\x05\xf0\x00\x03", &length[..], name.as_bytes(), &[0, 0]].concat();
    let mut program = say(front, &ask).await;
    let heard = hear_all(&mut program).await.unwrap();
    assert_eq!(heard[..6], [5, 0, 5, 0, 0, 1], "{heard:?}");
    heard[6..10].try_into().unwrap()
}

#[tokio::test]
async fn a_name_that_was_looked_up_is_dialled_by_its_address_and_nobody_is_asked_for_it() {
    let played = Played::new();
    let front = start(&played, config()).await;
    let ip = resolved(&front, "echo.mixbed").await;
    assert_eq!(played.seen(), [], "nobody was asked");
    assert_eq!(resolved(&front, "echo.mixbed").await, ip);
    assert_ne!(resolved(&front, "other.mixbed").await, ip);

    let five = [b"\x05\x01\x00\x05\x01\x00\x01", &ip[..], &[0, 80]].concat();
    let mut program = say(&front, &five).await;
    assert_eq!(hear::<12>(&mut program).await[..4], [5, 0, 5, 0]);
    let four = [b"\x04\x01\x00\x50", &ip[..], &[0]].concat();
    let mut program = say(&front, &four).await;
    assert_eq!(hear(&mut program).await, GRANTED_4);
    let dialled = ("echo.mixbed:80".to_owned(), None);
    assert_eq!(played.seen(), [dialled.clone(), dialled]);

    // And back; 255 bytes are the longest name.
    let ptr = |ip: [u8; 4]| [b"\x05\x01\x00\x05\xf1\x00\x01", &ip[..], &[0, 0]].concat();
    let mut program = say(&front, &ptr(ip)).await;
    let heard = hear_all(&mut program).await.unwrap();
    assert_eq!(heard, b"\x05\x00\x05\x00\x00\x03\x0becho.mixbed\x00\x00");
    let long = "l".repeat(255);
    let ip = resolved(&front, &long).await;
    let mut program = say(&front, &ptr(ip)).await;
    assert_eq!(hear_all(&mut program).await.unwrap().len(), 2 + 5 + 255 + 2);
}

#[tokio::test]
async fn an_address_that_stands_for_no_name_goes_nowhere() {
    let played = Played::new();
    let front = start(&played, config()).await;
    let mut program = say(&front, b"\x05\x01\x00\x05\x01\x00\x01\xc6\x13\x07\x07\x00\x50").await;
    let wanted = [&[5, 0], &five_says(4)[..]].concat();
    assert_eq!(hear_all(&mut program).await.unwrap(), wanted);
    let mut program = say(&front, b"\x05\x01\x00\x05\xf1\x00\x01\x0a\x00\x00\x01\x00\x00").await;
    assert_eq!(hear_all(&mut program).await.unwrap(), wanted, "nobody is asked who has an address");
    assert_eq!(played.seen(), []);
}

#[tokio::test]
async fn a_target_that_cannot_be_reached_is_answered_with_its_code() {
    let played = Played::new();
    let front = start(&played, config()).await;
    for code in 1..=6 {
        let host = format!("refuse-{code}");
        let mut program = say(&front, &four(&host)).await;
        assert_eq!(hear_all(&mut program).await.unwrap(), REJECTED_4);
        let mut program = say(&front, &[&[5, 1, 0], &five(&host)[..]].concat()).await;
        let wanted = [&[5, 0], &five_says(code)[..]].concat();
        assert_eq!(hear_all(&mut program).await.unwrap(), wanted);
    }
}

#[tokio::test]
async fn bind_udp_and_nonsense_are_answered_and_the_answer_arrives_whatever_follows() {
    let played = Played::new();
    let front = start(&played, config()).await;
    let more = vec![7; 20_000];
    let cases: [(&[u8], &[u8]); 6] = [
        (b"\x04\x02\x46\xa1\x0a\x00\x00\x01\x00", &REJECTED_4),
        (
            b"\x05\x01\x00\x05\x02\x00\x01\x0a\x00\x00\x01\x00\x50",
            b"\x05\x00\x05\x07\x00\x01\0\0\0\0\0\0",
        ),
        (
            b"\x05\x01\x00\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00",
            b"\x05\x00\x05\x07\x00\x01\0\0\0\0\0\0",
        ),
        (b"\x05\x01\x80", b"\x05\xff"),
        (b"\x05\x01\x00\x05\x01\x00\x09", b"\x05\x00\x05\x08\x00\x01\0\0\0\0\0\0"),
        (b"\x16\x03\x01\x02\x00", b""),
    ];
    for (says, wanted) in cases {
        let mut program = say(&front, &[says, &more].concat()).await;
        assert_eq!(hear_all(&mut program).await.unwrap(), wanted, "{says:?}");
    }
    let get = b"GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n";
    let mut program = say(&front, get).await;
    let heard = String::from_utf8(hear_all(&mut program).await.unwrap()).unwrap();
    assert!(heard.starts_with("HTTP/1.1 400 ") && heard.contains("SOCKS port"), "{heard}");
    assert_eq!(played.seen(), []);
}

#[tokio::test]
async fn nobody_is_granted_before_the_far_end_is_connected() {
    let played = Played::new();
    let front = start(&played, config()).await;
    let mut program = say(&front, &four("slow")).await;
    soon(played.begun()).await;
    let early = program.try_read(&mut [0; 1]).expect_err("nothing yet");
    assert_eq!(early.kind(), std::io::ErrorKind::WouldBlock);
    played.let_through();
    assert_eq!(hear(&mut program).await, GRANTED_4);
}

#[tokio::test]
async fn a_program_that_leaves_is_not_dialled_for() {
    let played = Played::new();
    let front = start(&played, config()).await;
    let program = say(&front, &four("deaf")).await;
    soon(played.begun()).await;
    drop(program);
    soon(played.abandoned()).await;
}

#[tokio::test]
async fn nobody_waits_longer_than_the_deadline() {
    let played = Played::new();
    let connect = Duration::from_millis(50);
    let front = start(&played, SocksConfig { connect, ..config() }).await;
    let mut program = say(&front, &[&[5, 1, 0], &five("deaf")[..]].concat()).await;
    let wanted = [&[5, 0], &five_says(1)[..]].concat();
    assert_eq!(hear_all(&mut program).await.unwrap(), wanted);
    soon(played.abandoned()).await;
}

/// Cut at every byte, and then silence, or the end.
#[tokio::test]
async fn a_request_that_is_cut_short_is_closed_at_the_deadline_or_at_once() {
    let played = Played::new();
    let handshake = Duration::from_millis(300);
    let front = start(&played, SocksConfig { handshake, ..config() }).await;
    let talks = [
        four("echo"),
        b"\x04\x01\x46\xa1\x0a\x00\x00\x01user\x00".to_vec(),
        [b"\x05\x02\x00\x02\x01\x04user\x02pw", &five("echo")[..]].concat(),
    ];
    let (mut silent, mut ended) = (Vec::new(), Vec::new());
    let began = Instant::now();
    for talk in &talks {
        for cut in 0..talk.len() {
            silent.push(say(&front, &talk[..cut]).await);
            let mut program = say(&front, &talk[..cut]).await;
            program.shutdown().await.unwrap();
            ended.push(program);
        }
    }
    for program in &mut ended {
        hear_all(program).await.expect("an end, no reset");
    }
    for program in &mut silent {
        let heard = hear_all(program).await.expect("an end, no reset");
        assert!(heard.len() <= 4, "a greeting's answers at most: {heard:?}");
    }
    assert!(began.elapsed() >= handshake, "the silent ones had their time");
    assert_eq!(played.seen(), []);
}

#[tokio::test]
async fn connections_beyond_the_bound_are_refused_until_there_is_room() {
    let played = Played::new();
    let front = start(&played, SocksConfig { connections: 2, ..config() }).await;
    let mut first = connected(&front, "echo").await;
    let _second = connected(&front, "echo").await;
    let mut third = say(&front, &four("echo")).await;
    assert_eq!(hear_all(&mut third).await.unwrap(), REJECTED_4);
    let mut third = say(&front, &[&[5, 1, 0], &five("echo")[..]].concat()).await;
    assert_eq!(hear_all(&mut third).await.unwrap(), [&[5, 0], &five_says(1)[..]].concat());
    assert_eq!(played.seen().len(), 2, "nothing was dialled for those");

    first.shutdown().await.unwrap();
    assert_eq!(hear_all(&mut first).await.unwrap(), b"");
    let room = async {
        loop {
            let mut program = say(&front, &four("echo")).await;
            if hear::<8>(&mut program).await == GRANTED_4 {
                break;
            }
        }
    };
    soon(room).await;
}

/// As many again say nothing: they are closed, and do no harm.
#[tokio::test]
async fn those_that_are_turned_away_are_bounded_too() {
    let played = Played::new();
    let front = start(&played, SocksConfig { connections: 1, ..config() }).await;
    let mut first = connected(&front, "echo").await;
    let mut others = Vec::new();
    for _ in 0..100 {
        others.push(say(&front, &[]).await);
    }
    let mut closed = 0;
    for program in others.drain(64..) {
        // Whether by an end or a reset.
        let mut program = program;
        let heard = soon(program.read(&mut [0; 1])).await;
        assert!(matches!(heard, Ok(0) | Err(_)), "{heard:?}");
        closed += 1;
    }
    assert_eq!(closed, 36);
    first.write_all(b"still here").await.unwrap();
    assert_eq!(&hear::<10>(&mut first).await, b"still here");
}
