//! A node's descriptor, as it stands in registrations and documents.

use mixbed_directory::document::DescriptorError;
use mixbed_directory::limits::{MAX_DESCRIPTOR_BYTES, MAX_SERVICES, MAX_SPHINX_KEYS};
use mixbed_directory::{Descriptor, Document, Role, Signature, SignedDescriptor, SphinxKey};
use mixbed_wire::{LinkPublic, SphinxPublic};

use crate::Seed;
use crate::document::empty;
use crate::signing::{field, identity, public, sign};

/// Any bytes are refused, or are the one encoding of a descriptor within its bounds; and a
/// descriptor holds by its own identity's signature only.
pub fn run(data: &[u8]) {
    let unsigned =
        SignedDescriptor { bytes: data.to_vec(), signature: Signature::from_bytes([7; 64]) };
    let refused = unsigned.verify().expect_err("a signature of sevens");
    // Nothing else reads a descriptor alone: as the one node of a document it comes out again.
    let document = [empty().to_bytes().expect("valid"), field(8, data)].concat();
    let node =
        Document::from_bytes(&document).ok().and_then(|document| document.nodes.into_iter().next());
    let Some(node) = node else {
        return assert!(data.is_empty() || refused != DescriptorError::BadSignature);
    };
    assert!(node.validate().is_ok());
    assert!(node.sphinx_keys.len() <= MAX_SPHINX_KEYS && node.services.len() <= MAX_SERVICES);
    if data.len() > MAX_DESCRIPTOR_BYTES {
        // A document has one bound for all of its nodes.
        return assert!(matches!(refused, DescriptorError::TooLarge { .. }));
    }
    assert_eq!(refused, DescriptorError::BadSignature);
    for seed in [1, 2] {
        let signed = node.clone().sign(&identity(seed));
        assert_eq!(signed.bytes, data, "there is one encoding");
        assert_eq!(signed.signature, sign(seed, b"mixbed descriptor v1\0", data));
        assert_eq!(signed.verify().is_ok(), node.identity == public(seed));
    }
}

pub(crate) fn node(seed: u8, role: Role) -> Descriptor {
    Descriptor {
        name: format!("node-{seed}"),
        identity: public(seed),
        role,
        link_key: LinkPublic::from_bytes([seed; 32]),
        address: format!("10.0.0.{seed}:9000"),
        sphinx_keys: vec![
            SphinxKey { epoch: 6, key: SphinxPublic::from_bytes([seed; 32]) },
            SphinxKey { epoch: 7, key: SphinxPublic::from_bytes([seed + 1; 32]) },
        ],
        services: match role {
            Role::Provider => vec!["echo".to_owned(), "monero.submit".to_owned()],
            _ => Vec::new(),
        },
        version: "0.1.0".to_owned(),
    }
}

/// One of each role, and one that is cut off.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let bytes = |role| node(1, role).sign(&identity(1)).bytes;
    let cut = bytes(Role::Gateway)[..40].to_vec();
    vec![
        ("gateway", bytes(Role::Gateway)),
        ("mix", bytes(Role::Mix { layer: 2 })),
        ("provider", bytes(Role::Provider)),
        ("cut", cut),
    ]
}
