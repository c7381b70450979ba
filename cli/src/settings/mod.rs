//! The roles' configurations.
//!
//! Each is declared once, with [`settings!`]: a field, its type, its default, and a comment. From
//! that come the YAML file's fields, the flags with their help, the environment variables, and what
//! `mixbed config` prints. A flag wins over its variable, which wins over the file, which wins over
//! the default.

mod certificate;
mod client;
mod declare;
mod directory;
mod file;
mod help;
mod login;
mod monerod;
mod node;
mod peer;
mod period;
mod print;
mod public_key;
mod receipts;
mod up;

pub(crate) use certificate::CertificateChoice;
pub(crate) use client::{ClientFlags, ClientSettings};
use declare::settings;
pub(crate) use declare::{Described, Field, Setting};
pub(crate) use directory::{DirectoryFlags, DirectorySettings};
pub(crate) use file::load;
pub(crate) use help::complete;
pub(crate) use login::LoginChoice;
pub(crate) use monerod::MonerodChoice;
pub(crate) use node::{NodeFlags, NodeSettings, RoleName};
pub(crate) use peer::Peer;
pub(crate) use period::{Period, PeriodError};
pub(crate) use print::print;
pub(crate) use public_key::PublicKey;
pub(crate) use receipts::ReceiptsTo;
pub(crate) use up::{UpFlags, UpSettings};
