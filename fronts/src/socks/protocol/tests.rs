//! Every message, cut at every byte, and what is wrong with the others.

use proptest::prelude::*;

use super::target::TargetError;
use super::*;

/// The bytes after which each answer is due, what it is, and the request at the end.
struct Talk {
    says: Vec<(Vec<u8>, [u8; 2])>,
    request: Vec<u8>,
    wanted: (Version, &'static str, Option<&'static str>),
}

fn talks() -> Vec<Talk> {
    let four = |request: &[u8], target, user| Talk {
        says: Vec::new(),
        request: request.to_vec(),
        wanted: (Version::Four, target, user),
    };
    let five = |request: &[u8], target| Talk {
        says: vec![(vec![5, 1, 0], [5, 0])],
        request: request.to_vec(),
        wanted: (Version::Five, target, None),
    };
    let v6 = [&[5, 1, 0, 4][..], &[0x20, 1, 0xd, 0xb8], &[0; 11], &[1, 0x46, 0xa1]].concat();
    let mut named = five(&[5, 1, 0, 1, 10, 0, 0, 1, 0, 80], "10.0.0.1:80");
    named.says = vec![(vec![5, 3, 0, 1, 2], [5, 2]), (b"\x01\x03a:b\x01c".to_vec(), [1, 0])];
    named.wanted.2 = Some("5:3:a:b:c");
    vec![
        four(b"\x04\x01\x46\xa1\x0a\x00\x00\x01\x00", "10.0.0.1:18081", None),
        four(b"\x04\x01\x46\xa1\x0a\x00\x00\x01me\x00", "10.0.0.1:18081", Some("4:me")),
        four(
            b"\x04\x01\x46\xa1\x00\x00\x00\x01\x00monerod.mixbed\x00",
            "monerod.mixbed:18081",
            None,
        ),
        four(b"\x04\x01\x00\x50\x00\x00\x00\xff\xff\x00::1\x00", "[::1]:80", Some("4:\\xff")),
        five(b"\x05\x01\x00\x03\x0emonerod.mixbed\x46\xa1", "monerod.mixbed:18081"),
        five(&v6, "[2001:db8::1]:18081"),
        named,
        // Tor's: the port is nothing's.
        four(b"\x04\xf0\x00\x00\x00\x00\x00\x01\x00a.example\x00", "address of a.example", None),
        five(b"\x05\xf0\x00\x03\x09a.example\x00\x00", "address of a.example"),
        five(b"\x05\xf0\x00\x03\x0910.0.0.1\x30\x00\x50", "address of address 10.0.0.10"),
        five(b"\x05\xf1\x00\x01\xc6\x12\x00\x01\x00\x00", "name of 198.18.0.1"),
    ]
}

impl Talk {
    /// All its bytes, and where each message ends.
    fn whole(&self) -> (Vec<u8>, Vec<usize>) {
        let messages = self.says.iter().map(|(message, _)| message).chain([&self.request]);
        let mut bytes = Vec::new();
        let ends = messages.map(|message| {
            bytes.extend_from_slice(message);
            bytes.len()
        });
        let ends = ends.collect();
        (bytes, ends)
    }

    fn check(&self, answers: &[[u8; 2]], request: &Request) {
        let wanted: Vec<_> = self.says.iter().map(|(_, answer)| *answer).collect();
        assert_eq!(answers, wanted);
        let (version, target, isolation) = self.wanted;
        assert_eq!(request.version, version);
        let found = match &request.wanted {
            Wanted::Connection(target) => target.to_string(),
            Wanted::Address(Host::Name(name)) => format!("address of {name}"),
            Wanted::Address(Host::Address(ip)) => format!("address of address {ip}"),
            Wanted::Name(ip) => format!("name of {ip}"),
        };
        assert_eq!(found, target);
        assert_eq!(request.isolation, isolation.map(|name| Isolation(name.to_owned())));
    }
}

