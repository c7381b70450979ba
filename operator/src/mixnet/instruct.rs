//! What a Mixnet's directory is told: who may be a node, and with which parameters.

use std::sync::Arc;
use std::time::Duration;

use mixbed_directory::{Admission, ChangeError, Directories, Document, NodeList, Trust};

use super::admission::admitted;
use super::observe::Observed;
use super::status::ParametersState;
use super::{NetworkSecrets, Reconciler, ValidMixnet};
use crate::api::is_true;

/// How long a directory may take for what it is told.
const ANSWER: Duration = Duration::from_secs(6);

/// How long an operator that has just started waits for a directory that others have heard.
const FIRST_DOCUMENT: Duration = Duration::from_secs(5);

impl Reconciler {
    /// Makes the directory's list of nodes and its document's parameters those of the spec.
    pub(super) async fn instruct(
        &self,
        observed: &Observed,
        valid: &ValidMixnet,
        secrets: &NetworkSecrets,
    ) -> (Option<Arc<Document>>, ParametersState) {
        let Ok(key) = secrets.authority_key().parse() else {
            return (None, ParametersState::Waiting);
        };
        if secrets.drawn() > 0 {
            return (None, ParametersState::Waiting);
        }
        let trust = Trust::single(valid.name(), key);
        let place = observed.place();
        let before = self.statuses.mixnet(&observed.mixnet).conditions;
        let heard_before = is_true(&before, "ParametersApplied");
        let document = if heard_before {
            self.directories.first_document(&place, &trust, FIRST_DOCUMENT).await
        } else {
            self.directories.document(&place, &trust)
        };
        let Some(document) = document else {
            return (None, ParametersState::Waiting);
        };
        let nodes = match admitted(valid, secrets, |name| observed.pod(name).is_some()) {
            Ok(nodes) => nodes,
            Err(error) => return (Some(document), ParametersState::Failed(error.to_string())),
        };
        let told = async {
            let client = Directories::new(&self.directories.url(&place), &trust)?;
            let admin = secrets.admin();
            if !self.directories.admits(&place, &nodes) || lacks_one(&document, &nodes) {
                client.set_admission(&trust, admin, &Admission::Listed(nodes.clone())).await?;
                self.directories.set_admits(&place, nodes);
            }
            if document.parameters == valid.parameters {
                return Ok(document.clone());
            }
            let wanted = valid.parameters.clone();
            let changed =
                client.change_parameters(&trust, admin, move |found| *found = wanted.clone());
            Ok::<_, ChangeError>(Arc::new(changed.await?))
        };
        match tokio::time::timeout(ANSWER, told).await {
            Ok(Ok(document)) if document.parameters == valid.parameters => {
                (Some(document), ParametersState::Same)
            }
            Ok(Ok(document)) => (Some(document), ParametersState::Waiting),
            Ok(Err(error)) => (Some(document), ParametersState::Failed(error.to_string())),
            Err(_) => {
                let why = format!("the directory does not answer within {ANSWER:?}");
                (Some(document), ParametersState::Failed(why))
            }
        }
    }
}

/// Whether a node that may join has not: a directory that lost its list takes nobody.
fn lacks_one(document: &Document, nodes: &NodeList) -> bool {
    !nodes.iter().all(|node| document.nodes.iter().any(|listed| listed.identity == node.identity))
}
