//! A node's two keys in one file, as whoever makes keys for many nodes hands them out.

use std::path::{Path, PathBuf};

use mixbed_directory::IdentitySecret;
use mixbed_wire::LinkSecret;
use zeroize::Zeroizing;

use crate::keys::{KeyError, read_secret};

/// A node's keys.
pub(crate) struct NodeKeys {
    pub(crate) identity: IdentitySecret,
    pub(crate) link: LinkSecret,
}

/// What is wrong with a keys file. No key is ever in it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Fault {
    #[error("line {0} is no key: write `identity` or `link`, a space, and 64 hexadecimal digits")]
    NoKey(usize),
    #[error("line {line} has a second {name} key: give one")]
    Twice { line: usize, name: &'static str },
    #[error("it has no {0} key: add a line `{0}`, a space, and 64 hexadecimal digits")]
    Missing(&'static str),
    #[error("both keys are the same: draw each by itself")]
    Same,
}

/// A file that holds no two keys.
#[derive(Debug, thiserror::Error)]
#[error("the keys file {path}: {fault}", path = .path.display())]
pub(crate) struct KeysFileError {
    path: PathBuf,
    fault: Fault,
}

/// Why there are no keys from the file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    #[error("the keys file cannot be read: {0}")]
    File(KeyError),
    #[error(transparent)]
    Text(#[from] KeysFileError),
}

/// Reads both keys from a file.
pub(crate) fn read(path: &Path) -> Result<NodeKeys, Unread> {
    let text = read_secret(path)
        .map_err(|source| Unread::File(KeyError::Io { path: path.to_owned(), source }))?;
    Ok(parse(&text).map_err(|fault| KeysFileError { path: path.to_owned(), fault })?)
}

type Key = Zeroizing<[u8; 32]>;

fn parse(text: &[u8]) -> Result<NodeKeys, Fault> {
    let (mut identity, mut link): (Option<Key>, Option<Key>) = (None, None);
    for (line, words) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        let words = words.trim_ascii();
        if words.is_empty() || words.starts_with(b"#") {
            continue;
        }
        let mut parts = words.splitn(2, u8::is_ascii_whitespace);
        let (name, slot) = match parts.next() {
            Some(b"identity") => ("identity", &mut identity),
            Some(b"link") => ("link", &mut link),
            _ => return Err(Fault::NoKey(line)),
        };
        if slot.is_some() {
            return Err(Fault::Twice { line, name });
        }
        let mut key = Key::default();
        let digits = parts.next().unwrap_or_default().trim_ascii();
        hex::decode_to_slice(digits, key.as_mut_slice()).map_err(|_| Fault::NoKey(line))?;
        *slot = Some(key);
    }
    let identity = identity.ok_or(Fault::Missing("identity"))?;
    let link = link.ok_or(Fault::Missing("link"))?;
    if identity == link {
        return Err(Fault::Same);
    }
    Ok(NodeKeys {
        identity: IdentitySecret::from_bytes(*identity),
        link: LinkSecret::from_bytes(*link),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, byte: u8) -> String {
        format!("{name} {}\n", hex::encode([byte; 32]))
    }

    fn fault(text: &str) -> Fault {
        parse(text.as_bytes()).err().expect("no keys")
    }

    #[test]
    fn both_keys_in_any_order_among_comments() {
        let (identity, link) = (line("identity", 1), line("link", 2));
        for text in [
            format!("{identity}{link}"),
            format!("# node mix-1-0\n\n{link}\n  {identity}"),
            format!("{}\r\n{}", identity.trim(), link.trim().replace(' ', " \t ")),
        ] {
            let keys = parse(text.as_bytes()).unwrap_or_else(|error| panic!("two keys: {error}"));
            assert_eq!(keys.identity.id(), IdentitySecret::from_bytes([1; 32]).id());
            assert_eq!(keys.link.public(), LinkSecret::from_bytes([2; 32]).public());
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_no_key_is_told() {
        let (identity, link) = (line("identity", 0xab), line("link", 2));
        assert_eq!(fault(""), Fault::Missing("identity"));
        assert_eq!(fault(&identity), Fault::Missing("link"));
        assert_eq!(fault(&link), Fault::Missing("identity"));
        let twice = Fault::Twice { line: 3, name: "identity" };
        assert_eq!(fault(&format!("{identity}{link}{identity}")), twice);
        assert_eq!(fault(&format!("{identity}mailbox 00\n")), Fault::NoKey(2));
        assert_eq!(fault(&identity[..40]), Fault::NoKey(1));
        assert_eq!(fault(&format!("{}ab", identity.trim())), Fault::NoKey(1));
        assert_eq!(fault("identity\n"), Fault::NoKey(1));
        assert_eq!(fault("\0\0\0"), Fault::NoKey(1));
        assert_eq!(fault(&format!("{}{}", line("identity", 7), line("link", 7))), Fault::Same);

        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{}x", identity.trim())).unwrap();
        let error = read(file.path()).err().expect("no keys").to_string();
        assert!(error.contains(file.path().to_str().unwrap()), "{error}");
        assert!(error.contains("line 1") && !error.contains("abab"), "{error}");
        let error = read(Path::new("/nowhere/keys")).err().expect("no file").to_string();
        assert!(error.contains("/nowhere/keys"), "{error}");
    }
}
