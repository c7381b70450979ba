//! What users read in `kubectl describe`: each thing once, when it begins to be so.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

/// The longest note that the API server takes is 1 kB.
const NOTE: usize = 1000;

/// The most resources whose notices are remembered.
const REMEMBERED: usize = 1024;

/// Something that a user may want to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Notice {
    /// It needs somebody to do something.
    pub(crate) warning: bool,
    /// One CamelCase word.
    pub(crate) reason: String,
    /// A sentence.
    pub(crate) note: String,
}

impl Notice {
    pub(crate) fn normal(reason: &str, note: impl Into<String>) -> Self {
        Self { warning: false, reason: reason.to_owned(), note: note.into() }
    }

    pub(crate) fn warning(reason: &str, note: impl Into<String>) -> Self {
        Self { warning: true, reason: reason.to_owned(), note: note.into() }
    }
}

/// Those that were not so before.
fn news(before: Option<&BTreeSet<Notice>>, now: &BTreeSet<Notice>) -> Vec<Notice> {
    now.iter()
        .filter(|notice| before.is_none_or(|before| !before.contains(*notice)))
        .cloned()
        .collect()
}

/// Publishes events. Cheap to clone; clones share what they remember.
#[derive(Clone)]
pub(crate) struct Events {
    client: Client,
    reporter: Reporter,
    /// What is so now, by the resource's uid.
    standing: Arc<Mutex<HashMap<String, BTreeSet<Notice>>>>,
}

impl Events {
    pub(crate) fn new(client: Client, instance: String) -> Self {
        let reporter =
            Reporter { controller: crate::api::FIELD_MANAGER.to_owned(), instance: Some(instance) };
        Self { client, reporter, standing: Arc::default() }
    }

    /// All that is so now for a resource; what was not so when it was last told is published.
    pub(crate) async fn stand(&self, about: &ObjectReference, now: BTreeSet<Notice>) {
        let uid = about.uid.clone().unwrap_or_default();
        let news = {
            let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
            let news = news(standing.get(&uid), &now);
            if standing.len() < REMEMBERED || standing.contains_key(&uid) {
                standing.insert(uid, now);
            }
            news
        };
        for notice in news {
            self.publish(about, notice).await;
        }
    }

    /// A resource is gone.
    pub(crate) fn forget(&self, uid: &str) {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    /// Something that happened once.
    pub(crate) async fn publish(&self, about: &ObjectReference, notice: Notice) {
        let Notice { warning, reason, note } = notice;
        let event = Event {
            type_: if warning { EventType::Warning } else { EventType::Normal },
            reason,
            note: Some(cut(note)),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        // A recorder counts up an event of the same reason and keeps its first note, whatever the
        // new one says. What comes here is news: a recorder each.
        let recorder = Recorder::new(self.client.clone(), self.reporter.clone());
        if let Err(error) = recorder.publish(&event, about).await {
            tracing::debug!(%error, reason = event.reason, "an event was not published");
        }
    }
}

fn cut(mut note: String) -> String {
    if note.len() > NOTE {
        let end = (0..=NOTE - 3).rev().find(|end| note.is_char_boundary(*end)).unwrap_or_default();
        note.truncate(end);
        note.push('…');
    }
    note
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_not_so_before_is_news() {
        let foreign = Notice::warning("ForeignObject", "Service m-nodes");
        let ready = Notice::normal("Ready", "transactions get through");
        let before = BTreeSet::from([foreign.clone()]);
        let now = BTreeSet::from([foreign.clone(), ready.clone()]);
        assert_eq!(news(None, &now).len(), 2);
        assert_eq!(news(Some(&before), &now), [ready]);
        assert_eq!(news(Some(&now), &before), []);
        assert_eq!(news(Some(&BTreeSet::new()), &before), [foreign]);
    }

    #[test]
    fn a_note_fits_the_api_server() {
        assert!(cut("ä".repeat(2000)).len() <= NOTE + 3);
        assert_eq!(cut("short".to_owned()), "short");
    }
}
