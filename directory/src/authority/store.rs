//! The authority's state in a file: written in one transaction, so that a crash at any moment
//! leaves the state before or after it.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError,
    TableDefinition, WriteTransaction,
};

use super::Member;
use super::core::{Issued, Snapshot};
use super::epochs::Epochs;
use crate::document::{
    Descriptor, Document, Parameters, SignedDocument, Trust, parameters_from_proto,
    parameters_to_proto,
};
use crate::identity::{IdentityPublic, IdentitySecret};
use crate::proto;
use crate::time::{from_millis, to_millis};

const FILE: &str = "authority.redb";
const FORMAT: u64 = 1;
/// A snapshot is small and read once; the library's default is a gigabyte.
const CACHE_BYTES: usize = 1 << 20;

const NUMBERS: TableDefinition<&str, u64> = TableDefinition::new("numbers");
const BLOBS: TableDefinition<&str, &[u8]> = TableDefinition::new("blobs");
const MEMBERS: TableDefinition<u64, (&[u8], u64)> = TableDefinition::new("members");
const SEEN: TableDefinition<&[u8; 32], u64> = TableDefinition::new("seen");
const DOCUMENTS: TableDefinition<u64, &[u8]> = TableDefinition::new("documents");

/// A state directory, open; nobody else can open it meanwhile.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    database: Database,
}

impl Store {
    /// Opens the state in a directory, or begins one. Directory and file are the owner's alone:
    /// the signing key is in it.
    pub fn open(state_dir: &Path) -> Result<Self, StoreError> {
        let path = state_dir.join(FILE);
        let io_error = |source| StoreError::Io { path: path.clone(), source };
        std::fs::create_dir_all(state_dir).map_err(io_error)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(io_error)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(io_error)?;
        drop(file);
        let opened = Builder::new()
            .set_cache_size(CACHE_BYTES)
            // A damaged file is refused here, not met with a panic later.
            .set_check_integrity_on_open(true)
            .create(&path);
        match opened {
            Ok(database) => Ok(Self { path, database }),
            Err(DatabaseError::DatabaseAlreadyOpen) => Err(StoreError::Locked { path }),
            Err(DatabaseError::Storage(StorageError::Io(source)))
                if source.kind() != io::ErrorKind::InvalidData =>
            {
                Err(StoreError::Io { path, source })
            }
            Err(error) => Err(StoreError::Corrupt { path, what: error.to_string() }),
        }
    }

    /// The state that was saved last, or nothing in a new directory. The documents' signatures
    /// are verified with the stored key.
    pub fn load(&self) -> Result<Option<Snapshot>, StoreError> {
        self.try_load().map_err(|error| match error {
            Broken::Storage(error) => self.failed(&error),
            Broken::Content(what) => {
                StoreError::Corrupt { path: self.path.clone(), what: what.to_owned() }
            }
            Broken::Format(format) => StoreError::Format { path: self.path.clone(), format },
        })
    }

    /// Writes a state down, on the disk when this returns.
    pub fn save(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.try_save(snapshot).map_err(|error| self.failed(&error))
    }

    /// Writes the public key beside it, for people and scripts to copy: `authority.pub`, 64
    /// hexadecimal digits.
    pub fn write_public_key(&self, key: &IdentityPublic) -> Result<(), StoreError> {
        let path = self.path.with_file_name("authority.pub");
        std::fs::write(&path, format!("{key}\n")).map_err(|source| StoreError::Io { path, source })
    }

    fn failed(&self, error: &redb::Error) -> StoreError {
        let path = self.path.clone();
        match error {
            redb::Error::Io(source) => {
                let source = io::Error::new(source.kind(), source.to_string());
                StoreError::Io { path, source }
            }
            error => StoreError::Corrupt { path, what: error.to_string() },
        }
    }

    fn try_load(&self) -> Result<Option<Snapshot>, Broken> {
        let read = self.database.begin_read().map_err(redb::Error::from)?;
        let numbers = match read.open_table(NUMBERS) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(redb::Error::from(error).into()),
        };
        let number = |key| -> Result<Option<u64>, Broken> {
            Ok(numbers.get(key).map_err(redb::Error::from)?.map(|guard| guard.value()))
        };
        let known = |key| number(key)?.ok_or(Broken::Content("a number is missing"));
        let time = |millis| from_millis(millis).ok_or(Broken::Content("a time is out of range"));
        match known("format")? {
            FORMAT => {}
            format => return Err(Broken::Format(format)),
        }
        let blobs = read.open_table(BLOBS).map_err(redb::Error::from)?;
        let blob = |key| -> Result<Vec<u8>, Broken> {
            let guard = blobs.get(key).map_err(redb::Error::from)?;
            Ok(guard.ok_or(Broken::Content("a value is missing"))?.value().to_vec())
        };
        let secret: [u8; 32] =
            blob("secret")?.try_into().map_err(|_| Broken::Content("the key's length is wrong"))?;
        let secret = IdentitySecret::from_bytes(secret);
        let network = String::from_utf8(blob("network")?)
            .map_err(|_| Broken::Content("the network's name is no text"))?;

