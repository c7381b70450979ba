//! A signed document, as a follower gets it from a directory that it has no reason to trust.

use std::time::{Duration, SystemTime};

use mixbed_directory::document::DocumentSignature;
use mixbed_directory::limits::{MAX_DOCUMENT_BYTES, MAX_NODES};
use mixbed_directory::{Descriptor, Document, Parameters, Rates, Role, SignedDocument, Trust};

use crate::Seed;
use crate::descriptor::node;
use crate::input::Input;
use crate::signing::{public, sign};

const DOMAIN: &[u8] = b"mixbed document v1\0";
const HOUR: Duration = Duration::from_secs(3600);
const SKEW: Duration = Duration::from_secs(10);

/// Two authorities of three have to sign.
const AUTHORITIES: [u8; 3] = [101, 102, 103];
const THRESHOLD: usize = 2;

/// Any bytes are refused, or are the one encoding of a valid document. Whatever signs them, they
/// are believed exactly if two different authorities did and nothing else is wrong.
///
/// The input: how many signatures, each a signer and whether it is spoilt, the hour, the bytes.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let count = input.byte() % 6;
    let signers: Vec<(u8, bool)> =
        (0..count).map(|_| (100 + input.byte() % 6, input.byte() % 8 == 7)).collect();
    let now = start() + HOUR * u32::from(input.byte() % 8);
    let bytes = input.rest().to_vec();

    let document = Document::from_bytes(&bytes);
    if let Ok(document) = &document {
        assert_eq!(document.to_bytes().as_ref(), Ok(&bytes), "there is one encoding");
        assert!(document.nodes.len() <= MAX_NODES && bytes.len() <= MAX_DOCUMENT_BYTES);
        for node in &document.nodes {
            assert_eq!(document.node(&node.id()), Some(node));
        }
    }
    let signatures = signers.iter().map(|(signer, spoilt)| {
        let signature = sign(*signer, if *spoilt { b"other\0" } else { DOMAIN }, &bytes);
        DocumentSignature { authority: public(*signer), signature }
    });
    let signed = SignedDocument { bytes: bytes.clone(), signatures: signatures.collect() };
    let verified = signed.verify(&trust(), now, SKEW);
    assert_eq!(verified.is_ok(), is_good(&signers, document.ok().as_ref(), now), "{verified:?}");
    if let Ok(verified) = verified {
        assert_eq!(verified.to_bytes(), Ok(bytes));
    }
}

/// The rules once more, in other words.
fn is_good(signers: &[(u8, bool)], document: Option<&Document>, now: SystemTime) -> bool {
    let Some(document) = document else { return false };
    let twice = signers
        .iter()
        .enumerate()
        .any(|(at, (signer, _))| signers[..at].iter().any(|(earlier, _)| earlier == signer));
    let ours: Vec<_> = signers.iter().filter(|(signer, _)| AUTHORITIES.contains(signer)).collect();
    let signed = !twice && ours.len() >= THRESHOLD && ours.iter().all(|(_, spoilt)| !spoilt);
    let in_time = now + SKEW >= document.valid_from && now < document.valid_until + SKEW;
    signed && in_time && document.network == "fuzz"
}

fn trust() -> Trust {
    let keys = AUTHORITIES.map(public).to_vec();
    Trust { network: "fuzz".to_owned(), keys, threshold: THRESHOLD }
}

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

/// A valid document without nodes.
pub(crate) fn empty() -> Document {
    Document {
        network: "fuzz".to_owned(),
        epoch: 7,
        revision: 9,
        valid_from: start(),
        epoch_end: start() + HOUR,
        valid_until: start() + 4 * HOUR,
        parameters: Parameters::default(),
        nodes: Vec::new(),
    }
}

fn complete() -> Document {
    let roles = [Role::Gateway, Role::Provider].into_iter();
    let roles = roles.chain((1..=3).map(|layer| Role::Mix { layer }));
    let mut nodes: Vec<_> = (1..).zip(roles).map(|(seed, role)| node(seed, role)).collect();
    nodes.sort_by_key(Descriptor::id);
    let rates = Rates { payload: 1.0, drop: 0.5, client_loop: 0.25, ..Rates::default() };
    let parameters = Parameters { rates, tracing_allowed: true, ..Parameters::default() };
    Document { parameters, nodes, ..empty() }
}

/// Documents that are believed, and such as are not, for each reason.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let with = |head: &[u8], document: &Document| {
        [head, &document.to_bytes().expect("a valid document")].concat()
    };
    let good = [2, 1, 0, 2, 0, 1];
    let other = Document { network: "other".to_owned(), ..empty() };
    let early = Document { valid_from: start() + HOUR / 2, ..empty() };
    vec![
        ("complete", with(&good, &complete())),
        ("empty", with(&good, &empty())),
        ("three", with(&[3, 1, 0, 2, 0, 3, 0, 0], &empty())),
        ("stranger", with(&[3, 1, 0, 2, 0, 5, 7, 1], &empty())),
        ("one", with(&[1, 1, 0, 1], &empty())),
        ("twice", with(&[2, 1, 0, 1, 0, 1], &empty())),
        ("spoilt", with(&[2, 1, 0, 2, 7, 1], &empty())),
        ("other", with(&good, &other)),
        ("early", with(&[2, 1, 0, 2, 0, 0], &early)),
        ("expired", with(&[2, 1, 0, 2, 0, 5], &empty())),
    ]
}

#[cfg(test)]
mod tests {
    use mixbed_directory::DocumentError;

    use super::*;

    #[test]
    fn a_good_one_is_believed() {
        let bytes = complete().to_bytes().expect("valid");
        let signatures = [101, 103].map(|signer| DocumentSignature {
            authority: public(signer),
            signature: sign(signer, DOMAIN, &bytes),
        });
        let signed = SignedDocument { bytes, signatures: signatures.to_vec() };
        assert_eq!(signed.verify(&trust(), start(), SKEW), Ok(complete()));
        let expired = signed.verify(&trust(), start() + 5 * HOUR, SKEW);
        assert!(matches!(expired, Err(DocumentError::Expired { .. })));
    }
}
