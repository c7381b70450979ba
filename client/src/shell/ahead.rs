//! What leaves, and when: on the ticks of the cover's clocks, or at once where they are off.

use std::time::Instant;

use mixbed_wire::{NodeId, Packet};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::task::{Next, Task, Up};
use crate::core::{self, Draft, Net, PostError, Sealed, SealedLoop, Tick};

/// One packet of each kind, sealed ahead of the tick that it leaves on: sealing takes a time that
/// depends on what is in it, and that time must not show on the link.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// The gateway, epoch and revision that they were sealed for.
    of: Option<(NodeId, u64, u64)>,
    payload: Option<(Draft, Sealed)>,
    drop: Option<Packet>,
    looped: Option<SealedLoop>,
}

impl Task {
    /// When the next tick is due, if there is a link that something can leave by.
    pub(super) fn tick(&self) -> Option<Instant> {
        self.link.as_ref().and_then(|_| self.cover.poll_timeout())
    }

    /// Makes or sends the next packet.
    pub(super) fn transmit(&mut self) -> Next {
        let Some(Up { gateway, packets, .. }) = &self.link else { return Next::Nothing };
        let usable = self.directory.current().zip(self.directory.epoch());
        let Some((document, epoch)) = usable else {
            // The ticks pass: later ones are not to come in a burst.
            self.pass_ticks();
            return Next::Nothing;
        };
        let packets = packets.clone();
        let now = Instant::now();
        let weights = self.messenger.suspicion().weights(now);
        let net = Net { document, epoch, gateway: *gateway, weights };
        self.cover.handle_rates(&net.document.parameters.rates, now, &mut rand::rng());
        self.forget_old(&net);
        if self.cover.poll_timeout().is_some() {
            match self.on_ticks(&net, &packets, now) {
                Ok(true) => return Next::Sent,
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(%error, "a packet could not be sealed");
                    self.pass_ticks();
                    return Next::NoRoute;
                }
            }
        }
        if self.cover.paces_payload() { Next::Nothing } else { self.at_once(&net, &packets) }
    }

    /// Sends what a tick is due for, or else seals something ahead. Says whether it did either.
    fn on_ticks(
        &mut self,
        net: &Net,
        packets: &mpsc::Sender<Packet>,
        now: Instant,
    ) -> Result<bool, PostError> {
        let drop = !self.cover.has_drops() || self.ahead.drop.is_some();
        let looped = !self.cover.has_loops() || self.ahead.looped.is_some();
        if drop
            && looped
            && let Some(tick) = self.cover.poll_tick(now, &mut rand::rng())
        {
            if tick == Tick::Payload && self.ahead.payload.is_none() {
                // Ticks that come faster than packets can be sealed.
                self.ahead.payload = self.seal_next(net)?;
            }
            self.leave(tick, packets);
            return Ok(true);
        }
        if self.cover.paces_payload() && self.ahead.payload.is_none() {
            self.ahead.payload = self.seal_next(net)?;
            if self.ahead.payload.is_some() {
                return Ok(true);
            }
        }
        if !drop {
            self.ahead.drop = Some(core::seal_drop(net, &mut rand::rng())?);
        } else if !looped {
            self.ahead.looped = Some(core::seal_loop(net, self.own, &mut rand::rng())?);
        }
        Ok(!(drop && looped))
    }

    /// A tick: its packet leaves. If the link is behind, nothing does, whatever it would have been.
    fn leave(&mut self, tick: Tick, packets: &mpsc::Sender<Packet>) {
        let Ok(permit) = packets.try_reserve() else { return };
        if tick == Tick::Loop {
            let Some(looped) = self.ahead.looped.take() else { return };
            let SealedLoop { packet, identifier, key, delays, nodes } = looped;
            permit.send(packet);
            self.loops.handle_sent(identifier, key, delays, nodes, Instant::now());
            self.metrics.loops_sent.inc();
            self.metrics.reply_blocks_made.inc();
        } else if tick == Tick::Payload
            && let Some(payload) = self.ahead.payload.take()
        {
            self.send_payload(payload, permit);
        } else if let Some(packet) = self.ahead.drop.take() {
            permit.send(packet);
            self.metrics.drops_sent.inc();
        }
    }

    /// Sends a packet of a message as soon as there is one.
    fn at_once(&mut self, net: &Net, packets: &mpsc::Sender<Packet>) -> Next {
        let permit = match packets.try_reserve() {
            Ok(permit) => permit,
            Err(TrySendError::Full(())) => return Next::Full,
            Err(TrySendError::Closed(())) => return Next::Nothing,
        };
        // One may be left from a time when there were ticks.
        let sealed = match self.ahead.payload.take() {
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

    fn seal_next(&mut self, net: &Net) -> Result<Option<(Draft, Sealed)>, PostError> {
        while let Some(draft) = self.messenger.poll_transmit() {
            let parent = self.waiting.get(&draft.number).and_then(|waiting| waiting.trace);
            let trace = parent.map(|parent| self.traces.begin(&draft, parent));
            match core::seal(&draft, net, self.own, trace, &mut rand::rng()) {
                Ok(sealed) => {
                    self.traces.routed(draft.packet, &sealed.route, &net.document);
                    return Ok(Some((draft, sealed)));
                }
                Err(error) => {
                    self.traces.failed(draft.packet, &error.to_string());
                    if !error.is_providers() {
                        self.messenger.handle_unsent(draft.packet);
                        return Err(error);
                    }
                    // The others' packets are not held up by it.
                    self.messenger.handle_provider_gone(draft.packet);
                }
            }
        }
        Ok(None)
    }

    fn send_payload(&mut self, (draft, sealed): (Draft, Sealed), permit: mpsc::Permit<'_, Packet>) {
        self.metrics.reply_blocks_made.inc_by(draft.blocks() as u64);
        if draft.attempt > 1 {
            self.metrics.retransmissions.inc();
        }
        permit.send(sealed.packet);
        // Its timer starts here: however long it waited for its tick, its answer has time.
        self.messenger.handle_sent(draft.packet, sealed.sent, Instant::now());
    }

    /// Throws away what was sealed for another gateway or by another document.
    fn forget_old(&mut self, net: &Net) {
        let of = Some((net.gateway, net.epoch, net.document.revision));
        if self.ahead.of != of {
            if let Some((draft, _)) = self.ahead.payload.take() {
                self.traces.failed(draft.packet, "not sent: its route is no longer good");
                self.messenger.handle_unsent(draft.packet);
            }
            self.ahead = Ahead { of, ..Ahead::default() };
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
