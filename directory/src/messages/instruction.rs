//! What an order asks for.

use prost::Message;
use sha2::{Digest, Sha256};

use super::Rejection;
use crate::document::{Parameters, parameters_from_proto, parameters_to_proto};
use crate::proto::order::Instruction as Proto;

/// What an [`Order`](super::Order) asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Instruction {
    /// These parameters instead of those that hold.
    Parameters(Parameters),
}

impl Instruction {
    /// Names this value in an order that replaces it.
    pub(crate) fn digest(&self) -> [u8; 32] {
        match self.to_proto() {
            Proto::Parameters(parameters) => Sha256::digest(parameters.encode_to_vec()).into(),
        }
    }

    pub(super) fn to_proto(&self) -> Proto {
        match self {
            Self::Parameters(parameters) => Proto::Parameters(parameters_to_proto(parameters)),
        }
    }

    pub(super) fn from_proto(message: &Proto) -> Result<Self, Rejection> {
        match message {
            Proto::Parameters(parameters) => {
                let parameters = parameters_from_proto(parameters).ok_or(Rejection::Malformed)?;
                parameters.validate()?;
                Ok(Self::Parameters(parameters))
            }
        }
    }
}

impl From<Parameters> for Instruction {
    fn from(parameters: Parameters) -> Self {
        Self::Parameters(parameters)
    }
}
