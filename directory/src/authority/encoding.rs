//! A snapshot as bytes, for places that keep one value: one encoding, with its format's number and
//! a digest in front, checked like what comes from the network.

#![deny(clippy::disallowed_methods)]

use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::epochs::Epochs;
use super::members::Member;
use super::snapshot::{Issued, Snapshot, Voted};
use crate::admission::{Admission, admission_from_proto, admission_to_proto};
use crate::document::{
    Descriptor, Document, Parameters, SignedDocument, Trust, canonical, is_label,
    parameters_from_proto, parameters_to_proto,
};
use crate::identity::{IdentityPublic, IdentitySecret};
use crate::limits::MAX_NODES;
use crate::proto;
use crate::proto::state as message;
use crate::time::{from_millis, to_millis};
use crate::voting::Panel;

/// What the bytes begin with; the number of their format follows.
const MAGIC: &[u8; 16] = b"mixbed authority";
const FORMAT: u8 = 1;
const DIGEST: usize = 32;

/// Why bytes are no snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// They are something else.
    #[error("it is not the state of a directory")]
    Foreign,
    /// Another version of the program wrote them.
    #[error("it has format {0}, this program reads format {FORMAT}")]
    Format(u8),
    /// They were written well, and have changed since.
    #[error(
        "it is damaged ({0}): restore a copy; without it the network begins anew, and every node and client has to be told"
    )]
    Damaged(&'static str),
}

impl Snapshot {
    /// The bytes; the signing key is in them.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let Self {
            network,
            secret,
            former,
            epochs: Epochs { number, start, end, length },
            revision,
            configured,
            parameters,
            configured_admission,
            admission,
            last_order,
            members,
            seen,
            documents,
            voting,
        } = self;
        let parameters_bytes = |p: &Parameters| parameters_to_proto(p).encode_to_vec();
        let mut state = message::State {
            network: network.clone(),
            secret: secret.to_bytes().to_vec(),
            epoch: *number,
            epoch_start_ms: to_millis(*start),
            epoch_end_ms: to_millis(*end),
            epoch_length_ms: u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
            revision: *revision,
            configured: parameters_bytes(configured),
            parameters: parameters_bytes(parameters),
            last_order_ms: last_order.map_or(0, to_millis),
            members: members
                .iter()
                .map(|Member { descriptor, lease_end }| message::Member {
                    descriptor: descriptor.to_bytes(),
                    lease_end_ms: to_millis(*lease_end),
                })
                .collect(),
            seen: seen
                .iter()
                .map(|(identity, at)| message::Seen {
                    identity: identity.as_bytes().to_vec(),
                    at_ms: to_millis(*at),
                })
                .collect(),
            documents: documents
                .iter()
                .map(|issued| proto::SignedDocument::from(&*issued.signed).encode_to_vec())
                .collect(),
            configured_admission: admission_to_proto(configured_admission).encode_to_vec(),
            admission: admission_to_proto(admission).encode_to_vec(),
            former_secret: former.as_ref().map_or(Vec::new(), |key| key.to_bytes().to_vec()),
            voting: voting.as_ref().map(voted_to_proto),
        };
        let body = Zeroizing::new(state.encode_to_vec());
        zeroize::Zeroize::zeroize(&mut state.secret);
        zeroize::Zeroize::zeroize(&mut state.former_secret);
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAGIC.len() + 1 + DIGEST + body.len()));
        bytes.extend_from_slice(MAGIC);
        bytes.push(FORMAT);
        bytes.extend_from_slice(&Sha256::digest(body.as_slice()));
        bytes.extend_from_slice(&body);
        bytes
    }

    /// The snapshot of these bytes, if they are exactly those of one. Signatures are verified with
    /// the key in it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(SnapshotError::Foreign)?;
        let (format, rest) = rest.split_first().ok_or(SnapshotError::Foreign)?;
        if *format != FORMAT {
            return Err(SnapshotError::Format(*format));
        }
        let short = SnapshotError::Damaged("it is cut short");
        let (digest, body) = rest.split_at_checked(DIGEST).ok_or(short)?;
        if Sha256::digest(body).as_slice() != digest {
            return Err(SnapshotError::Damaged("its digest is another"));
        }
        read(body).map_err(SnapshotError::Damaged)
    }
}

