//! What the directory does in a run, and what it hears and sends.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mixbed_directory::Registration;
use mixbed_directory::document::SignedDocument;

use super::{Event, Sim, number};
use crate::SimPacket;
use crate::actors::{ActorNo, DIRECTORY, Following};
use crate::directory::{NETWORK, Said};

/// Registrations a lease, as of the registrar of a real node: two may fail.
const RENEWALS_A_LEASE: u32 = 3;

/// How soon a node registers again that could not.
const REGISTER_AGAIN: Duration = Duration::from_secs(1);

impl<P: SimPacket> Sim<P> {
    /// Sends a new document to everyone, if there is one.
    pub(super) fn publish(&mut self) {
        let wall = self.wall();
        let (document, said) = self.directory.poll(wall);
        if let Some(signed) = document {
            self.documents += 1;
            self.send_document(&signed);
        }
        for said in said {
            self.add(self.config.directory_latency, Event::Said(Box::new(said)));
        }
        if !self.directory.is_away() {
            let at = self.directory.poll_at(wall).max(self.now + 1);
            self.wake_at(DIRECTORY, Some(at));
        }
    }

    pub(super) fn send_document(&mut self, signed: &Arc<SignedDocument>) {
        let wall = self.wall();
        for actor in 1..number(self.names.len()) {
            let event = Event::Document(actor, Arc::clone(signed), wall);
            self.add(self.config.directory_latency, event);
        }
    }

    pub(super) fn handle_document(
        &mut self,
        actor: ActorNo,
        signed: &SignedDocument,
        told: SystemTime,
    ) {
        if self.directory.is_away() {
            return;
        }
        self.note("document", actor, DIRECTORY, &signed.signatures[0].signature.as_bytes()[..]);
        let wall = self.wall();
        let following = self.following(actor);
        following.core.handle_time(told, wall);
        // One that is refused changes nothing.
        let _ = following.core.handle_document(signed.clone(), wall);
        self.settle(actor);
    }

    /// A directory hears another one.
    pub(super) fn handle_said(&mut self, said: Said) {
        let wall = self.wall();
        self.directory.hear(said, wall);
        self.publish();
    }

    pub(super) fn handle_away(&mut self, at: usize, away: bool) {
        let wall = self.wall();
        // One of several has a number, by which a transcript tells it.
        let number =
            if self.directory.count() == 1 { Vec::new() } else { at.to_be_bytes().to_vec() };
        if away {
            self.note("away", DIRECTORY, DIRECTORY, &number);
            self.directory.leave(at);
            if self.directory.is_away() {
                for actor in 1..super::number(self.names.len()) {
                    let following = self.following(actor);
                    following.core.handle_lost("the directory is away".to_owned(), wall);
                }
            }
        } else {
            self.note("back", DIRECTORY, DIRECTORY, &number);
            // What it wrote down itself it can read.
            if self.directory.come_back(at, wall).is_ok() {
                self.publish();
            }
        }
    }

    /// A node registers.
    pub(super) fn register(&mut self, actor: ActorNo) {
        let wall = self.wall();
        let secret = self.directory.join_secret().clone();
        let node = self.node(actor);
        node.registration += 1;
        node.last_issued = wall.max(node.last_issued + Duration::from_millis(1));
        let descriptor = node.core.descriptor().clone();
        let registration =
            Registration::new(descriptor, NETWORK, node.last_issued, &node.identity, Some(&secret));
        let number = node.registration;
        let event = Event::Register(actor, number, Box::new(registration));
        self.add(self.config.directory_latency, event);
    }

    pub(super) fn handle_register(
        &mut self,
        actor: ActorNo,
        number: u64,
        registration: &Registration,
    ) {
        let wall = self.wall();
        let again = if let Some(lease) = self.directory.register(registration, wall) {
            self.note("registered", actor, DIRECTORY, &number.to_be_bytes());
            self.publish();
            lease / RENEWALS_A_LEASE
        } else {
            self.registrations_failed += 1;
            REGISTER_AGAIN
        };
        self.add(again, Event::Renew(actor, number));
    }

    /// Whose follower hears of it.
    fn following(&mut self, actor: ActorNo) -> &mut Following {
        match self.client_no(actor) {
            Some(client) => &mut self.clients[client].following,
            None => &mut self.node(actor).following,
        }
    }
}
