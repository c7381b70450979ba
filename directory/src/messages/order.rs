//! An operator's order to change the network's parameters.

use std::time::SystemTime;

use prost::Message;
use sha2::{Digest, Sha256};

use super::Rejection;
use crate::document::{Parameters, canonical, parameters_from_proto, parameters_to_proto};
use crate::join::JoinSecret;
use crate::proto;
use crate::time::{from_millis, to_millis};

const DOMAIN: &[u8] = b"mixbed parameters v1\0";

/// What an order says.
#[derive(Debug)]
pub(crate) struct Ordered {
    pub(crate) parameters: Parameters,
    pub(crate) issued_at: SystemTime,
    replaces: Option<[u8; 32]>,
    /// Of the order's bytes: another order has another.
    pub(crate) digest: [u8; 32],
}

impl Ordered {
    /// Whether it says which parameters it replaces.
    pub(crate) const fn names_replaced(&self) -> bool {
        self.replaces.is_some()
    }

    /// Whether these are the parameters that it may replace.
    pub(crate) fn may_replace(&self, current: &Parameters) -> bool {
        self.replaces.is_none_or(|replaces| replaces == digest(current))
    }
}

fn digest(parameters: &Parameters) -> [u8; 32] {
    Sha256::digest(parameters_to_proto(parameters).encode_to_vec()).into()
}

/// New parameters for a network, proven by its join secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParametersOrder {
    pub(crate) bytes: Vec<u8>,
    pub(crate) join_proof: Vec<u8>,
}

impl ParametersOrder {
    /// Longer than any valid one: 64 rules with four names of 63 characters each are 21 KiB.
    const MAX_BYTES: usize = 32 << 10;

    /// Makes an order. `issued_at` is the time now, and later than that of the last order; whose
    /// clock may be off by seconds makes one that is [`replacing`](Self::replacing) others.
    #[must_use]
    pub fn new(
        parameters: &Parameters,
        network: &str,
        issued_at: SystemTime,
        join_secret: &JoinSecret,
    ) -> Self {
        Self::make(parameters, Vec::new(), network, issued_at, join_secret)
    }

    /// Makes an order that counts only while `replaced` holds, so that of two operators at the same
    /// time neither undoes what the other did without knowing.
    #[must_use]
    pub fn replacing(
        replaced: &Parameters,
        parameters: &Parameters,
        network: &str,
        issued_at: SystemTime,
        join_secret: &JoinSecret,
    ) -> Self {
        let known = digest(replaced).to_vec();
        Self::make(parameters, known, network, issued_at, join_secret)
    }

    fn make(
        parameters: &Parameters,
        replaces: Vec<u8>,
        network: &str,
        issued_at: SystemTime,
        join_secret: &JoinSecret,
    ) -> Self {
        let bytes = proto::ParametersOrder {
            network: network.to_owned(),
            issued_at_ms: to_millis(issued_at),
            parameters: Some(parameters_to_proto(parameters)),
            replaces,
        }
        .encode_to_vec();
        let join_proof = join_secret.prove(DOMAIN, &[network.as_bytes(), &bytes]).to_vec();
        Self { bytes, join_proof }
    }

    /// An order as it came, whatever it is: the authority checks all of it.
    #[must_use]
    pub fn from_parts(bytes: Vec<u8>, join_proof: Vec<u8>) -> Self {
        Self { bytes, join_proof }
    }

    /// What is ordered, and when; checks everything that needs no memory.
    pub(crate) fn verify(
        &self,
        network: &str,
        join_secret: &JoinSecret,
    ) -> Result<Ordered, Rejection> {
        if self.bytes.len() > Self::MAX_BYTES {
            return Err(Rejection::Malformed);
        }
        let message: proto::ParametersOrder = canonical(&self.bytes).ok_or(Rejection::Malformed)?;
        if message.network != network {
            return Err(Rejection::WrongNetwork {
                ours: network.to_owned(),
                theirs: message.network.chars().take(80).collect(),
            });
        }
        if !join_secret.accepts(DOMAIN, &[network.as_bytes(), &self.bytes], &self.join_proof) {
            return Err(Rejection::WrongJoinSecret { network: network.to_owned() });
        }
        let parameters = message.parameters.as_ref().and_then(parameters_from_proto);
        let parameters = parameters.ok_or(Rejection::Malformed)?;
        parameters.validate()?;
        let issued_at = from_millis(message.issued_at_ms).ok_or(Rejection::Malformed)?;
        let replaces = match message.replaces.as_slice() {
            [] => None,
            digest => Some(digest.try_into().map_err(|_| Rejection::Malformed)?),
        };
        let digest = Sha256::digest(&self.bytes).into();
        Ok(Ordered { parameters, issued_at, replaces, digest })
    }
}

impl From<&ParametersOrder> for proto::SetParametersRequest {
    fn from(order: &ParametersOrder) -> Self {
        Self { order: order.bytes.clone(), join_proof: order.join_proof.clone() }
    }
}

impl From<proto::SetParametersRequest> for ParametersOrder {
    fn from(message: proto::SetParametersRequest) -> Self {
        Self { bytes: message.order, join_proof: message.join_proof }
    }
}
