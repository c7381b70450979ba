//! Which session a stream is opened in, and what is kept of it. What goes on in one is tested with
//! its two ends.

use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::*;

struct Rig {
    sessions: Sessions<()>,
    now: Instant,
    rng: ChaCha20Rng,
}

#[expect(clippy::disallowed_methods, reason = "a test needs some time to begin at")]
fn rig() -> Rig {
    let rng = ChaCha20Rng::seed_from_u64(1);
    Rig { sessions: Sessions::default(), now: Instant::now(), rng }
}

fn node(id: u8) -> NodeId {
    NodeId::from_bytes([id; 8])
}

impl Rig {
    fn choose(
        &mut self,
        providers: &[u8],
        isolation: Option<&str>,
    ) -> Result<Session, SessionError> {
        self.now += Duration::from_millis(1);
        let providers: Vec<_> = providers.iter().map(|id| node(*id)).collect();
        let limits = mixbed_session::Limits::default();
        self.sessions.choose(&providers, isolation, limits, self.now, &mut self.rng)
    }
}

#[test]
fn a_session_is_shared_by_streams_of_one_isolation_and_provider() {
    let mut rig = rig();
    let one = rig.choose(&[1, 2], None).expect("a new one");
    assert_eq!(one.provider, node(1), "the first one");
    let again = rig.choose(&[2, 1], None).expect("the same");
    assert_eq!((again.number, again.provider), (one.number, node(1)), "it is there already");
    let apart = rig.choose(&[1], Some("alice")).expect("a new one");
    let other = rig.choose(&[2], None).expect("a new one");
    assert_eq!(rig.sessions.len(), 3);
    assert_ne!(apart.number, one.number);
    assert_eq!(other.provider, node(2));
    assert_eq!(rig.choose(&[1], Some("alice")).expect("the same").number, apart.number);
    assert!(matches!(rig.choose(&[], None), Err(SessionError::NoProvider)));
}

#[test]
fn one_that_is_over_is_not_used_again_and_is_told_of_once() {
    let mut rig = rig();
    let one = rig.choose(&[1], None).expect("a new one");
    rig.sessions.close(one.number, Reason::from(Code::Stopped), rig.now);
    let closed = rig.sessions.poll_closed().expect("told");
    assert_eq!((closed.session, closed.provider), (one.number, node(1)));
    assert_eq!(closed.reason.code(), Code::Stopped);
    assert_eq!(rig.sessions.poll_closed(), None);
    assert_ne!(rig.choose(&[1], None).expect("a new one").number, one.number);
    while rig.sessions.poll_transmit(10, rig.now).is_some() {}
    assert_eq!(rig.sessions.len(), 1, "nothing is kept of the other one");
}

#[test]
fn nobody_waits_for_ever_for_a_link() {
    let mut rig = rig();
    let session = rig.choose(&[1], None).expect("a new one");
    rig.sessions.handle_cut_off(rig.now);
    rig.sessions.handle_cut_off(rig.now + CUT_OFF / 2);
    let at = rig.sessions.poll_timeout().expect("it has an end");
    assert!(at <= rig.now + CUT_OFF);
    rig.sessions.handle_timeout(rig.now + CUT_OFF);
    assert_eq!(rig.sessions.len(), 0);
    assert_eq!(session.end.lock().closed().map(Reason::code), Some(Code::SessionLost));
    let again = rig.choose(&[1], None).expect("a new one");
    rig.sessions.handle_connected();
    rig.sessions.handle_timeout(rig.now + 2 * CUT_OFF);
    assert!(again.end.lock().closed().is_none(), "it is back");
}

#[test]
fn the_idle_one_that_was_used_least_recently_makes_room() {
    let mut rig = rig();
    let name = |number: usize| number.to_string();
    let first = rig.choose(&[1], Some(&name(0))).expect("a new one");
    let _stream = first.end.open("echo", "", rig.now).expect("opened");
    for number in 1..SESSIONS {
        rig.choose(&[1], Some(&name(number))).expect("a new one");
    }
    let second = rig.choose(&[1], Some(&name(1))).expect("the same");
    let new = rig.choose(&[1], Some("new")).expect("there is one to make room");
    assert_eq!(rig.sessions.len(), SESSIONS);
    assert_eq!(rig.choose(&[1], Some(&name(0))).expect("kept").number, first.number);
    assert_eq!(rig.choose(&[1], Some(&name(1))).expect("kept").number, second.number);
    let mut streams = Vec::new();
    for name in (0..SESSIONS).filter(|number| *number != 2).map(name) {
        let session = rig.choose(&[1], Some(&name)).expect("kept");
        streams.push(session.end.open("echo", "", rig.now).expect("opened"));
    }
    streams.push(new.end.open("echo", "", rig.now).expect("opened"));
    assert!(matches!(rig.choose(&[1], Some("newer")), Err(SessionError::TooMany)));
    drop(streams);
    assert_eq!(rig.sessions.replies(), 0);
}

#[test]
fn all_windows_together_are_bounded() {
    let limits = mixbed_session::Limits::default();
    let window = |sessions| share(limits, sessions).session_window;
    assert_eq!((window(0), window(15), window(16)), (4 << 20, 4 << 20, (64 << 20) / 17));
    assert_eq!(window(SESSIONS - 1), FIRST_SESSION_WINDOW);
    assert!((0..SESSIONS).map(window).sum::<usize>() < 305 << 20);
}

#[test]
fn what_waits_for_its_turn_has_no_timer() {
    let mut rig = rig();
    let session = rig.choose(&[1], None).expect("a new one");
    let stream = session.end.lock().open("echo", "", rig.now).expect("room");
    let first = rig.sessions.poll_transmit(10, rig.now).expect("the opening");
    let (there, route) = (Duration::from_millis(200), vec![node(3)]);
    let replies = (0..first.blocks).map(|block| ReplyDue {
        identifier: [u8::try_from(block).expect("six"); 16],
        back: there,
        route: route.clone(),
        key: (),
    });
    let sent = Sent { there, replies: replies.collect(), route: route.clone() };
    rig.sessions.handle_sent(&first, sent, rig.now);

    session.end.lock().write(stream, b"little").expect("room");
    assert!(rig.sessions.poll_transmit(10, rig.now).is_none(), "it waits for more");
    rig.now = rig.sessions.poll_timeout().expect("not for ever");
    rig.sessions.handle_timeout(rig.now);
    assert!(rig.sessions.poll_transmit(0, rig.now).is_none(), "others are on their way");
    let next = rig.sessions.poll_timeout();
    assert!(next.is_none_or(|at| at > rig.now), "whoever sleeps until then sleeps");
    assert!(rig.sessions.poll_transmit(10, rig.now).is_some());
}
