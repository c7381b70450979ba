//! Changes a net's parameters while it runs.

use std::time::Duration;

use mixbed_directory::{ChangeError, Directories, ImpairmentRule, Parameters};
use mixbed_node::Node;

use crate::{LocalNet, LocalNetError};

/// How long a document may take to reach the nodes.
const KNOWN_WITHIN: Duration = Duration::from_secs(10);

impl LocalNet {
    /// Changes the network's parameters, and waits until all that run here know: nodes and the
    /// net's own follower. Needs the directory.
    pub async fn change(
        &self,
        change: impl FnMut(&mut Parameters) + Send,
    ) -> Result<(), LocalNetError> {
        let client =
            Directories::new(&self.directory_url(), self.trust()).map_err(ChangeError::from)?;
        let changed = client.change_parameters(self.trust(), self.admin(), change).await?;
        let version = changed.version();
        for follower in self.nodes().values().map(Node::follower).chain([self.follower()]) {
            follower.wait_for(KNOWN_WITHIN, |document| document.version() >= version).await?;
        }
        Ok(())
    }

    /// Impairs links by these rules, and by none of those before: with no rules at all every link
    /// is as it is again. What enters a link after this has returned meets the new rules; what
    /// waits on an impaired one comes out when it was to.
    pub async fn impair(&self, rules: Vec<ImpairmentRule>) -> Result<(), LocalNetError> {
        self.change(|parameters| parameters.impairments.clone_from(&rules)).await
    }
}
