//! The key of a network's directory, given as itself or as a file that holds it.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use mixbed_directory::{IdentityPublic, ParseIdentityError};
use serde::{Deserialize, Serialize};

/// 64 hexadecimal digits, or a file with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct AuthorityKey(String);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthorityKeyError {
    /// The file cannot be read.
    #[error(
        "authority_key: `{path}` is neither 64 hexadecimal digits nor a file that can be read ({source}); the directory writes its key to authority.pub in its state directory, and prints it"
    )]
    File { path: PathBuf, source: std::io::Error },
    /// It holds something else.
    #[error("authority_key: in {path}: {source}")]
    Content { path: PathBuf, source: ParseIdentityError },
}

impl AuthorityKey {
    /// The key itself.
    pub(crate) fn read(&self) -> Result<IdentityPublic, AuthorityKeyError> {
        if let Ok(key) = self.0.parse() {
            return Ok(key);
        }
        let path = PathBuf::from(&self.0);
        match std::fs::read_to_string(&path) {
            Ok(text) => text.parse().map_err(|source| AuthorityKeyError::Content { path, source }),
            Err(source) => Err(AuthorityKeyError::File { path, source }),
        }
    }
}

impl FromStr for AuthorityKey {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_a_file_and_neither() {
        let digits = "ab".repeat(32);
        let read = |text: &str| text.parse::<AuthorityKey>().unwrap().read();
        assert_eq!(read(&digits).unwrap().to_string(), digits);

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("authority.pub");
        std::fs::write(&path, format!("{digits}\n")).unwrap();
        assert_eq!(read(path.to_str().unwrap()).unwrap().to_string(), digits);

        std::fs::write(&path, "no key\n").unwrap();
        let error = read(path.to_str().unwrap()).unwrap_err().to_string();
        assert!(error.contains("authority.pub") && error.contains("64"), "{error}");
        assert!(read("abcd").unwrap_err().to_string().contains("`abcd`"));
    }
}
