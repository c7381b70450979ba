//! From what is known to how the client is.

use std::fmt::Write as _;

use mixbed_directory::{Document, Follower, FollowerState};
use mixbed_wire::NodeId;

use crate::core::LoopReport;
use crate::state::State;

/// How the client is. `linked`: there is a link; `trouble`: what went wrong with it last.
pub(super) fn judge(
    directory: &Follower,
    linked: bool,
    trouble: Option<&str>,
    loops: &LoopReport,
) -> State {
    let document = directory.current();
    match decide(&directory.state(), document.as_deref(), linked, trouble) {
        State::Ready if loops.is_bad() || loops.verdict.is_some() => {
            State::Degraded { why: lossy(loops, document.as_deref()), sending: true }
        }
        state => state,
    }
}

/// What takes packets, as far as the loops can tell.
fn lossy(loops: &LoopReport, document: Option<&Document>) -> String {
    let name = |id: NodeId| {
        let node = document.and_then(|document| document.node(&id));
        node.map_or_else(|| id.to_string(), |node| node.name.clone())
    };
    if let Some(verdict) = &loops.verdict {
        return verdict.words(name);
    }
    let mut why = format!("something takes packets: only {} loops came back", loops.recent);
    if let Some((id, share)) = loops.worst() {
        let _ = write!(why, ", the fewest through {} ({share})", name(id));
    }
    why
}

fn decide(
    directory: &FollowerState,
    document: Option<&Document>,
    linked: bool,
    trouble: Option<&str>,
) -> State {
    let degraded = |why: String, sending| State::Degraded { why, sending };
    let Some(document) = document else {
        return match directory {
            skewed @ FollowerState::Skewed { .. } => degraded(skewed.to_string(), false),
            FollowerState::Connecting { last_error: None, .. } | FollowerState::Following => {
                State::Connecting
            }
            other => degraded(format!("no document of the network: {other}"), false),
        };
    };
    if let Err(missing) = document.is_complete() {
        let parts: Vec<_> = missing.iter().map(ToString::to_string).collect();
        return degraded(format!("the network lacks {}", parts.join(", ")), false);
    }
    match (linked, trouble, directory) {
        (false, None, _) => State::Connecting,
        (false, Some(why), _) => degraded(why.to_owned(), false),
        (true, _, FollowerState::Following) => State::Ready,
        (true, _, other) => degraded(format!("using the last document: {other}"), true),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use mixbed_directory::Parameters;

    use super::*;

    /// A document that lacks everything.
    fn empty() -> Document {
        let now = SystemTime::UNIX_EPOCH;
        Document {
            network: "test".to_owned(),
            epoch: 1,
            revision: 1,
            valid_from: now,
            epoch_end: now + Duration::from_secs(1),
            valid_until: now + Duration::from_secs(2),
            parameters: Parameters::default(),
            nodes: Vec::new(),
        }
    }

    #[test]
    fn a_start_is_no_trouble_but_a_directory_that_is_away_is() {
        let since = SystemTime::UNIX_EPOCH;
        let connecting = |last_error| FollowerState::Connecting { since, last_error };
        assert_eq!(decide(&connecting(None), None, false, None), State::Connecting);
        let away = decide(&connecting(Some("refused".to_owned())), None, true, None);
        assert!(!away.can_send() && away.to_string().contains("refused"), "{away}");
        let expired = FollowerState::Expired { since, why: "no newer one".to_owned() };
        let expired = decide(&expired, None, true, None);
        assert!(!expired.can_send() && expired.to_string().contains("no newer one"), "{expired}");
    }

    #[test]
    fn a_network_with_missing_parts_says_which() {
        let state = decide(&FollowerState::Following, Some(&empty()), true, None);
        assert!(state.to_string().contains("a mix in layer 2"), "{state}");
        assert!(!state.can_send());
    }
}
