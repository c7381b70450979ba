//! Impairments of links: rules from files and flags, changes of them, and how they are shown.

mod file;
mod listed;
mod order;

use std::path::Path;

pub(crate) use file::read_rules;
pub(crate) use listed::{Impairments, ListedRule, list, table, warnings};
use mixbed_directory::ImpairmentRule;
pub(crate) use order::Order;

use crate::failure::Failure;

/// The rules in the file that the setting `impairments` names.
pub(crate) fn from_setting(file: Option<&Path>) -> Result<Vec<ImpairmentRule>, Failure> {
    file.map(read_rules).transpose().map(Option::unwrap_or_default).map_err(Failure::usage)
}
