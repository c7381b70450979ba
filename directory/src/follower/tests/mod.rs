//! Tests of the follower: its core with the time as an argument, and its task against
//! directories that are not what they should be.

mod clocks;
mod judgement;
mod liar;

use std::time::{Duration, SystemTime};

use crate::document::{Document, Parameters, SignedDocument, Trust};
use crate::identity::IdentitySecret;
use crate::time::whole_millis;

pub(super) const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn authority() -> IdentitySecret {
    IdentitySecret::from_bytes([9; 32])
}

pub(super) fn trust() -> Trust {
    Trust::single("testnet", authority().public())
}

/// An empty network's document, whose epoch of one hour starts at `start`.
pub(super) fn document(epoch: u64, revision: u64, start: SystemTime) -> Document {
    let start = whole_millis(start);
    Document {
        network: "testnet".to_owned(),
        epoch,
        revision,
        valid_from: start,
        epoch_end: start + HOUR,
        valid_until: start + 4 * HOUR,
        parameters: Parameters::default(),
        nodes: Vec::new(),
    }
}

pub(super) fn sign(document: &Document) -> SignedDocument {
    SignedDocument::sign(document, &[&authority()]).unwrap()
}
