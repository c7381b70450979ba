//! What leaves, and when: on the ticks of the cover's clocks, or at once where they are off.

use std::time::Instant;

use mixbed_wire::{Packet, TraceContext};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::sealing::Finished;
use super::task::{Next, Task, UNSENT_PAUSE, Up};
use crate::core::{self, Net, Payload, PostError, Sealable as _, Sealed, SealedLoop, Tick};

impl Task {
    /// When the next tick is due, if there is a link that something can leave by, and something to
    /// leave.
    pub(super) fn tick(&self) -> Option<Instant> {
        self.link.as_ref().filter(|_| self.is_ready()).and_then(|_| self.cover.poll_timeout())
    }

    /// Whether there is a packet for the next tick, whichever it will be. Else ticks wait, of all
    /// kinds alike.
    fn is_ready(&self) -> bool {
        self.ahead.has_decoy()
    }

    /// Makes or sends the next packet.
    pub(super) fn transmit(&mut self) -> Next {
        let Some(Up { gateway, packets, .. }) = &self.link else {
            self.streams.sessions.handle_cut_off(Instant::now());
            return Next::Nothing;
        };
        let usable = self.directory.current().zip(self.directory.epoch());
        let Some((document, epoch)) = usable else {
            // The ticks pass: later ones are not to come in a burst.
            self.pass_ticks();
            self.streams.sessions.handle_cut_off(Instant::now());
            return Next::Nothing;
        };
        self.streams.sessions.handle_connected();
        let packets = packets.clone();
        let now = Instant::now();
        let weights = self.messenger.suspicion().weights(now);
        let net = Net { document, epoch, gateway: *gateway, weights };
        self.cover.handle_rates(&net.document.parameters.rates, now, &mut rand::rng());
        self.messenger.handle_pace(self.cover.paces_payload());
        self.forget_old(&net);
        if self.cover.poll_timeout().is_some() {
            if self.on_ticks(&packets, now) {
                return Next::Sent;
            }
            if self.ahead.is_idle() {
                if now < self.unsealed_until {
                    return Next::NoRoute;
                }
                self.begin_sealing(&net);
            }
        }
        if self.cover.paces_payload() { Next::Nothing } else { self.at_once(&net, &packets) }
    }

    /// Sends what a tick is due for. Says whether it did.
    fn on_ticks(&mut self, packets: &mpsc::Sender<Packet>, now: Instant) -> bool {
        if !self.is_ready() {
            return false;
        }
        let Some(tick) = self.cover.poll_tick(now, &mut rand::rng()) else { return false };
        self.leave(tick, packets);
        true
    }

    /// Begins to seal what the next ticks will need: first what no tick goes on without, whatever
    /// there is to say, then what somebody waits for. So after a change of the network those who
    /// have something to say pause no longer than those who have not.
    fn begin_sealing(&mut self, net: &Net) {
        if !self.is_ready() {
            return self.ahead.begin_stock(net, self.own);
        }
        if self.cover.paces_payload()
            && self.ahead.lacks_payload(net.document.parameters.rates.payload)
            && let Some((draft, trace)) = self.next_payload()
        {
            self.ahead.begin_payload(draft, net.clone(), self.own, trace);
            return self.forget_spare();
        }
        self.ahead.begin_stock(net, self.own);
        if self.cover.paces_payload()
            && self.ahead.is_idle()
            && self.ahead.lacks_spare()
            && let Some(draft) = self.streams.spare(&self.messenger)
        {
            self.ahead.begin_spare(draft, net.clone(), self.own);
        }
    }

    /// There is something new to say: what is said twice would wait behind it, and its session for it.
    fn forget_spare(&mut self) {
        if let Some((draft, _)) = self.ahead.take_spare() {
            self.unsent(&draft, "not sent: it was said before");
        }
    }

    /// What was being sealed is done.
    pub(super) fn handle_sealed(&mut self, finished: Finished) {
        match finished {
            Finished::Stock => {}
            Finished::Payload => {
                if let Some((draft, sealed)) = self.ahead.last_payload()
                    && let Some(document) = self.directory.current()
                {
                    self.traces.routed(draft, &sealed.route, &document);
                }
            }
            Finished::Stale(draft) => {
                if let Some(draft) = draft {
                    self.unsent(&draft, "not sent: its route is no longer good");
                }
            }
            Finished::Failed(draft, error) => {
                tracing::debug!(%error, "a packet could not be sealed");
                if let Some(draft) = draft {
                    self.unsealed(&draft, &error);
                    if error.is_providers() {
                        return;
                    }
                }
                self.unsealed_until = Instant::now() + UNSENT_PAUSE;
                self.pass_ticks();
            }
        }
    }

