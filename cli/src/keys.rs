//! Secrets on disk: a node's keys, a mailbox's key, an admin's key, the join secret.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use mixbed_directory::{IdentitySecret, JoinSecret, JoinSecretError};
use mixbed_wire::{LinkSecret, MailboxSecret};
use zeroize::Zeroizing;

/// The variable that may hold the join secret. Never an argument: those are for all to see.
pub(crate) const JOIN_SECRET_VARIABLE: &str = "MIXBED_JOIN_SECRET";

/// The file of a directory's own join secret.
const JOIN_SECRET_FILE: &str = "join-secret";

/// The file of the admin key that a directory draws for itself.
const ADMIN_KEY_FILE: &str = "admin.key";

/// The file of the last good document.
const DOCUMENT_FILE: &str = "document";

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// A file or directory.
    #[error("{path}: {source}", path = .path.display())]
    Io { path: PathBuf, source: io::Error },
    /// A key's file with something else in it.
    #[error("{path} holds no key: a key is 64 hexadecimal digits; without the file, a new one is drawn", path = .path.display())]
    NoKey { path: PathBuf },
    /// No admin key's file was given.
    #[error(
        "no admin key: give the file with one as --admin-key-file; a directory that was given none keeps its own in its state directory, as {ADMIN_KEY_FILE}"
    )]
    NoAdmin,
    /// A secret's file.
    #[error("{path}: {source}", path = .path.display())]
    Secret { path: PathBuf, source: JoinSecretError },
    /// The variable.
    #[error("the variable {JOIN_SECRET_VARIABLE}: {0}")]
    Variable(JoinSecretError),
    /// Nothing was given.
    #[error(
        "no join secret: give the file with it as --join-secret-file, or the secret itself in the variable {JOIN_SECRET_VARIABLE}"
    )]
    NoSecret,
}

/// A directory for secrets, and for what else a role remembers; readable for its owner only.
#[derive(Debug)]
pub(crate) struct StateDir(PathBuf);

impl StateDir {
    /// Makes the directory if it is missing.
    pub(crate) fn open(path: &Path) -> Result<Self, KeyError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|source| KeyError::Io { path: path.to_owned(), source })?;
        Ok(Self(path.to_owned()))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The file of the last good document, to start from while the directory is away.
    pub(crate) fn document(&self) -> PathBuf {
        self.0.join(DOCUMENT_FILE)
    }

    fn key(&self, name: &str) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        read_or_draw(&self.0.join(name))
    }
}

fn read_or_draw(path: &Path) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    match read_key(path) {
        Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            let mut key = Zeroizing::new([0; 32]);
            rand::Rng::fill_bytes(&mut rand::rng(), key.as_mut_slice());
            let text = Zeroizing::new(hex::encode(*key) + "\n");
            write_secret(path, text.as_bytes())
                .map_err(|source| KeyError::Io { path: path.to_owned(), source })?;
            Ok(key)
        }
        read => read,
    }
}

fn read_key(path: &Path) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let text =
        read_secret(path).map_err(|source| KeyError::Io { path: path.to_owned(), source })?;
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim_ascii(), key.as_mut_slice())
        .map_err(|_| KeyError::NoKey { path: path.to_owned() })?;
    Ok(key)
}

/// A node's identity: from the state directory, drawn when there is none.
pub(crate) fn identity(dir: Option<&StateDir>) -> Result<IdentitySecret, KeyError> {
    match dir {
        Some(dir) => Ok(IdentitySecret::from_bytes(*dir.key("identity.key")?)),
        None => Ok(IdentitySecret::generate(&mut rand::rng())),
    }
}

/// A node's link key: from the state directory, drawn when there is none.
pub(crate) fn link_key(dir: Option<&StateDir>) -> Result<LinkSecret, KeyError> {
    match dir {
        Some(dir) => Ok(LinkSecret::from_bytes(*dir.key("link.key")?)),
        None => Ok(LinkSecret::generate(&mut rand::rng())),
    }
}

/// A mailbox's key: from the state directory, drawn when there is none.
pub(crate) fn mailbox_key(dir: Option<&StateDir>) -> Result<MailboxSecret, KeyError> {
    match dir {
        Some(dir) => Ok(MailboxSecret::from_bytes(*dir.key("mailbox.key")?)),
        None => Ok(MailboxSecret::generate(&mut rand::rng())),
    }
}

/// The join secret: from the file, or else from the variable.
pub(crate) fn join_secret(file: Option<&Path>) -> Result<JoinSecret, KeyError> {
    if let Some(path) = file {
        let text =
            read_secret(path).map_err(|source| KeyError::Io { path: path.to_owned(), source })?;
        return JoinSecret::new(text.as_slice())
            .map_err(|source| KeyError::Secret { path: path.to_owned(), source });
    }
    match std::env::var_os(JOIN_SECRET_VARIABLE) {
        Some(text) => JoinSecret::new(text.as_encoded_bytes()).map_err(KeyError::Variable),
        None => Err(KeyError::NoSecret),
    }
}

