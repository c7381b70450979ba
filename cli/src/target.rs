//! Which network a command is about that may change it: one of a running `up`, or one of a
//! directory whose admin key is at hand.

use std::path::PathBuf;

use mixbed_directory::{
    Admission, ClientError, Directories, Document, IdentityPublic, IdentitySecret, Parameters,
    Trust,
};

use crate::control::{ControlArgs, ControlClient};
use crate::failure::Failure;
use crate::keys;
use crate::settings::{LoginChoice, PublicKey};

/// Which network.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Target {
    /// Control address of the `mixbed up` whose network it is (a `mixbed client` can show it only)
    #[arg(long, global = true, value_name = "ADDRESS", env = "MIXBED_CONTROL")]
    #[arg(hide_env_values = true, default_value = ControlArgs::DEFAULT)]
    control: String,
    /// The login that it wants, as it was given there: USER:PASSWORD, @FILE, or drawn for a file
    /// mixbed.login in this directory
    #[arg(long, global = true, value_name = "LOGIN", env = "MIXBED_CONTROL_LOGIN")]
    #[arg(hide_env_values = true, num_args = 0..=1, default_missing_value = "drawn")]
    control_login: Option<LoginChoice>,
    /// URL of the directory instead, for a network of separate processes or in Kubernetes: needs
    /// its key, and for changes an admin key
    #[arg(long, global = true, value_name = "URL")]
    directory: Option<String>,
    #[command(flatten)]
    keys: DirectoryKeys,
}

/// The network of a directory.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DirectoryArgs {
    /// URL of the directory
    #[arg(long, global = true, value_name = "URL", env = "MIXBED_DIRECTORY")]
    #[arg(hide_env_values = true, default_value = "mixbed://127.0.0.1:7100")]
    directory: String,
    #[command(flatten)]
    keys: DirectoryKeys,
}

/// What a directory is known by, and what changes its network.
#[derive(Clone, Debug, clap::Args)]
struct DirectoryKeys {
    /// The directory's public key, 64 hexadecimal digits or a file with them
    #[arg(long, global = true, value_name = "KEY", env = "MIXBED_AUTHORITY_KEY")]
    #[arg(hide_env_values = true)]
    authority_key: Option<PublicKey>,
    /// For changes at a directory: file with an admin key. A directory that was given none has its
    /// own in its state directory, as admin.key
    #[arg(long, global = true, value_name = "FILE", env = "MIXBED_ADMIN_KEY_FILE")]
    #[arg(hide_env_values = true)]
    admin_key_file: Option<PathBuf>,
    /// Name of the directory's network
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
        if let Some(url) = self.directory {
            return Ok(Reached::Directory(Box::new(self.keys.reach(&url)?)));
        }
        let control = ControlArgs::at(self.control, self.control_login);
        Ok(Reached::Control(control.client().map_err(Failure::usage)?))
    }
}

impl DirectoryArgs {
    /// How to reach it. Connects on first use.
    pub(crate) fn reach(self) -> Result<Directory, Failure> {
        self.keys.reach(&self.directory)
    }
}

impl DirectoryKeys {
    fn reach(self, url: &str) -> Result<Directory, Failure> {
        let Some(key) = self.authority_key else {
            return Err(Failure::usage(
                "--directory needs --authority-key: what the directory prints when it is ready, \
                 or the file authority.pub in its state directory",
            ));
        };
        let trust = key.trust(&self.network).map_err(Failure::usage)?;
        trust.validate().map_err(Failure::usage)?;
        let client = Directories::new(url, &trust).map_err(Failure::usage)?;
        Ok(Directory { client, trust, admin_key_file: self.admin_key_file })
    }
}

impl Directory {
    /// The document that holds.
    pub(crate) async fn document(&self) -> Result<Document, ClientError> {
        self.client.current(&self.trust).await
    }

    /// Whom it takes for its nodes.
    pub(crate) async fn admission(&self) -> Result<Admission, ClientError> {
        self.client.admission().await
    }

    /// Changes the network's parameters; the document that has the change.
    pub(crate) async fn change(
        &self,
        change: impl FnMut(&mut Parameters) + Send,
    ) -> Result<Document, Failure> {
        let admin = self.admin()?;
        let changed = self.client.change_parameters(&self.trust, &admin, change).await;
        changed.map_err(Failure::failed)
    }

    /// Changes whom it takes for its nodes.
    pub(crate) async fn admit(&self, wanted: &Admission) -> Result<(), Failure> {
        let admin = self.admin()?;
        let changed = self.client.set_admission(&self.trust, &admin, wanted).await;
        changed.map(drop).map_err(Failure::failed)
    }

    /// Removes a node.
    pub(crate) async fn remove(&self, identity: IdentityPublic) -> Result<(), Failure> {
        let admin = self.admin()?;
        self.client.remove_node(&self.trust, &admin, identity).await.map_err(Failure::failed)
    }

    fn admin(&self) -> Result<IdentitySecret, Failure> {
        keys::admin_key(self.admin_key_file.as_deref()).map_err(Failure::usage)
    }
}
