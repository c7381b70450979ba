//! (e) and (f): what an idle node takes, and how soon a whole net is there.
use std::path::Path;
use crate::report::Report;
pub(crate) fn measure(_: &mut Report, _: &Path) -> anyhow::Result<()> { Ok(()) }
