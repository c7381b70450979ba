//! Registers with one directory, or with each of several: a majority of them decides.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::shell::{self, Standing};
use super::{Registrar, RegistrarConfig, RegistrarCounters, RegistrarState};
use crate::client::DirectoryClient;
use crate::document::Descriptor;

pub(super) fn spawn(
    config: RegistrarConfig,
    clients: Vec<DirectoryClient>,
    descriptor: Descriptor,
) -> Registrar {
    let (descriptor, descriptors) = watch::channel(descriptor);
    let counters = Arc::new(RegistrarCounters::default());
    let counted = counters.clone();
    let register =
        move |client| shell::spawn(config.clone(), client, descriptors.clone(), counted.clone());
    let standings: Vec<Standing> = clients.into_iter().map(register).collect();
    let leave = standings.iter().map(|standing| standing.leave.clone()).collect();
    let mut states: Vec<_> = standings.into_iter().map(|standing| standing.state).collect();
    let (merged, state) = watch::channel(merge(&look(&mut states)));
    tokio::spawn(keep_merged(states, merged));
    Registrar { descriptor, leave, state, counters }
}

fn look(states: &mut [watch::Receiver<RegistrarState>]) -> Vec<RegistrarState> {
    states.iter_mut().map(|state| state.borrow_and_update().clone()).collect()
}

/// Shows how the node stands with all together, until it has left or nobody looks any more.
async fn keep_merged(
    mut states: Vec<watch::Receiver<RegistrarState>>,
    merged: watch::Sender<RegistrarState>,
) {
    loop {
        let state = merge(&look(&mut states));
        merged.send_if_modified(|old| {
            let modified = *old != state;
            *old = state;
            modified
        });
        let mut changes = JoinSet::new();
        for state in &states {
            let mut state = state.clone();
            changes.spawn(async move { state.changed().await.is_ok() });
        }
        let goes_on = async {
            while let Some(changed) = changes.join_next().await {
                if matches!(changed, Ok(true)) {
                    return true;
                }
            }
            // All have ended, so nothing changes any more.
            false
        };
        tokio::select! {
            goes_on = goes_on => if !goes_on { return },
            () = merged.closed() => return,
        }
    }
}

/// As the node stands with a majority: with the worse half it need not stand well.
fn merge(states: &[RegistrarState]) -> RegistrarState {
    let mut states: Vec<_> = states.iter().collect();
    states.sort_by_key(|state| match state {
        RegistrarState::Registered { .. } => 0,
        RegistrarState::Unregistered => 1,
        RegistrarState::Lapsing { .. } => 2,
        RegistrarState::Connecting { .. } => 3,
        RegistrarState::Rejected { .. } => 4,
    });
    states[states.len() / 2].clone()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn a_majority_decides() {
        let registered = RegistrarState::Registered { epoch: 4 };
        let connecting =
            RegistrarState::Connecting { since: SystemTime::UNIX_EPOCH, last_error: None };
        let merged = |states: &[&RegistrarState]| {
            merge(&states.iter().map(|state| (*state).clone()).collect::<Vec<_>>())
        };
        assert_eq!(merged(&[&registered]), registered);
        assert_eq!(merged(&[&registered, &connecting, &registered]), registered);
        assert_eq!(merged(&[&connecting, &registered, &connecting]), connecting);
    }
}