    /// A tick: its packet leaves. If the link is behind, nothing does, whatever it would have been.
    fn leave(&mut self, tick: Tick, packets: &mpsc::Sender<Packet>) {
        let Ok(permit) = packets.try_reserve() else { return };
        if tick == Tick::Loop {
            let Some(decoy) = self.ahead.take_decoy() else { return };
            let SealedLoop { packet, identifier, key, delays, nodes } = decoy;
            permit.send(packet);
            self.loops.handle_sent(identifier, key, delays, nodes, Instant::now());
            self.metrics.loops_sent.inc();
            self.metrics.reply_blocks_made.inc();
        } else if tick == Tick::Payload
            && let Some(payload) = self.ahead.take_payload().or_else(|| self.ahead.take_spare())
        {
            self.send_payload(payload, permit);
        } else if let Some(decoy) = self.ahead.take_decoy() {
            permit.send(decoy.packet);
            self.drops.handle_sent(decoy.identifier, decoy.delays, Instant::now());
            self.metrics.drops_sent.inc();
            self.metrics.reply_blocks_made.inc();
        }
    }

    /// Sends a packet of a message or a session as soon as there is one.
    fn at_once(&mut self, net: &Net, packets: &mpsc::Sender<Packet>) -> Next {
        let permit = match packets.try_reserve() {
            Ok(permit) => permit,
            Err(TrySendError::Full(())) => return Next::Full,
            Err(TrySendError::Closed(())) => return Next::Nothing,
        };
        // Some may be left from a time when there were ticks.
        let sealed = match self.ahead.take_payload() {
            Some(sealed) => Ok(Some(sealed)),
            None => self.seal_next(net),
        };
        match sealed {
            Ok(Some(payload)) => {
                self.send_payload(payload, permit);
                Next::Sent
            }
            Ok(None) => Next::Nothing,
            Err(error) => {
                tracing::debug!(%error, "a packet could not be sealed");
                Next::NoRoute
            }
        }
    }

    /// The next packet of a message or a session, and the trace that it carries.
    fn next_payload(&mut self) -> Option<(Payload, Option<TraceContext>)> {
        let payload = {
            let sessions = &mut self.streams.sessions;
            self.streams.turns.poll(&mut self.messenger, sessions, Instant::now())?
        };
        let trace = match &payload {
            Payload::Message(draft) => {
                let parent = self.waiting.get(&draft.number).and_then(|waiting| waiting.trace);
                parent.map(|parent| self.traces.begin(draft, parent))
            }
            Payload::Session(_) => None,
        };
        Some((payload, trace))
    }

    fn seal_next(&mut self, net: &Net) -> Result<Option<(Payload, Sealed)>, PostError> {
        while let Some((draft, trace)) = self.next_payload() {
            match core::seal(&draft, net, self.own, trace, &mut rand::rng()) {
                Ok(sealed) => {
                    self.traces.routed(&draft, &sealed.route, &net.document);
                    return Ok(Some((draft, sealed)));
                }
                Err(error) => {
                    let providers = error.is_providers();
                    self.unsealed(&draft, &error);
                    // The others' packets are not held up by it.
                    if !providers {
                        return Err(error);
                    }
                }
            }
        }
        Ok(None)
    }

    fn unsealed(&mut self, payload: &Payload, error: &PostError) {
        if !error.is_providers() {
            return self.unsent(payload, &error.to_string());
        }
        match payload {
            Payload::Message(draft) => {
                self.traces.failed(draft.packet, &error.to_string());
                self.messenger.handle_provider_gone(draft.packet);
            }
            Payload::Session(draft) => {
                self.streams.sessions.handle_provider_gone(draft, Instant::now());
            }
        }
    }

    fn unsent(&mut self, payload: &Payload, why: &str) {
        match payload {
            Payload::Message(draft) => {
                self.traces.failed(draft.packet, why);
                self.messenger.handle_unsent(draft.packet);
            }
            Payload::Session(draft) => self.streams.sessions.handle_unsent(draft),
        }
    }

    fn send_payload(
        &mut self,
        (payload, sealed): (Payload, Sealed),
        permit: mpsc::Permit<'_, Packet>,
    ) {
        self.metrics.reply_blocks_made.inc_by(payload.blocks() as u64);
        permit.send(sealed.packet);
        // Its timer starts here: however long it waited for its tick, its answer has time.
        let now = Instant::now();
        match payload {
            Payload::Message(draft) => {
                if draft.attempt > 1 {
                    self.metrics.retransmissions.inc();
                }
                self.messenger.handle_sent(draft.packet, sealed.sent, now);
            }
            Payload::Session(draft) => self.streams.sessions.handle_sent(&draft, sealed.sent, now),
        }
    }

    /// Throws away what was sealed for another gateway or by another document.
    fn forget_old(&mut self, net: &Net) {
        for draft in self.ahead.handle_net(net) {
            self.unsent(&draft, "not sent: its route is no longer good");
        }
        if !self.cover.has_loops() && self.looped.borrow().recent.ended > 0 {
            self.loops.handle_off();
            self.show_loops();
        }
    }

    fn pass_ticks(&mut self) {
        let now = Instant::now();
        while self.cover.poll_tick(now, &mut rand::rng()).is_some() {}
    }
}
