//! Who has to sign, and for when.

use std::time::Duration;

use super::{HOUR, authority, document, secret, signed, start, trust};
use crate::document::{DocumentError, Malformed, SignedDocument, Trust, TrustError};

const SKEW: Duration = Duration::from_secs(10);

#[test]
fn another_key_is_named() {
    let key = secret(98).public();
    let theirs = SignedDocument::sign(&document(), &[&secret(98)]).unwrap();
    let refused = theirs.verify(&trust(), start(), SKEW);
    assert_eq!(refused, Err(DocumentError::UnknownSigner { key }));
}

#[test]
fn another_key_cannot_take_the_trusted_name() {
    let mut theirs = SignedDocument::sign(&document(), &[&secret(98)]).unwrap();
    let key = authority().public();
    theirs.signatures[0].authority = key;
    let refused = theirs.verify(&trust(), start(), SKEW);
    assert_eq!(refused, Err(DocumentError::BadSignature { key }));
}

#[test]
fn a_quorum_needs_different_authorities() {
    let [a, b, c, stranger] = [1, 2, 3, 9].map(secret);
    let trust = Trust {
        network: "testnet".to_owned(),
        keys: [&a, &b, &c].map(crate::IdentitySecret::public).to_vec(),
        threshold: 2,
    };
    let verify = |signers: &[_]| {
        SignedDocument::sign(&document(), signers).unwrap().verify(&trust, start(), SKEW)
    };
    assert!(verify(&[&a, &c]).is_ok());
    assert!(verify(&[&a, &b, &stranger]).is_ok(), "an unknown one besides does no harm");
    let too_few = Err(DocumentError::TooFewSignatures { have: 1, need: 2 });
    assert_eq!(verify(&[&a]), too_few);
    assert_eq!(verify(&[&a, &stranger]), too_few);
    let ill_formed = Err(DocumentError::Malformed(Malformed::Signatures));
    assert_eq!(verify(&[&a, &a]), ill_formed, "one authority is not two");
    assert_eq!(verify(&[]), ill_formed);
}

#[test]
fn one_bad_signature_of_a_trusted_key_is_one_too_many() {
    let keys = [1, 2].map(|seed| secret(seed).public()).to_vec();
    let trust = Trust { network: "testnet".to_owned(), keys, threshold: 1 };
    let mut signed = SignedDocument::sign(&document(), &[&secret(1), &secret(2)]).unwrap();
    signed.signatures[1].signature = signed.signatures[0].signature;
    let key = secret(2).public();
    assert_eq!(signed.verify(&trust, start(), SKEW), Err(DocumentError::BadSignature { key }));
}

#[test]
fn its_time_is_kept_but_for_the_tolerated_skew() {
    let at = |now| signed().verify(&trust(), now, SKEW);
    assert!(at(start()).is_ok());
    assert!(at(start() - SKEW).is_ok());
    let early = at(start() - SKEW - Duration::from_secs(1)).unwrap_err();
    assert!(matches!(early, DocumentError::NotYetValid { .. }));
    let end = start() + 4 * HOUR;
    assert!(at(end).is_ok());
    assert_eq!(at(end + SKEW), Err(DocumentError::Expired { since: SKEW }));
    let exact = signed().verify(&trust(), end, Duration::ZERO);
    assert_eq!(exact, Err(DocumentError::Expired { since: Duration::ZERO }));
}

#[test]
fn another_networks_document_is_refused() {
    let trust = Trust::single("mainnet", authority().public());
    let refused = signed().verify(&trust, start(), SKEW).unwrap_err();
    assert_eq!(
        refused.to_string(),
        r#"the document is of the network "testnet", not of "mainnet""#
    );
}

#[test]
fn trust_that_nothing_satisfies_is_refused_at_once() {
    assert_eq!(trust().validate(), Ok(()));
    let key = authority().public();
    let twice = Trust { keys: vec![key, key], threshold: 2, ..trust() };
    assert_eq!(twice.validate(), Err(TrustError::Threshold { keys: 1, need: 2 }));
    let nobody = Trust { keys: vec![], threshold: 0, ..trust() };
    assert_eq!(nobody.validate(), Err(TrustError::Threshold { keys: 0, need: 1 }));
    assert!(matches!(Trust::single("Test Net", key).validate(), Err(TrustError::Network(_))));
}