/// Everything that it wants to do before it wants more.
fn steps(handshake: &mut Handshake) -> Result<Vec<Step>, Malformed> {
    let mut steps = Vec::new();
    collect(handshake, &mut steps).map(|()| steps)
}

fn collect(handshake: &mut Handshake, steps: &mut Vec<Step>) -> Result<(), Malformed> {
    loop {
        match handshake.poll()? {
            Step::More => return Ok(()),
            Step::Request(request) => {
                steps.push(Step::Request(request));
                return Ok(());
            }
            answer @ Step::Answer(_) => steps.push(answer),
        }
    }
}

fn sort(steps: Vec<Step>) -> (Vec<[u8; 2]>, Option<Request>) {
    let (mut answers, mut request) = (Vec::new(), None);
    for step in steps {
        match step {
            Step::More => {}
            Step::Answer(answer) => answers.push(answer),
            Step::Request(found) => request = Some(found),
        }
    }
    (answers, request)
}

#[test]
fn each_message_may_be_cut_at_every_byte() {
    for talk in talks() {
        let (bytes, ends) = talk.whole();
        for cut in 0..bytes.len() {
            let mut handshake = Handshake::default();
            assert!(!handshake.has_begun());
            handshake.handle(&bytes[..cut]);
            assert_eq!(handshake.has_begun(), cut > 0);
            let (mut answers, request) = sort(steps(&mut handshake).unwrap());
            assert_eq!(request, None, "cut at {cut} of {bytes:?}");
            let complete = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(answers.len(), complete, "cut at {cut} of {bytes:?}");
            handshake.handle(&bytes[cut..]);
            let (more, request) = sort(steps(&mut handshake).unwrap());
            answers.extend(more);
            talk.check(&answers, &request.expect("all is said"));
            assert_eq!(handshake.into_rest(), b"");
        }
    }
}

#[test]
fn byte_by_byte_it_is_the_same_and_what_follows_is_kept() {
    for talk in talks() {
        let (bytes, _) = talk.whole();
        let (mut handshake, mut found) = (Handshake::default(), Vec::new());
        for byte in &bytes {
            handshake.handle(&[*byte]);
            found.extend(steps(&mut handshake).unwrap());
        }
        let (answers, request) = sort(found);
        talk.check(&answers, &request.unwrap());

        let mut handshake = Handshake::default();
        handshake.handle(&bytes);
        handshake.handle(b"\x04GET / HTTP/1.1");
        let (answers, request) = sort(steps(&mut handshake).unwrap());
        talk.check(&answers, &request.unwrap());
        assert_eq!(handshake.into_rest(), b"\x04GET / HTTP/1.1");
    }
}

/// What comes of these bytes after the greeting, if it is SOCKS 5.
fn bad(version: Version, bytes: &[u8]) -> Malformed {
    let mut handshake = Handshake::default();
    if version == Version::Five {
        handshake.handle(&[5, 1, 0]);
    }
    handshake.handle(bytes);
    steps(&mut handshake).expect_err("it is wrong")
}

