//! A public key, given as itself or as a file that holds it.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use mixbed_directory::{IdentityPublic, ParseIdentityError, Trust};
use serde::{Deserialize, Serialize};

/// 64 hexadecimal digits, or a file with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct PublicKey(String);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublicKeyError {
    /// The file cannot be read.
    #[error(
        "{setting}: `{path}` is neither 64 hexadecimal digits nor a file that can be read ({source}); {hint}"
    )]
    File { setting: &'static str, path: PathBuf, source: std::io::Error, hint: &'static str },
    /// It holds something else.
    #[error("{setting}: in {path}: {source}")]
    Content { setting: &'static str, path: PathBuf, source: ParseIdentityError },
}

impl PublicKey {
    /// Trust in the directory with this key; of several directories, with commas between their keys,
    /// in a majority.
    pub(crate) fn trust(&self, network: &str) -> Result<Trust, PublicKeyError> {
        let keys = self.0.split(',').map(|key| Self(key.trim().to_owned()).authority());
        Ok(Trust::majority(network, keys.collect::<Result<_, _>>()?))
    }

    /// The key of a directory.
    pub(crate) fn authority(&self) -> Result<IdentityPublic, PublicKeyError> {
        let hint =
            "the directory writes its key to authority.pub in its state directory, and prints it";
        self.read("authority_key", hint)
    }

    /// The key of an admin.
    pub(crate) fn admin(&self) -> Result<IdentityPublic, PublicKeyError> {
        self.read("admin_key", "`mixbed admin-key FILE` draws one and prints its public key")
    }

    fn read(
        &self,
        setting: &'static str,
        hint: &'static str,
    ) -> Result<IdentityPublic, PublicKeyError> {
        if let Ok(key) = self.0.parse() {
            return Ok(key);
        }
        let path = PathBuf::from(&self.0);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                text.parse().map_err(|source| PublicKeyError::Content { setting, path, source })
            }
            Err(source) => Err(PublicKeyError::File { setting, path, source, hint }),
        }
    }
}

impl FromStr for PublicKey {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_keys_are_trusted_by_their_majority() {
        let trust = |text: &str| PublicKey(text.to_owned()).trust("net");
        let keys = ["01", "02", "03"].map(|byte| byte.repeat(32));
        let three = trust(&keys.join(", ")).unwrap();
        assert_eq!((three.keys.len(), three.threshold, three.network.as_str()), (3, 2, "net"));
        let one = trust(&keys[0]).unwrap();
        assert_eq!(one, Trust::single("net", keys[0].parse().unwrap()));
        assert!(trust(&format!("{},abcd", keys[0])).unwrap_err().to_string().contains("`abcd`"));
    }

    #[test]
    fn digits_a_file_and_neither() {
        let digits = "ab".repeat(32);
        let read = |text: &str| text.parse::<PublicKey>().unwrap().authority();
        assert_eq!(read(&digits).unwrap().to_string(), digits);

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("authority.pub");
        std::fs::write(&path, format!("{digits}\n")).unwrap();
        assert_eq!(read(path.to_str().unwrap()).unwrap().to_string(), digits);

        std::fs::write(&path, "no key\n").unwrap();
        let error = read(path.to_str().unwrap()).unwrap_err().to_string();
        assert!(error.contains("authority.pub") && error.contains("64"), "{error}");
        assert!(read("abcd").unwrap_err().to_string().contains("`abcd`"));
        let error = PublicKey("abcd".to_owned()).admin().unwrap_err().to_string();
        assert!(error.contains("admin_key") && error.contains("`mixbed admin-key"), "{error}");
    }
}