fn read(body: &[u8]) -> Result<Snapshot, &'static str> {
    let state: message::State = canonical(body).ok_or("it is no canonical message")?;
    let secret: [u8; 32] =
        state.secret.as_slice().try_into().map_err(|_| "the key's length is wrong")?;
    let secret = IdentitySecret::from_bytes(secret);
    if !is_label(&state.network) {
        return Err("the network's name is none");
    }
    if state.members.len() > MAX_NODES {
        return Err("it has more nodes than there may be");
    }
    let voting = state.voting.as_ref().map(voted_from_proto).transpose()?;
    let trust = Voted::trust(voting.as_ref(), &state.network, secret.public());
    let members = state.members.iter().map(member).collect::<Result<_, _>>()?;
    let seen = state.seen.iter().map(seen).collect::<Result<_, _>>()?;
    let documents: Vec<_> =
        state.documents.iter().map(|bytes| issued(bytes, &trust)).collect::<Result<_, _>>()?;
    if !documents.is_sorted_by(|a: &Issued, b| a.document.version() < b.document.version()) {
        return Err("its documents are out of order");
    }
    if documents.last().is_some_and(|newest| newest.document.revision > state.revision) {
        return Err("it has a document of a later revision than its own");
    }
    let epochs = Epochs {
        number: state.epoch,
        start: time(state.epoch_start_ms)?,
        end: time(state.epoch_end_ms)?,
        length: Duration::from_millis(state.epoch_length_ms),
    };
    let lengths = Parameters::MIN_EPOCH_LENGTH..=Parameters::MAX_EPOCH_LENGTH;
    if epochs.number == 0 || epochs.end <= epochs.start || !lengths.contains(&epochs.length) {
        return Err("its epoch cannot be");
    }
    Ok(Snapshot {
        network: state.network,
        secret,
        former: former(&state.former_secret)?,
        epochs,
        revision: state.revision,
        configured: parameters(&state.configured)?,
        parameters: parameters(&state.parameters)?,
        configured_admission: admission(&state.configured_admission)?,
        admission: admission(&state.admission)?,
        last_order: (state.last_order_ms > 0).then(|| time(state.last_order_ms)).transpose()?,
        members,
        seen,
        documents,
        voting,
    })
}

pub(super) fn voted_to_proto(voted: &Voted) -> message::Voting {
    let Voted { panel, sequence, pledged } = voted;
    message::Voting {
        panel: panel.keys().iter().map(|key| key.as_bytes().to_vec()).collect(),
        sequence: *sequence,
        pledged_epoch: pledged.0,
        pledged_revision: pledged.1,
    }
}

pub(super) fn voted_from_proto(message: &message::Voting) -> Result<Voted, &'static str> {
    let keys = message.panel.iter().map(|key| key.as_slice().try_into());
    let keys = keys.map(|key| key.map(IdentityPublic::from_bytes)).collect::<Result<_, _>>();
    let panel = Panel::new(keys.map_err(|_| "an authority's key has the wrong length")?);
    let panel = panel.map_err(|_| "its authorities are no panel")?;
    let pledged = (message.pledged_epoch, message.pledged_revision);
    Ok(Voted { panel, sequence: message.sequence, pledged })
}

fn time(millis: u64) -> Result<std::time::SystemTime, &'static str> {
    from_millis(millis).ok_or("a time is out of range")
}

fn member(member: &message::Member) -> Result<Member, &'static str> {
    let descriptor =
        Descriptor::from_bytes(&member.descriptor).map_err(|_| "a descriptor is malformed")?;
    Ok(Member { descriptor, lease_end: time(member.lease_end_ms)? })
}

fn seen(seen: &message::Seen) -> Result<(IdentityPublic, std::time::SystemTime), &'static str> {
    let identity = seen.identity.as_slice().try_into();
    let identity = identity.map_err(|_| "an identity's length is wrong")?;
    Ok((IdentityPublic::from_bytes(identity), time(seen.at_ms)?))
}

/// The key before the present one as it is stored, in a file too: nothing, or 32 bytes.
pub(super) fn former(bytes: &[u8]) -> Result<Option<IdentitySecret>, &'static str> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let key = bytes.try_into().map_err(|_| "the former key's length is wrong")?;
    Ok(Some(IdentitySecret::from_bytes(key)))
}

/// An admission as it is stored, in a file too.
pub(super) fn admission(bytes: &[u8]) -> Result<Admission, &'static str> {
    let message: Option<proto::Admission> = canonical(bytes);
    message.as_ref().and_then(admission_from_proto).ok_or("the list of nodes is malformed")
}

/// Parameters as they are stored, in a file too.
pub(super) fn parameters(bytes: &[u8]) -> Result<Parameters, &'static str> {
    let message: Option<proto::Parameters> = canonical(bytes);
    let parameters = message.as_ref().and_then(parameters_from_proto);
    let parameters = parameters.filter(|parameters| parameters.validate().is_ok());
    parameters.ok_or("the parameters are malformed")
}

/// A document as it is stored, in a file too.
pub(super) fn issued(bytes: &[u8], trust: &Trust) -> Result<Issued, &'static str> {
    let broken = |_| "a document is malformed or not signed by the stored key";
    let message: proto::SignedDocument = canonical(bytes).ok_or("a document is malformed")?;
    let signed = SignedDocument::try_from(message).map_err(broken)?;
    let document = Document::from_bytes(&signed.bytes).map_err(broken)?;
    signed.verify(trust, document.valid_from, Duration::ZERO).map_err(broken)?;
    Ok(Issued { document: Arc::new(document), signed: Arc::new(signed) })
}