#[test]
fn what_is_no_request_is_answered_in_its_own_dialect() {
    use Version::{Five, Four};
    let rejected = &[0, 91, 0, 0, 0, 0, 0, 0][..];
    let five = |code: u8| vec![5, code, 0, 1, 0, 0, 0, 0, 0, 0];
    let target = |version, source| Malformed::Target { version, source };
    let command = |version, command| Malformed::Command { version, command };
    let long_name = [&b"\x04\x01\x00\x50\x00\x00\x00\x01\x00"[..], &[b'a'; 256]].concat();
    let long_user = [&b"\x04\x01\x00\x50\x0a\x00\x00\x01"[..], &[b'a'; 256]].concat();
    let cases: Vec<(Malformed, Malformed, Vec<u8>)> = vec![
        (bad(Four, b"GET / HTTP/1.1\r\n\r\n"), Malformed::Http, Malformed::Http.answer()),
        (bad(Four, b"C"), Malformed::Http, Malformed::Http.answer()),
        (bad(Four, &[0x16, 3, 1]), Malformed::Version(0x16), vec![]),
        (bad(Four, &[0]), Malformed::Version(0), vec![]),
        (bad(Four, &[4, 2]), command(Four, 2), rejected.to_vec()),
        (bad(Four, &[4, 9]), command(Four, 9), rejected.to_vec()),
        (bad(Four, &long_user), Malformed::LongUser, rejected.to_vec()),
        (bad(Four, &long_name), target(Four, TargetError::LongName), rejected.to_vec()),
        (
            bad(Four, b"\x04\x01\x00\x00\x0a\x00\x00\x01\x00"),
            target(Four, TargetError::NoPort),
            rejected.to_vec(),
        ),
        (
            bad(Four, b"\x04\x01\x00\x50\x00\x00\x00\x01\x00\x00"),
            target(Four, TargetError::NoName),
            rejected.to_vec(),
        ),
        (bad(Four, &[5, 0]), Malformed::NoMethod, vec![5, 0xff]),
        (bad(Four, &[5, 2, 1, 0x80]), Malformed::NoMethod, vec![5, 0xff]),
        (bad(Four, &[5, 1, 2, 5]), Malformed::AuthVersion(5), vec![1, 1]),
        (bad(Five, &[4]), Malformed::RequestVersion(4), five(1)),
        (bad(Five, &[5, 2]), command(Five, 2), five(7)),
        (bad(Five, &[5, 3]), command(Five, 3), five(7)),
        (bad(Five, &[5, 0xf2]), command(Five, 0xf2), five(7)),
        (bad(Four, &[4, 0xf1]), command(Four, 0xf1), rejected.to_vec()),
        (
            bad(Five, b"\x05\xf1\x00\x03\x01a\x00\x00"),
            target(Five, TargetError::NoAddress),
            five(1),
        ),
        (bad(Five, b"\x05\xf0\x00\x03\x00\x00\x00"), target(Five, TargetError::NoName), five(1)),
        (bad(Five, &[5, 1, 0, 2]), Malformed::AddressType(2), five(8)),
        (bad(Five, b"\x05\x01\x00\x03\x00\x00\x50"), target(Five, TargetError::NoName), five(1)),
        (
            bad(Five, b"\x05\x01\x00\x03\x03a b\x00\x50"),
            target(Five, TargetError::BadName),
            five(1),
        ),
    ];
    for (found, wanted, answer) in cases {
        assert_eq!(found, wanted);
        assert_eq!(found.answer(), answer, "{found}");
    }
    assert!(command(Five, 3).to_string().contains("UDP"));
}

