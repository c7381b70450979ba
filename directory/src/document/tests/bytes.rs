//! One encoding, and whatever is not it is refused.

use std::time::Duration;

use proptest::prelude::*;
use prost::Message;

use super::{authority, document, signed, start, trust};
use crate::document::{Document, DocumentError, SignedDescriptor, SignedDocument, strategies};
use crate::identity::Signature;
use crate::proto;

fn verify(signed: &SignedDocument) -> Result<Document, DocumentError> {
    signed.verify(&trust(), start(), Duration::ZERO)
}

/// What an authority that signs anything would serve.
fn signed_blindly(bytes: Vec<u8>) -> SignedDocument {
    let mut signed = signed();
    signed.signatures[0].signature = authority().sign(b"mixbed document v1\0", &bytes);
    signed.bytes = bytes;
    signed
}

proptest! {
    #[test]
    fn a_document_goes_there_and_back(document in strategies::document()) {
        let bytes = document.to_bytes().unwrap();
        let read = Document::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&read, &document);
        prop_assert_eq!(read.to_bytes().unwrap(), bytes);
    }

    #[test]
    fn a_signed_descriptor_goes_there_and_back((secret, node) in strategies::node(1)) {
        prop_assert_eq!(node.clone().sign(&secret).verify(), Ok(node));
    }

    #[test]
    fn any_bytes_are_a_document_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(document) = Document::from_bytes(&bytes) {
            prop_assert_eq!(document.to_bytes().unwrap(), bytes.clone());
        }
        let signature = Signature::from_bytes([7; 64]);
        let descriptor = SignedDescriptor { bytes: bytes.clone(), signature };
        prop_assert!(descriptor.verify().is_err());
        if let Ok(message) = proto::SignedDocument::decode(bytes.as_slice())
            && let Ok(signed) = SignedDocument::try_from(message)
        {
            prop_assert!(verify(&signed).is_err());
        }
    }

    /// Even the right key's signature makes nothing valid of bytes that are not.
    #[test]
    fn damaged_bytes_are_refused_or_another_valid_document(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = document().to_bytes().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        let signed = signed_blindly(bytes);
        if let Ok(document) = verify(&signed) {
            prop_assert_eq!(document.to_bytes().unwrap(), signed.bytes);
        }
    }
}

#[test]
fn any_flipped_bit_is_refused() {
    let good = signed();
    assert_eq!(verify(&good), Ok(document()));
    for bit in 0..good.bytes.len() * 8 {
        let mut bad = good.clone();
        bad.bytes[bit / 8] ^= 1 << (bit % 8);
        let key = authority().public();
        assert_eq!(verify(&bad), Err(DocumentError::BadSignature { key }), "bit {bit}");
    }
    for bit in 0..64 * 8 {
        let mut signature = *good.signatures[0].signature.as_bytes();
        signature[bit / 8] ^= 1 << (bit % 8);
        let mut bad = good.clone();
        bad.signatures[0].signature = Signature::from_bytes(signature);
        let key = authority().public();
        assert_eq!(verify(&bad), Err(DocumentError::BadSignature { key }), "bit {bit}");
    }
}

#[test]
fn a_descriptor_with_a_flipped_bit_is_refused() {
    let good = super::node(1, crate::Role::Gateway).sign(&super::secret(1));
    assert!(good.verify().is_ok());
    for bit in 0..good.bytes.len() * 8 {
        let mut bad = good.clone();
        bad.bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(bad.verify().is_err(), "bit {bit}");
    }
}

#[test]
fn the_same_content_in_other_bytes_is_refused() {
    let good = document().to_bytes().unwrap();
    let unknown_field = [good.as_slice(), &[0xf8, 0x01, 0x01]].concat();
    assert_eq!(verify(&signed_blindly(unknown_field)), Err(DocumentError::NotCanonical));
    let field_again = [good.as_slice(), &[0x10, 0x07]].concat();
    assert_eq!(verify(&signed_blindly(field_again)), Err(DocumentError::NotCanonical));
    let default_written = [&[0x0a, 0x00], good.as_slice()].concat();
    assert_eq!(verify(&signed_blindly(default_written)), Err(DocumentError::NotCanonical));
    assert!(verify(&signed_blindly(good)).is_ok());
}

#[test]
fn a_document_longer_than_its_bound_is_not_even_read() {
    let long = signed_blindly(vec![0; crate::limits::MAX_DOCUMENT_BYTES + 1]);
    assert!(verify(&long).unwrap_err().to_string().contains("1 MiB"));
}
