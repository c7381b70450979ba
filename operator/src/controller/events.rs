//! What users read in `kubectl describe`: each thing once, when it begins to be so.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

/// The longest note that the API server takes is 1 kB.
const NOTE: usize = 1000;

/// The most resources whose notices are remembered, and notices of each.
const REMEMBERED: usize = 1024;
const NOTICES: usize = 256;

/// How long what was told is not told again although it was otherwise in between: a pod that
/// crashes again and again is told of once.
const QUIET: Duration = Duration::from_secs(600);

/// Something that a user may want to know. Two of the same reason about the same are the same,
/// whatever their words.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    /// It needs somebody to do something.
    warning: bool,
    /// One CamelCase word.
    reason: String,
    /// What makes it different from others of this reason.
    about: String,
    /// A sentence.
    note: String,
}

impl Notice {
    pub(crate) fn normal(reason: &str, note: impl Into<String>) -> Self {
        let note = note.into();
        Self { warning: false, reason: reason.to_owned(), about: note.clone(), note }
    }

    pub(crate) fn warning(reason: &str, note: impl Into<String>) -> Self {
        Self { warning: true, ..Self::normal(reason, note) }
    }

    /// The same, told once for all that are about this.
    pub(crate) fn about(self, about: impl Into<String>) -> Self {
        Self { about: about.into(), ..self }
    }

    fn key(&self) -> (bool, &str, &str) {
        (self.warning, &self.reason, &self.about)
    }
}

impl PartialEq for Notice {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Notice {}

impl PartialOrd for Notice {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Notice {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// What has been told of one resource, and since when it is no longer so, if it is not.
#[derive(Debug, Default)]
struct Told(BTreeMap<Notice, Option<Instant>>);

impl Told {
    /// What is so now; returns what is news.
    fn news(&mut self, standing: BTreeSet<Notice>, now: Instant) -> Vec<Notice> {
        self.0.retain(|_, since| since.is_none_or(|since| now < since + QUIET));
        for (notice, since) in &mut self.0 {
            if !standing.contains(notice) {
                since.get_or_insert(now);
            }
        }
        let mut news = Vec::new();
        for notice in standing {
            if let Some(since) = self.0.get_mut(&notice) {
                *since = None;
            } else if self.0.len() < NOTICES {
                self.0.insert(notice.clone(), None);
                news.push(notice);
            }
        }
        news
    }
}

/// Publishes events. Cheap to clone; clones share what they remember.
#[derive(Clone)]
pub(crate) struct Events {
    client: Client,
    reporter: Reporter,
    /// By the resource's uid.
    told: Arc<Mutex<HashMap<String, Told>>>,
}

impl Events {
    pub(crate) fn new(client: Client, instance: String) -> Self {
        let reporter =
            Reporter { controller: crate::api::FIELD_MANAGER.to_owned(), instance: Some(instance) };
        Self { client, reporter, told: Arc::default() }
    }

    /// All that is so now for a resource; what was not so when it was last told is published.
    pub(crate) async fn stand(&self, about: &ObjectReference, standing: BTreeSet<Notice>) {
        let uid = about.uid.clone().unwrap_or_default();
        let news = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.len() >= REMEMBERED && !told.contains_key(&uid) {
                return;
            }
            told.entry(uid).or_default().news(standing, Instant::now())
        };
        for notice in news {
            self.publish(about, notice).await;
        }
    }

    /// A resource is gone.
    pub(crate) fn forget(&self, uid: &str) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    /// Something that happened once.
    pub(crate) async fn publish(&self, about: &ObjectReference, notice: Notice) {
        let Notice { warning, reason, note, .. } = notice;
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
        let (mut told, mut now) = (Told::default(), Instant::now());
        let of = |notices: &[&Notice]| notices.iter().map(|notice| (*notice).clone()).collect();
        assert_eq!(told.news(of(&[&foreign]), now), std::slice::from_ref(&foreign));
        assert_eq!(told.news(of(&[&foreign, &ready]), now), std::slice::from_ref(&ready));
        now += QUIET * 2;
        assert_eq!(told.news(of(&[&foreign, &ready]), now), [], "it has been so all the time");
    }

    #[test]
    fn what_comes_and_goes_is_told_once_in_a_while() {
        let crash = Notice::warning("CrashLoopBackOff", "m-mix-1-0");
        let (mut told, mut now) = (Told::default(), Instant::now());
        let mut count = 0;
        for _ in 0..100 {
            count += told.news(BTreeSet::from([crash.clone()]), now).len();
            now += QUIET / 10;
            count += told.news(BTreeSet::new(), now).len();
            now += QUIET / 10;
        }
        assert_eq!(count, 1, "it never was away for long");
        now += QUIET;
        assert_eq!(told.news(BTreeSet::from([crash]), now).len(), 1);
    }

    #[test]
    fn a_note_fits_the_api_server() {
        assert!(cut("ä".repeat(2000)).len() <= NOTE + 3);
        assert_eq!(cut("short".to_owned()), "short");
    }
}
