//! A document with its signatures.

use std::time::{Duration, SystemTime};

use super::{Document, DocumentError, Malformed, Trust};
use crate::identity::{IdentityPublic, IdentitySecret, Signature};
use crate::limits::{MAX_DOCUMENT_BYTES, MAX_SIGNATURES};

const DOMAIN: &[u8] = b"mixbed document v1\0";

/// One authority's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentSignature {
    /// The authority.
    pub authority: IdentityPublic,
    /// Its signature.
    pub signature: Signature,
}

/// A document as authorities signed it; to be verified before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedDocument {
    /// The document's canonical bytes.
    pub bytes: Vec<u8>,
    /// The signatures, at most one of each authority.
    pub signatures: Vec<DocumentSignature>,
}

impl SignedDocument {
    /// Signs a document. Refuses one that is not valid.
    pub fn sign(document: &Document, authorities: &[&IdentitySecret]) -> Result<Self, Malformed> {
        let bytes = document.to_bytes()?;
        let signatures = authorities
            .iter()
            .map(|secret| DocumentSignature {
                authority: secret.public(),
                signature: secret.sign(DOMAIN, &bytes),
            })
            .collect();
        Ok(Self { bytes, signatures })
    }

    /// The document, if enough trusted authorities signed it, it is this network's, canonical and
    /// valid, and `now` lies in its time or at most `tolerated_skew` outside of it.
    ///
    /// Signatures are checked before the document is even decoded. One of an unknown key does
    /// no harm besides enough trusted ones; a wrong one of a trusted key always does.
    pub fn verify(
        &self,
        trusted: &Trust,
        now: SystemTime,
        tolerated_skew: Duration,
    ) -> Result<Document, DocumentError> {
        let document = self.verify_whenever(trusted)?;
        if let Ok(early) = document.valid_from.duration_since(now)
            && early > tolerated_skew
        {
            let valid_from = document.valid_from;
            return Err(DocumentError::NotYetValid { within: early, valid_from });
        }
        match now.duration_since(document.valid_until) {
            Ok(since) if since >= tolerated_skew => Err(DocumentError::Expired { since }),
            _ => Ok(document),
        }
    }

    /// The document, if enough trusted authorities signed it and it is this network's, however old
    /// it is.
    pub(crate) fn verify_whenever(&self, trusted: &Trust) -> Result<Document, DocumentError> {
        self.verify_signatures(trusted)?;
        let document = Document::from_bytes(&self.bytes)?;
        if document.network != trusted.network {
            return Err(DocumentError::WrongNetwork {
                theirs: document.network,
                ours: trusted.network.clone(),
            });
        }
        Ok(document)
    }

    /// An authority's signature on a document's bytes.
    pub(crate) fn signature(bytes: &[u8], authority: &IdentitySecret) -> Signature {
        authority.sign(DOMAIN, bytes)
    }

    /// Whether an authority made this signature on a document's bytes.
    pub(crate) fn is_signed_by(bytes: &[u8], key: &IdentityPublic, signature: &Signature) -> bool {
        key.verifies(DOMAIN, bytes, signature)
    }

    fn verify_signatures(&self, trusted: &Trust) -> Result<(), DocumentError> {
        if self.bytes.len() > MAX_DOCUMENT_BYTES {
            return Err(Malformed::TooLarge { bytes: self.bytes.len() }.into());
        }
        let mut signers: Vec<_> = self.signatures.iter().map(|s| s.authority).collect();
        signers.sort_unstable();
        if signers.is_empty()
            || signers.len() > MAX_SIGNATURES
            || !signers.is_sorted_by(|a, b| a < b)
        {
            return Err(Malformed::Signatures.into());
        }
        let mut have = 0;
        for DocumentSignature { authority, signature } in &self.signatures {
            if !trusted.keys.contains(authority) {
                continue;
            }
            if !authority.verifies(DOMAIN, &self.bytes, signature) {
                return Err(DocumentError::BadSignature { key: *authority });
            }
            have += 1;
        }
        let need = trusted.threshold.max(1);
        match self.signatures.first() {
            _ if have >= need => Ok(()),
            Some(first) if have == 0 => Err(DocumentError::UnknownSigner { key: first.authority }),
            _ => Err(DocumentError::TooFewSignatures { have, need }),
        }
    }
}