#[test]
fn grants_and_refusals_have_their_codes() {
    let (four, five) = (Version::Four, Version::Five);
    assert_eq!(four.granted(), [0, 90, 0, 0, 0, 0, 0, 0]);
    assert_eq!(five.granted(), [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    let (v4, v6) = ([198, 18, 0, 1].into(), std::net::Ipv6Addr::LOCALHOST.into());
    assert_eq!(five.address(v4), [5, 0, 0, 1, 198, 18, 0, 1, 0, 0]);
    assert_eq!(five.address(v6)[..5], [5, 0, 0, 4, 0]);
    assert_eq!(five.address(v6).len(), 22);
    assert_eq!(four.address(v4), [0, 90, 0, 0, 198, 18, 0, 1]);
    assert_eq!(four.address(v6), [0, 91, 0, 0, 0, 0, 0, 0]);
    assert_eq!(five.name("ab"), b"\x05\x00\x00\x03\x02ab\x00\x00");
    let refusals = [
        Refusal::General,
        Refusal::Forbidden,
        Refusal::NetworkUnreachable,
        Refusal::HostUnreachable,
        Refusal::Refused,
        Refusal::TimedOut,
        Refusal::Command,
        Refusal::AddressType,
    ];
    for (code, refusal) in (1..).zip(refusals) {
        assert_eq!(five.refused(refusal), [5, code, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(four.refused(refusal), [0, 91, 0, 0, 0, 0, 0, 0]);
    }
}

#[test]
fn names_of_users_keep_apart_and_are_not_shown() {
    let five = |user: &[u8], password: &[u8]| Isolation::of_user_and_password(user, password);
    assert!(five(b"a", b"b:c") != five(b"a:b", b"c"));
    assert!(five(b"a", b"") != five(b"", b"a"));
    assert!(five(b"\xff", b"") != five(b"\\xff", b""));
    assert!(Isolation::of_user(b"a") != Some(five(b"a", b"")));
    assert!(!format!("{:?}", five(b"me", b"secret")).contains("secret"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_alike_in_any_pieces(
        first in prop_oneof![Just(4_u8), Just(5), any::<u8>()],
        bytes in prop::collection::vec(prop_oneof![0..6_u8, any::<u8>()], 0..700),
        pieces in prop::collection::vec(1..80_usize, 0..40),
    ) {
        let bytes = [&[first], &bytes[..]].concat();
        let read = |pieces: &mut dyn Iterator<Item = usize>| {
            let (mut handshake, mut found, mut left) = (Handshake::default(), Vec::new(), &bytes[..]);
            while !left.is_empty() {
                let length = pieces.next().unwrap_or(left.len()).min(left.len());
                let (piece, rest) = left.split_at(length);
                left = rest;
                handshake.handle(piece);
                if let Err(error) = collect(&mut handshake, &mut found) {
                    return (found, Some(error));
                }
                if matches!(found.last(), Some(Step::Request(_))) {
                    break;
                }
                // Whatever is waited for is no longer than the longest message.
                assert!(handshake.bytes_held() < 520, "{} bytes wait", handshake.bytes_held());
            }
            (found, None)
        };
        prop_assert_eq!(read(&mut std::iter::empty()), read(&mut pieces.into_iter()));
    }
}

/// The password is one for all, and the user name keeps streams apart.
#[test]
fn a_password_lets_in_and_a_name_isolates() {
    let login: mixbed_guard::Login = "mixbed:secret".parse().unwrap();
    let read = |bytes: &[u8]| {
        let mut handshake = Handshake::wanting(Some(login.clone()));
        handshake.handle(bytes);
        loop {
            match handshake.poll() {
                Ok(Step::Answer(_)) => {}
                Ok(Step::Request(request)) => return Ok(request.isolation),
                Ok(Step::More) => panic!("it is whole"),
                Err(error) => return Err(error),
            }
        }
    };
    let five = |user: &[u8], password: &[u8]| {
        let mut bytes = vec![5, 2, 0, 2, 1, u8::try_from(user.len()).unwrap()];
        bytes.extend_from_slice(user);
        bytes.push(u8::try_from(password.len()).unwrap());
        bytes.extend_from_slice(password);
        bytes.extend_from_slice(&[5, 1, 0, 1, 127, 0, 0, 1, 0, 80]);
        bytes
    };
    let (alice, bob) = (read(&five(b"alice", b"secret")), read(&five(b"bob", b"secret")));
    assert!(alice.is_ok() && bob.is_ok() && alice != bob);
    assert_eq!(read(&five(b"alice", b"secret")), alice);
    for wrong in [&b"secreu"[..], b"", b"secret "] {
        let error = read(&five(b"mixbed", wrong)).unwrap_err();
        assert_eq!((error, error.answer()), (Malformed::WrongPassword, vec![1, 1]));
    }
    let nameless = read(&[5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 80]).unwrap_err();
    assert_eq!((nameless, nameless.answer()), (Malformed::NoUser, vec![5, 0xff]));
    let four = read(b"\x04\x01\0\x50\x7f\0\0\x01mixbed\0").unwrap_err();
    assert_eq!(four, Malformed::NoPassword);
}
