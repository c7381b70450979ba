//! The sessions of a client together, in virtual time.

use std::time::Duration;

use mixbed_client::core::Limits;
use mixbed_session::{Code, End as _};
use mixbed_wire::NodeId;

use crate::lane::{Lane, User};

const MINUTE: Duration = Duration::from_secs(60);

fn run(lane: &mut Lane, users: &mut [User]) {
    let end = lane.now + MINUTE;
    while users.iter().any(|user| !user.ended) {
        users.iter_mut().for_each(User::act);
        assert!(lane.step() && lane.now < end, "it gets done");
    }
}

#[test]
fn sessions_share_what_may_be_sent_with_each_other_and_with_messages() {
    let mut lane = Lane::new(1);
    let mut users: Vec<_> = ["one", "two", "three"]
        .map(|isolation| {
            let session = lane.session(isolation);
            User::new(&session, 2_000_000, lane.now)
        })
        .into();
    lane.order(&vec![7; 500_000]);
    lane.order(&vec![7; 500_000]);
    users.iter_mut().for_each(User::act);
    lane.send();
    let (sessions, messages) = (lane.sent["session"], lane.sent["message"]);
    let window = u64::try_from(Limits::default().total_window).expect("small");
    assert!(sessions + messages <= window, "{sessions} and {messages}");
    assert!(messages >= 64, "two messages' windows of {}: {messages}", Limits::default().window);
    assert!(sessions >= window / 2, "{sessions}");
    let each: Vec<_> = users.iter().map(|user| user.end().streams()).collect();
    assert_eq!(each, [1, 1, 1]);
    // The messages are never answered; the streams get on all the same, and evenly.
    let half = |user: &User| user.back >= 1_000_000;
    let began = lane.now;
    let end = began + MINUTE;
    while !users.iter().any(half) {
        users.iter_mut().for_each(User::act);
        assert!(lane.step() && lane.now < end, "it gets done");
    }
    let back: Vec<_> = users.iter().map(|user| user.back).collect();
    println!("{back:?} after {:?}", lane.now - began);
    assert!(back.iter().all(|back| *back >= 400_000), "{back:?}");
}

#[test]
fn nothing_is_kept_of_what_is_over() {
    for loss in [0.0, 0.1] {
        let mut lane = Lane::new(2);
        lane.loss = loss;
        let session = lane.session("");
        let mut users: Vec<_> = (0..5).map(|_| User::new(&session, 30_000, lane.now)).collect();
        run(&mut lane, &mut users);
        assert!(users.iter().all(|user| user.back == 30_000));
        let most = mixbed_session::Limits::default().blocks;
        assert!(lane.sessions.replies() <= most, "{}", lane.sessions.replies());
        lane.sessions.close(session.number, Code::Closed.into(), lane.now);
        while lane.step() && !lane.sessions.is_empty() {}
        assert_eq!((lane.sessions.len(), lane.sessions.replies()), (0, 0));
        assert_eq!(lane.sessions.under_way(), 0);
    }
}

#[test]
fn a_provider_that_has_forgotten_a_session_says_so_within_a_round_trip() {
    let mut lane = Lane::new(3);
    let session = lane.session("");
    let mut users = [User::new(&session, 1000, lane.now)];
    run(&mut lane, &mut users);
    lane.restart_provider();
    let began = lane.now;
    let mut user = User::new(&session, 1000, lane.now);
    user.act();
    while session.end.lock().closed().is_none() {
        assert!(lane.step(), "it hears of it");
    }
    assert!(lane.now - began < Duration::from_secs(2), "{:?}", lane.now - began);
    let closed = lane.sessions.poll_closed().expect("told");
    assert_eq!(closed.reason.code(), Code::SessionLost);
    let again = lane.session("");
    assert_ne!(again.number, session.number);
    run(&mut lane, &mut [User::new(&again, 1000, began)]);
}

#[test]
fn packets_of_sessions_tell_which_node_loses_them() {
    let mut lane = Lane::new(4);
    let bad = NodeId::from_bytes([21; 8]);
    lane.bad.insert(bad, 1.0);
    let session = lane.session("");
    let user = User::new(&session, 400_000, lane.now);
    run(&mut lane, &mut [user]);
    let weights = lane.suspicion().weights(lane.now);
    assert!(weights.of(bad) < 0.1, "{weights:?}");
    for good in [20, 22, 10, 11, 12, 30, 31, 32, 9] {
        let good = NodeId::from_bytes([good; 8]);
        assert!(weights.of(good) > 3.0 * weights.of(bad), "{good}: {weights:?}");
    }
}
