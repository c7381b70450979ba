//! A report in a file: for a run without a cluster.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::StoreError;
use crate::core::Saved;

/// A report is about 300 bytes a transaction, and 3 KiB more for each that is not mined.
const MOST: u64 = 16 << 20;

/// A file with the report, and with what is to be sent again.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
}

impl FileStore {
    /// The file at `path`; made with the first write.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub(super) fn place(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) fn load(&self) -> Result<Option<Saved>, StoreError> {
        let text = match fs::metadata(&self.path) {
            Ok(about) if about.len() > MOST => {
                return Err(self.refused("it is larger than any report"));
            }
            Ok(_) => fs::read(&self.path).map_err(|error| self.refused(&error.to_string()))?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.refused(&error.to_string())),
        };
        let saved = serde_json::from_slice(&text);
        saved.map(Some).map_err(|error| self.refused(&format!("it is no report ({error})")))
    }

    pub(super) fn save(&self, saved: &Saved) -> Result<(), StoreError> {
        self.write(saved).map_err(|error| self.refused(&error.to_string()))
    }

    /// Whoever reads it finds the old one or the new one, also after a crash.
    fn write(&self, saved: &Saved) -> std::io::Result<()> {
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        let new = PathBuf::from(name);
        // Transactions that were not sent yet are in it.
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec(saved)?)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)
    }

    fn refused(&self, why: &str) -> StoreError {
        StoreError::Refused { place: self.place(), why: why.to_owned() }
    }
}