        let mut members = Vec::new();
        let table = read.open_table(MEMBERS).map_err(redb::Error::from)?;
        for row in table.iter().map_err(redb::Error::from)? {
            let (_, row) = row.map_err(redb::Error::from)?;
            let (descriptor, lease_end) = row.value();
            let descriptor = Descriptor::from_bytes(descriptor)
                .map_err(|_| Broken::Content("a descriptor is malformed"))?;
            members.push(Member { descriptor, lease_end: time(lease_end)? });
        }
        let mut seen = Vec::new();
        let table = read.open_table(SEEN).map_err(redb::Error::from)?;
        for row in table.iter().map_err(redb::Error::from)? {
            let (identity, at) = row.map_err(redb::Error::from)?;
            seen.push((IdentityPublic::from_bytes(*identity.value()), time(at.value())?));
        }
        let trust = Trust::single(&network, secret.public());
        let mut documents = Vec::new();
        let table = read.open_table(DOCUMENTS).map_err(redb::Error::from)?;
        for row in table.iter().map_err(redb::Error::from)? {
            let (_, row) = row.map_err(redb::Error::from)?;
            documents.push(issued(row.value(), &trust)?);
        }
        let epoch_length = Duration::from_millis(known("epoch_length")?);
        Ok(Some(Snapshot {
            network,
            secret,
            epochs: Epochs {
                number: known("epoch")?,
                start: time(known("epoch_start")?)?,
                end: time(known("epoch_end")?)?,
                length: epoch_length,
            },
            revision: known("revision")?,
            configured: parameters(&blob("configured")?)?,
            parameters: parameters(&blob("parameters")?)?,
            last_order: number("last_order")?.map(time).transpose()?,
            members,
            seen,
            documents,
        }))
    }

    fn try_save(&self, snapshot: &Snapshot) -> Result<(), redb::Error> {
        let Snapshot {
            network,
            secret,
            epochs: Epochs { number, start, end, length },
            revision,
            configured,
            parameters,
            last_order,
            members,
            seen,
            documents,
        } = snapshot;
        let write = self.database.begin_write()?;
        {
            let mut table = emptied(&write, NUMBERS)?;
            table.insert("format", FORMAT)?;
            table.insert("epoch", number)?;
            table.insert("epoch_start", to_millis(*start))?;
            table.insert("epoch_end", to_millis(*end))?;
            table.insert("epoch_length", u64::try_from(length.as_millis()).unwrap_or(u64::MAX))?;
            table.insert("revision", revision)?;
            if let Some(at) = last_order {
                table.insert("last_order", to_millis(*at))?;
            }
            let mut table = emptied(&write, BLOBS)?;
            table.insert("network", network.as_bytes())?;
            table.insert("secret", secret.to_bytes().as_slice())?;
            for (key, parameters) in [("configured", configured), ("parameters", parameters)] {
                let bytes = parameters_to_proto(parameters).encode_to_vec();
                table.insert(key, bytes.as_slice())?;
            }
            let mut table = emptied(&write, MEMBERS)?;
            for (row, Member { descriptor, lease_end }) in (0..).zip(members) {
                let bytes = descriptor.to_bytes();
                table.insert(row, (bytes.as_slice(), to_millis(*lease_end)))?;
            }
            let mut table = emptied(&write, SEEN)?;
            for (identity, at) in seen {
                table.insert(identity.as_bytes(), to_millis(*at))?;
            }
            let mut table = emptied(&write, DOCUMENTS)?;
            for Issued { document, signed } in documents {
                let bytes = proto::SignedDocument::from(&**signed).encode_to_vec();
                table.insert(document.epoch, bytes.as_slice())?;
            }
        }
        write.commit()?;
        Ok(())
    }
}

fn emptied<'txn, K: redb::Key + 'static, V: redb::Value + 'static>(
    write: &'txn WriteTransaction,
    definition: TableDefinition<'_, K, V>,
) -> Result<redb::Table<'txn, K, V>, redb::Error> {
    let mut table = write.open_table(definition)?;
    table.retain(|_, _| false)?;
    Ok(table)
}

fn parameters(bytes: &[u8]) -> Result<Parameters, Broken> {
    let broken = Broken::Content("the parameters are malformed");
    let message = proto::Parameters::decode(bytes).ok();
    let parameters = message.as_ref().and_then(parameters_from_proto);
    parameters.filter(|parameters| parameters.validate().is_ok()).ok_or(broken)
}

fn issued(bytes: &[u8], trust: &Trust) -> Result<Issued, Broken> {
    let broken = |_| Broken::Content("a document is malformed or not signed by the stored key");
    let message = proto::SignedDocument::decode(bytes)
        .map_err(|_| Broken::Content("a document is malformed"))?;
    let signed = SignedDocument::try_from(message).map_err(broken)?;
    let document = Document::from_bytes(&signed.bytes).map_err(broken)?;
    signed.verify(trust, document.valid_from, Duration::ZERO).map_err(broken)?;
    Ok(Issued { document: Arc::new(document), signed: Arc::new(signed) })
}

enum Broken {
    Storage(redb::Error),
    Content(&'static str),
    Format(u64),
}

impl From<redb::Error> for Broken {
    fn from(error: redb::Error) -> Self {
        Self::Storage(error)
    }
}

/// Why state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system says no.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// Another authority uses the directory.
    #[error("{path} is in use by another process: is a directory running already?", path = .path.display())]
    Locked {
        /// Which file.
        path: PathBuf,
    },
    /// What stands in the file is no state.
    #[error("{path} is damaged ({what}): restore a copy; with a new file the network gets a new key, and every node and client has to be told", path = .path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Another version of the program wrote the file.
    #[error("{path} has format {format}, this program reads format {FORMAT}", path = .path.display())]
    Format {
        /// Which file.
        path: PathBuf,
        /// Its format.
        format: u64,
    },
    /// The directory holds another network's state.
    #[error("the state in {dir} is of the network {theirs:?}, not of {ours:?}: use another directory for each network", dir = .dir.display())]
    OtherNetwork {
        /// Which directory.
        dir: PathBuf,
        /// The state's network.
        theirs: String,
        /// The configured network.
        ours: String,
    },
    /// The state is read well, but makes no sense together.
    #[error("the state in {dir} is inconsistent: {what}", dir = .dir.display())]
    Inconsistent {
        /// Which directory.
        dir: PathBuf,
        /// What does not fit.
        what: String,
    },
}
