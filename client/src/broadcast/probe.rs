//! Whether a provider is there, before it is given a transaction.

use std::time::{Duration, Instant};

use mixbed_directory::Descriptor;
use mixbed_wire::message::{KNOWN_SERVICE, KnownAnswer, KnownRequest};
use tokio::task::JoinSet;

use super::locate::LocateError;
use crate::client::Client;

/// So many are asked at the same time.
const AT_A_TIME: usize = 2;

/// How long they may take, besides the mixing delays. A working provider's answer takes one round
/// trip; at 20 % loss on all links most take longer, and then the order is as it was.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a probe came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// It answers, and its monerod does.
    Ready,
    /// It answers, and its monerod does not.
    Unable,
    /// Nothing came back.
    Silent,
}

impl Client {
    /// The same providers in the order in which they are to be tried: the first one has answered
    /// lately or just now, if any does. With one provider there is nothing to find out.
    ///
    /// It costs one packet to each of two providers, and a round trip, when nothing was heard of
    /// the first one for a minute.
    pub(super) async fn probed(&self, order: Vec<Descriptor>, end: Instant) -> Vec<Descriptor> {
        let now = Instant::now();
        if order.len() < 2 || self.book().is_heard(order[0].id(), now) {
            return order;
        }
        let left = end.saturating_duration_since(now) / 4;
        if self.wait_ready(left).await.is_err() {
            return order;
        }
        let mut probes = JoinSet::new();
        let offering = order
            .iter()
            .filter(|provider| provider.services.iter().any(|service| service == KNOWN_SERVICE));
        for provider in offering.take(AT_A_TIME) {
            let (client, provider) = (self.clone(), provider.clone());
            let end = Instant::now() + left;
            probes.spawn(async move {
                let asked = client.ask_known(KnownRequest::Ready, &provider, PATIENCE, end);
                (provider.id(), found(&asked.await))
            });
        }
        let mut results = Vec::new();
        while let Some(probe) = probes.join_next().await {
            let Ok((provider, found)) = probe else { continue };
            results.push((provider, found));
            if found == Found::Ready {
                break;
            }
        }
        ranked(order, |provider| {
            let id = provider.id();
            results.iter().find(|(probed, _)| *probed == id).map(|(_, found)| *found)
        })
    }
}

fn found(answer: &Result<KnownAnswer, LocateError>) -> Found {
    match answer {
        Ok(KnownAnswer::Ready) => Found::Ready,
        Ok(_) | Err(LocateError::BadAnswer(_) | LocateError::Unavailable { .. }) => Found::Unable,
        Err(LocateError::Request(_)) => Found::Silent,
    }
}

/// Whoever is ready first, whoever is silent last; all others stay in their order.
fn ranked(
    mut order: Vec<Descriptor>,
    found: impl Fn(&Descriptor) -> Option<Found>,
) -> Vec<Descriptor> {
    order.sort_by_key(|provider| match found(provider) {
        Some(Found::Ready) => 0,
        None => 1,
        Some(Found::Unable) => 2,
        Some(Found::Silent) => 3,
    });
    order
}
