//! Changes some of a network's parameters and leaves the others as they are.

use std::time::{Duration, SystemTime};

use super::{ClientError, DirectoryClient};
use crate::document::{Document, Parameters, ParametersError, Trust};
use crate::identity::IdentitySecret;
use crate::limits::TOLERATED_SKEW;
use crate::messages::{Instruction, Order, Reason};

/// Others may change the parameters at the same time, but hardly that often.
const TRIES: u32 = 10;

/// From one try to the next: longer than a change waits for its document.
const PAUSE: Duration = Duration::from_millis(40);

/// Why parameters were not changed.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum ChangeError {
    /// The directory could not be asked, or refuses.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The changed parameters are out of bounds.
    #[error("{0}")]
    Parameters(#[from] ParametersError),
}

impl DirectoryClient {
    /// The current document, verified.
    pub async fn current(&self, trust: &Trust) -> Result<Document, ClientError> {
        let signed = self.document(None).await?;
        Ok(signed.verify(trust, SystemTime::now(), TOLERATED_SKEW)?)
    }

    /// Changes the network's parameters, knowing what they were: if others change them at the same
    /// time, `change` is applied again to what they have made of them, and nothing is lost.
    ///
    /// Returns the document that holds then: it has the change, unless somebody has changed the same
    /// again since. A change that changes nothing is not sent.
    pub async fn change_parameters(
        &self,
        trust: &Trust,
        admin: &IdentitySecret,
        mut change: impl FnMut(&mut Parameters) + Send,
    ) -> Result<Document, ChangeError> {
        let mut tries = 1;
        loop {
            let current = self.current(trust).await?;
            let mut wanted = current.parameters.clone();
            change(&mut wanted);
            if wanted == current.parameters {
                return Ok(current);
            }
            wanted.validate()?;
            let now = SystemTime::now();
            let before = Instruction::Parameters(current.parameters);
            let wanted = Instruction::Parameters(wanted);
            let order = Order::replacing(&before, &wanted, &trust.network, now, admin);
            match self.order(&order).await {
                // It is answered when the document is out that has the change.
                Ok(()) => return Ok(self.current(trust).await?),
                // The other one's order was the same in the same millisecond, its document is not
                // out yet, or the directory has just started and this clock is behind.
                Err(ClientError::Rejected {
                    reason: Reason::Replaced | Reason::Replayed, ..
                }) if tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
