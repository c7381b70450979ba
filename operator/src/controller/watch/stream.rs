//! One watch: a stream of events that is begun anew when it breaks.

use std::fmt::Debug;

use futures::StreamExt as _;
use kube::Resource;
use kube::api::Api;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use mixbed_telemetry::Condition;
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;

use super::{Told, Watches};

/// Objects listed at once: a page is held in full while it is read.
const PAGE: u32 = 50;

/// What takes a watch's events.
pub(super) trait Sink<K> {
    fn take(&mut self, event: Event<K>);
}

impl Watches {
    /// Watches for ever. A watch that breaks is begun anew, and until then the operator says that
    /// it is not ready.
    pub(super) fn watch<K, S>(
        &self,
        api: Api<K>,
        config: watcher::Config,
        namespace: Option<&str>,
        mut sink: S,
        tasks: &mut JoinSet<()>,
    ) where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
        S: Sink<K> + Send + 'static,
    {
        let plural = K::plural(&()).into_owned();
        let place = namespace.map_or_else(String::new, |name| format!(" in {name}"));
        let synced = self.health.condition(&format!("watch of {plural}{place}"));
        let told = self.told.clone();
        tasks.spawn(async move {
            let mut first = true;
            let events = watcher(api, config.page_size(PAGE)).default_backoff();
            let mut events = std::pin::pin!(events);
            while let Some(event) = events.next().await {
                match event {
                    Ok(event) => {
                        let complete = matches!(event, Event::InitDone);
                        sink.take(event);
                        if complete {
                            synced.met();
                        }
                        if complete && std::mem::take(&mut first) {
                            let _ = told.send(Told::Synced);
                        }
                    }
                    Err(error) => complain(&plural, &place, &error, &synced),
                }
            }
        });
    }
}

/// Says what a failed watch is about, and what to do.
fn complain(plural: &str, place: &str, error: &watcher::Error, synced: &Condition) {
    let status = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status),
        _ => None,
    };
    let why = match status {
        // Too old to go on from, after a pause: begun anew at once, and of no interest.
        Some(status) if status.code == 410 => return,
        Some(status) if status.is_forbidden() => {
            format!("the operator may not list and watch {plural}{place}: its role must allow it")
        }
        Some(status) if status.is_not_found() => format!(
            "the cluster does not know {plural}: install the chart's CRDs, or start with --install-crds"
        ),
        _ => format!("{plural}{place} cannot be watched: {error}"),
    };
    tracing::warn!("{why}");
    synced.unmet(why);
}
