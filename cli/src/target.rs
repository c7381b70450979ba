//! Which network a command is about that may change it: one of a running `up`, or one of a
//! directory whose admin key is at hand.

use std::path::PathBuf;

use mixbed_directory::{ClientError, Directories, Document, Parameters, Trust};

use crate::control::{ControlArgs, ControlClient};
use crate::failure::Failure;
use crate::keys;
use crate::settings::PublicKey;

/// Which network.
#[derive(Clone, Debug, clap::Args)]
#[expect(clippy::doc_markdown, reason = "printed as help, where backticks would show")]
pub(crate) struct Target {
    /// Control address of the `mixbed up` whose network it is (a `mixbed client` can show it only)
    #[arg(long, global = true, value_name = "ADDRESS", env = "MIXBED_CONTROL")]
    #[arg(hide_env_values = true, default_value = ControlArgs::DEFAULT)]
    control: String,
    /// URL of the directory (of several, with commas between) instead, for a network of separate processes or in Kubernetes: needs
    /// its key, and for changes an admin key
    #[arg(long, global = true, value_name = "URL")]
    directory: Option<String>,
    /// With --directory: its public key, 64 hexadecimal digits or a file with them; of several
    /// directories, all keys with commas between
    #[arg(long, global = true, value_name = "KEY", env = "MIXBED_AUTHORITY_KEY")]
    #[arg(hide_env_values = true)]
    authority_key: Option<PublicKey>,
    /// With --directory, for changes: file with an admin key. A directory that was given none has
    /// its own in its state directory, as admin.key
    #[arg(long, global = true, value_name = "FILE", env = "MIXBED_ADMIN_KEY_FILE")]
    #[arg(hide_env_values = true)]
    admin_key_file: Option<PathBuf>,
    /// With --directory: name of the network
    #[arg(long, global = true, value_name = "NAME", env = "MIXBED_NETWORK")]
    #[arg(hide_env_values = true, default_value = "mixbed")]
    network: String,
}

/// How the network is reached.
pub(crate) enum Reached {
    /// By the control API of an `up`.
    Control(ControlClient),
    /// At its directory.
    Directory(Box<Directory>),
}

/// A network's directory.
pub(crate) struct Directory {
    client: Directories,
    trust: Trust,
    admin_key_file: Option<PathBuf>,
}

impl Target {
    /// How to reach it. Connects on first use.
    pub(crate) fn reach(self) -> Result<Reached, Failure> {
        let Some(url) = self.directory else {
            let control = ControlArgs::at(self.control).client().map_err(Failure::usage)?;
            return Ok(Reached::Control(control));
        };
        let Some(key) = self.authority_key else {
            return Err(Failure::usage(
                "--directory needs --authority-key: what the directory prints when it is ready, \
                 or the file authority.pub in its state directory",
            ));
        };
        let trust = key.trust(&self.network).map_err(Failure::usage)?;
        trust.validate().map_err(Failure::usage)?;
        let client = Directories::new(&url).map_err(Failure::usage)?;
        let admin_key_file = self.admin_key_file;
        Ok(Reached::Directory(Box::new(Directory { client, trust, admin_key_file })))
    }
}

impl Directory {
    /// The document that holds.
    pub(crate) async fn document(&self) -> Result<Document, ClientError> {
        self.client.current(&self.trust).await
    }

    /// Changes the network's parameters; the document that has the change.
    pub(crate) async fn change(
        &self,
        change: impl FnMut(&mut Parameters) + Send,
    ) -> Result<Document, Failure> {
        let admin = keys::admin_key(self.admin_key_file.as_deref()).map_err(Failure::usage)?;
        let changed = self.client.change_parameters(&self.trust, &admin, change).await;
        changed.map_err(Failure::failed)
    }
}
