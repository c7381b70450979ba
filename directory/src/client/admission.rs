//! Asks who may be a node, and changes it.

use std::time::SystemTime;

use super::{ClientError, Directories, DirectoryClient};
use crate::admission::{Admission, admission_from_proto};
use crate::document::{Malformed, Trust};
use crate::identity::{IdentityPublic, IdentitySecret};
use crate::messages::{Instruction, Order};
use crate::proto;

impl Directories {
    /// Whom the directories take for their nodes: what most of them say.
    pub async fn admission(&self) -> Result<Admission, ClientError> {
        let answers = self.each(|client| async move { client.admission().await });
        let answers = self.majority(answers.await)?;
        let same = |it: &&Admission| answers.iter().filter(|other| other == it).count();
        let agreed = answers.iter().find(|it| self.is_majority(same(it)));
        agreed.cloned().ok_or(ClientError::Disagree)
    }

    /// Replaces whom the directories take for their nodes, each knowing what it was there; says
    /// whether that changed anything. A majority has to take it; one that was away can be told
    /// later by the same call. Who is not admitted any more leaves the next document. If somebody
    /// else changes it at the same time, it is refused as [`Replaced`](crate::Reason::Replaced).
    pub async fn set_admission(
        &self,
        trust: &Trust,
        admin: &IdentitySecret,
        wanted: &Admission,
    ) -> Result<bool, ClientError> {
        let asked = (trust.clone(), admin.clone(), wanted.clone());
        let outcomes = self.each(move |client| {
            let (trust, admin, wanted) = asked.clone();
            async move { client.set_admission(&trust, &admin, &wanted).await }
        });
        Ok(self.majority(outcomes.await)?.contains(&true))
    }

    /// Takes a node out of the next document, and off the list if there is one. Where there is
    /// none, a node that still runs comes back with its next registration.
    pub async fn remove_node(
        &self,
        trust: &Trust,
        admin: &IdentitySecret,
        identity: IdentityPublic,
    ) -> Result<(), ClientError> {
        let remove = Instruction::Remove(identity);
        self.order(&Order::new(&remove, &trust.network, SystemTime::now(), admin)).await
    }
}

impl DirectoryClient {
    async fn admission(&self) -> Result<Admission, ClientError> {
        let mut stub = self.admin();
        let answer = self.within(stub.get_admission(proto::GetAdmissionRequest {})).await?;
        let admission = answer.admission.unwrap_or_default();
        let malformed = || ClientError::Document(Malformed::Undecodable.into());
        admission_from_proto(&admission).ok_or_else(malformed)
    }

    async fn set_admission(
        &self,
        trust: &Trust,
        admin: &IdentitySecret,
        wanted: &Admission,
    ) -> Result<bool, ClientError> {
        let current = self.admission().await?;
        if current == *wanted {
            return Ok(false);
        }
        let (current, wanted) = (current.into(), wanted.clone().into());
        let now = SystemTime::now();
        self.order(&Order::replacing(&current, &wanted, &trust.network, now, admin)).await?;
        Ok(true)
    }
}
