//! What an order asks for.

use prost::Message;
use sha2::{Digest, Sha256};

use super::Rejection;
use crate::admission::{Admission, admission_from_proto, admission_to_proto};
use crate::document::{Parameters, parameters_from_proto, parameters_to_proto};
use crate::identity::IdentityPublic;
use crate::proto::order::Instruction as Proto;

/// What an [`Order`](super::Order) asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Instruction {
    /// These parameters instead of those that hold.
    Parameters(Parameters),
    /// These nodes instead of those that were admitted.
    Admission(Admission),
    /// A node leaves the next document, and the list if there is one.
    Remove(IdentityPublic),
}

impl Instruction {
    /// Names this value in an order that replaces it.
    pub(crate) fn digest(&self) -> [u8; 32] {
        match self.to_proto() {
            Proto::Parameters(parameters) => Sha256::digest(parameters.encode_to_vec()).into(),
            Proto::Admission(admission) => Sha256::digest(admission.encode_to_vec()).into(),
            Proto::Remove(identity) => Sha256::digest(identity).into(),
        }
    }

    pub(super) fn to_proto(&self) -> Proto {
        match self {
            Self::Parameters(parameters) => Proto::Parameters(parameters_to_proto(parameters)),
            Self::Admission(admission) => Proto::Admission(admission_to_proto(admission)),
            Self::Remove(identity) => Proto::Remove(identity.as_bytes().to_vec()),
        }
    }

    pub(super) fn from_proto(message: &Proto) -> Result<Self, Rejection> {
        match message {
            Proto::Parameters(parameters) => {
                let parameters = parameters_from_proto(parameters).ok_or(Rejection::Malformed)?;
                parameters.validate()?;
                Ok(Self::Parameters(parameters))
            }
            Proto::Admission(admission) => {
                admission_from_proto(admission).map(Self::Admission).ok_or(Rejection::Malformed)
            }
            Proto::Remove(identity) => {
                let identity = identity.as_slice().try_into().map_err(|_| Rejection::Malformed)?;
                Ok(Self::Remove(IdentityPublic::from_bytes(identity)))
            }
        }
    }
}

impl From<Admission> for Instruction {
    fn from(admission: Admission) -> Self {
        Self::Admission(admission)
    }
}

impl From<Parameters> for Instruction {
    fn from(parameters: Parameters) -> Self {
        Self::Parameters(parameters)
    }
}