/// A directory's own join secret, drawn at its first start; and the file that it is in.
pub(crate) fn own_join_secret(state_dir: &Path) -> Result<(JoinSecret, PathBuf), KeyError> {
    let dir = StateDir::open(state_dir)?;
    let path = dir.0.join(JOIN_SECRET_FILE);
    if !path.exists() {
        let secret = JoinSecret::generate(&mut rand::rng());
        write_secret(&path, secret.expose())
            .map_err(|source| KeyError::Io { path: path.clone(), source })?;
    }
    Ok((join_secret(Some(&path))?, path))
}

/// A directory's own admin key, drawn at its first start; and the file that it is in.
pub(crate) fn own_admin_key(state_dir: &Path) -> Result<(IdentitySecret, PathBuf), KeyError> {
    let dir = StateDir::open(state_dir)?;
    let key = IdentitySecret::from_bytes(*dir.key(ADMIN_KEY_FILE)?);
    Ok((key, dir.0.join(ADMIN_KEY_FILE)))
}

/// An admin's key, from the file: it has to be there.
pub(crate) fn admin_key(file: Option<&Path>) -> Result<IdentitySecret, KeyError> {
    let path = file.ok_or(KeyError::NoAdmin)?;
    Ok(IdentitySecret::from_bytes(*read_key(path)?))
}

/// The key in a file of its own, drawn when there is none.
pub(crate) fn drawn_key(path: &Path) -> Result<IdentitySecret, KeyError> {
    Ok(IdentitySecret::from_bytes(*read_or_draw(path)?))
}

/// Reads a file of secrets.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    read_secret(path).map_err(|source| KeyError::Io { path: path.to_owned(), source })
}

/// Writes one, whole, for its owner alone.
pub(crate) fn write(path: &Path, text: &[u8]) -> Result<(), KeyError> {
    write_secret(path, text).map_err(|source| KeyError::Io { path: path.to_owned(), source })
}

/// What a file of secrets holds; one that is longer than any is cut, so that it is refused.
pub(crate) fn read_secret(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    // More is no secret; the error says how long one is.
    let mut text = Zeroizing::new(Vec::with_capacity(4096));
    File::open(path)?.take(4096).read_to_end(&mut text)?;
    Ok(text)
}

/// Written aside and renamed: a secret that is there is whole.
fn write_secret(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&aside, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn keys_stay_the_same_and_are_for_the_owner_only() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("a/b");
        let dir = StateDir::open(&path).unwrap();
        let id = identity(Some(&dir)).unwrap().id();
        let key = link_key(Some(&dir)).unwrap().public();
        let again = StateDir::open(&path).unwrap();
        assert_eq!(identity(Some(&again)).unwrap().id(), id);
        assert_eq!(link_key(Some(&again)).unwrap().public(), key);
        for name in ["identity.key", "link.key"] {
            let mode = fs::metadata(path.join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        assert_ne!(identity(None).unwrap().id(), identity(None).unwrap().id());
    }

    #[test]
    fn a_file_without_a_key_is_named_and_kept() {
        let base = tempfile::tempdir().unwrap();
        fs::write(base.path().join("link.key"), "garbage").unwrap();
        let dir = StateDir::open(base.path()).unwrap();
        let error = link_key(Some(&dir)).unwrap_err().to_string();
        assert!(error.contains("link.key"), "{error}");
        assert_eq!(fs::read_to_string(base.path().join("link.key")).unwrap(), "garbage");
    }

    #[test]
    fn a_directory_draws_its_join_secret_once() {
        let base = tempfile::tempdir().unwrap();
        let (first, path) = own_join_secret(base.path()).unwrap();
        let (second, _) = own_join_secret(base.path()).unwrap();
        assert_eq!(first.expose(), second.expose());
        let from_file = join_secret(Some(&path)).unwrap();
        assert_eq!(from_file.expose(), first.expose());
    }

    #[test]
    fn an_admin_key_is_drawn_once_and_read_from_its_file() {
        let base = tempfile::tempdir().unwrap();
        let (first, path) = own_admin_key(base.path()).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(own_admin_key(base.path()).unwrap().0.public(), first.public());
        assert_eq!(admin_key(Some(&path)).unwrap().public(), first.public());
        assert!(admin_key(None).unwrap_err().to_string().contains("--admin-key-file"));
        fs::write(&path, "no key").unwrap();
        assert!(admin_key(Some(&path)).unwrap_err().to_string().contains("admin.key"));
        assert!(admin_key(Some(&base.path().join("none"))).is_err(), "none is drawn");
    }

    #[test]
    fn a_short_secret_is_refused_with_its_file() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("secret");
        fs::write(&path, "short").unwrap();
        let error = join_secret(Some(&path)).unwrap_err().to_string();
        assert!(error.contains("secret") && error.contains("16"), "{error}");
        assert!(join_secret(Some(&base.path().join("none"))).is_err());
    }
}
