//! From what is known to how the client is.

use mixbed_directory::{Document, Follower, FollowerState};

use crate::state::State;

/// How the client is. `linked`: there is a link; `trouble`: what went wrong with it last.
pub(super) fn judge(directory: &Follower, linked: bool, trouble: Option<&str>) -> State {
    decide(&directory.state(), directory.current().as_deref(), linked, trouble)
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
