//! One authority among several: what stands between its core, the votes, and the other ones.

use std::time::{Duration, SystemTime};

use super::AuthorityCounters;
use super::core::Core;
use super::links::Links;
use crate::identity::IdentityPublic;
use crate::voting::{Opinion, PeerMessage, Voter, VotingEvent};

/// Whoever changes something is answered when the document has it; where the others see it
/// differently, after this long.
const PATIENCE: Duration = Duration::from_secs(1);

/// While somebody waits for that, it is looked at this often.
pub(super) const LOOK: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct Together {
    voter: Voter,
    links: Links,
    /// What the others are told, and since when.
    told: Option<(Opinion, SystemTime)>,
}

impl Together {
    pub(super) const fn new(voter: Voter, links: Links) -> Self {
        Self { voter, links, told: None }
    }

    pub(super) fn handle(&mut self, from: IdentityPublic, message: PeerMessage, now: SystemTime) {
        self.voter.handle(from, message, now);
    }

    /// Votes as the core sees the network, and hands it the documents that come of it.
    pub(super) fn settle(
        &mut self,
        core: &mut Core,
        counters: &AuthorityCounters,
        now: SystemTime,
    ) {
        if let Some(opinion) = core.take_opinion() {
            self.voter.set_opinion(&opinion, now);
            self.told = Some((opinion, now));
        }
        self.voter.poll(now);
        for adopted in self.voter.take_adopted() {
            counters.documents.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            core.handle_adopted(&adopted, now);
        }
        if self.voter.is_unsaved() {
            let state = self.voter.state();
            core.set_voted(state.sequence, state.pledged);
        }
        for event in self.voter.take_events() {
            counters.count_voting(&event);
            tell(&event);
        }
        counters.flooded.store(self.voter.flooded(), std::sync::atomic::Ordering::Relaxed);
    }

    /// Whether the state has to be written before anything else is said.
    pub(super) const fn is_unsaved(&self) -> bool {
        self.voter.is_unsaved()
    }

    /// Says what is to be said, or not, if it could not be written: it is said again later.
    pub(super) fn send(&mut self, saved: bool) {
        let messages = self.voter.take_messages();
        if saved {
            self.voter.set_saved();
            for (to, message) in messages {
                self.links.send(&to, message);
            }
        }
    }

    pub(super) fn poll_at(&self, now: SystemTime) -> SystemTime {
        self.voter.poll_at(now)
    }

    /// Whether the newest document does not say yet what this authority has told the others, and may
    /// soon.
    pub(super) fn is_waiting(&self, now: SystemTime) -> bool {
        let Some((opinion, since)) = &self.told else { return false };
        let patient = now.duration_since(*since).is_ok_and(|passed| passed < PATIENCE);
        patient
            && self.voter.newest().is_none_or(|newest| {
                let document = &newest.document;
                document.parameters != opinion.parameters || document.nodes != opinion.nodes
            })
    }
}

fn tell(event: &VotingEvent) {
    let kind = event.as_str();
    match event {
        VotingEvent::Equivocated { authority } => tracing::error!(
            kind, %authority, "a directory signed two different things: it is left out for an hour"
        ),
        VotingEvent::Forked { version, signers } => tracing::error!(
            kind,
            ?version,
            ?signers,
            "there are two documents of one number: whoever signed both lies"
        ),
        VotingEvent::Diverged { authority, revision } => tracing::error!(
            kind, %authority, revision, "a directory proposed another document than the votes make"
        ),
        VotingEvent::LeftOut { authority, voter } => tracing::warn!(
            kind, %authority, %voter, "a directory left another one's vote out of its proposal"
        ),
        VotingEvent::ClockOff { authority, offset } => tracing::warn!(
            kind, %authority, ?offset, "a directory's clock is far off: its votes do not count"
        ),
        VotingEvent::Disagrees { authority } => tracing::warn!(
            kind, %authority, "a directory sees other nodes or parameters than the document says"
        ),
        VotingEvent::Silent { authority } => {
            tracing::warn!(kind, %authority, "a directory is not heard");
        }
        VotingEvent::Heard { authority } => {
            tracing::info!(kind, %authority, "a directory is heard again");
        }
    }
}
