//! The key that a directory signs with, from a file.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use mixbed_directory::IdentitySecret;
use zeroize::Zeroizing;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthoritySecretError {
    /// The file cannot be read.
    #[error("authority_secret_key_file: {path}: {source}", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    /// It holds something else.
    #[error(
        "authority_secret_key_file: {path} holds no key: a key is 64 hexadecimal digits (openssl rand -hex 32)", path = .path.display()
    )]
    NoKey { path: PathBuf },
}

/// The key: 64 hexadecimal digits, with space around them or not.
pub(crate) fn read(path: &Path) -> Result<IdentitySecret, AuthoritySecretError> {
    let mut text = Zeroizing::new(Vec::with_capacity(1024));
    File::open(path)
        .and_then(|file| file.take(1024).read_to_end(&mut text))
        .map_err(|source| AuthoritySecretError::Read { path: path.to_owned(), source })?;
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim_ascii(), key.as_mut_slice())
        .map_err(|_| AuthoritySecretError::NoKey { path: path.to_owned() })?;
    Ok(IdentitySecret::from_bytes(*key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_key_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("authority.key");
        std::fs::write(&path, format!("{}\n", "ab".repeat(32))).unwrap();
        let expected = IdentitySecret::from_bytes([0xab; 32]).public();
        assert_eq!(read(&path).unwrap().public(), expected);
        for bad in ["", "garbage", &"ab".repeat(31), &"ab".repeat(33), &"ab ".repeat(600)] {
            std::fs::write(&path, bad).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains("authority.key") && error.contains("64"), "{error}");
            assert!(bad.is_empty() || !error.contains(bad), "no secret in an error");
        }
        assert!(read(&dir.path().join("none")).unwrap_err().to_string().contains("none"));
    }
}
