//! Reading a configuration file, and saying exactly what is wrong with one.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde_yaml::{Mapping, Value};

use super::Described;

/// A longer file is a mistake.
const MAX_BYTES: u64 = 1 << 20;

/// A key that is at least this like a known one is probably meant to be it (Jaro-Winkler: 1 is the
/// same). Clap has the same bound for flags.
const ALIKE: f64 = 0.7;

/// What is wrong with a configuration file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// It cannot be read.
    #[error("cannot read the configuration file {path}: {source}", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    /// It is no configuration file.
    #[error("{path} is longer than 1 MiB: is it a configuration file?", path = .path.display())]
    TooLong { path: PathBuf },
    /// It is not YAML, or a value cannot be what it is.
    #[error("{}: {what}", place(path, *line))]
    Invalid { path: PathBuf, line: Option<usize>, what: String },
    /// It is YAML of another shape.
    #[error("{path}: a configuration is a list of `key: value` lines, and this is not", path = .path.display())]
    NotAMapping { path: PathBuf },
    /// It has a key that there is not.
    #[error("{}: unknown key `{key}`; {}", place(path, *line), hint(*meant, command))]
    UnknownKey {
        path: PathBuf,
        line: Option<usize>,
        key: String,
        meant: Option<&'static str>,
        command: &'static str,
    },
}

fn place(path: &Path, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{}:{line}", path.display()),
        None => path.display().to_string(),
    }
}

fn hint(meant: Option<&str>, command: &str) -> String {
    match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("`mixbed config {command}` lists the keys"),
    }
}

/// The configuration of `command`: the file, if there is one, and the flags over it.
pub(crate) fn load<S: Described>(
    command: &'static str,
    file: Option<&Path>,
    flags: S::Flags,
) -> Result<S, SettingsError> {
    let mut settings = match file {
        Some(path) => parse(command, path, &read(path)?)?,
        None => S::default(),
    };
    settings.take(flags);
    Ok(settings)
}

fn read(path: &Path) -> Result<String, SettingsError> {
    let failed = |source| SettingsError::Read { path: path.to_owned(), source };
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(SettingsError::TooLong { path: path.to_owned() });
    }
    Ok(text)
}

fn parse<S: Described>(command: &'static str, path: &Path, text: &str) -> Result<S, SettingsError> {
    let invalid = |error: &serde_yaml::Error| SettingsError::Invalid {
        path: path.to_owned(),
        line: error.location().map(|at| at.line()),
        what: without_location(&error.to_string()),
    };
    let mapping = match serde_yaml::from_str(text).map_err(|e| invalid(&e))? {
        Value::Mapping(mapping) => mapping,
        // Nothing, or comments only: the defaults.
        Value::Null => Mapping::new(),
        _ => return Err(SettingsError::NotAMapping { path: path.to_owned() }),
    };
    for key in mapping.keys() {
        let name = key.as_str().map_or_else(|| format!("{key:?}"), str::to_owned);
        if !S::FIELDS.iter().any(|field| field.key == name) {
            return Err(SettingsError::UnknownKey {
                path: path.to_owned(),
                line: line_of(text, &name),
                meant: most_alike::<S>(&name),
                key: name,
                command,
            });
        }
    }
    for (key, value) in &mapping {
        // Alone: the library does not always say whose value is wrong.
        let alone = Mapping::from_iter([(key.clone(), value.clone())]);
        if let Err(error) = serde_yaml::from_value::<S>(Value::Mapping(alone)) {
            let key = key.as_str().unwrap_or_default();
            let error = without_location(&error.to_string());
            let what = format!("{key}: {}", error.trim_start_matches(&format!("{key}: ")));
            return Err(SettingsError::Invalid {
                path: path.to_owned(),
                line: line_of(text, key),
                what,
            });
        }
    }
    serde_yaml::from_value(Value::Mapping(mapping)).map_err(|e| invalid(&e))
}

/// The library appends its location in words of its own; it is in front already.
fn without_location(message: &str) -> String {
    let end = message.rfind(" at line ").unwrap_or(message.len());
    message[..end].to_owned()
}

/// The line on which a top-level key stands. Keys are plain words, quoted or not.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let is_it = |line: &str| {
        let line = line.trim_start().trim_start_matches(['"', '\'', '?', ' ']);
        let rest = line.strip_prefix(key)?;
        rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':').then_some(())
    };
    text.lines().position(|line| is_it(line).is_some()).map(|index| index + 1)
}

fn most_alike<S: Described>(key: &str) -> Option<&'static str> {
    let likeness = |field: &str| strsim::jaro_winkler(field, &key.replace('-', "_"));
    S::FIELDS
        .iter()
        .map(|field| (field.key, likeness(field.key)))
        .filter(|(_, likeness)| *likeness > ALIKE)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{DirectorySettings, NodeSettings, Period, RoleName};

    fn node(text: &str) -> Result<NodeSettings, String> {
        parse("node", Path::new("n.yaml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_given_is_taken_and_the_rest_is_default() {
        let settings = node("role: mix\nlayer: 2\nhandshake: 3s\n").unwrap();
        assert_eq!(settings.role, Some(RoleName::Mix));
        assert_eq!(settings.handshake, Period::secs(3));
        assert_eq!(
            settings,
            NodeSettings {
                role: Some(RoleName::Mix),
                layer: Some(2),
                handshake: Period::secs(3),
                ..NodeSettings::default()
            }
        );
        assert_eq!(node("# nothing\n").unwrap(), NodeSettings::default());
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_one_meant() {
        let error = node("role: mix\n\nauthority-kye: abc\n").unwrap_err();
        assert_eq!(error, "n.yaml:3: unknown key `authority-kye`; did you mean `authority_key`?");
        let error = node("colour: red\n").unwrap_err();
        assert_eq!(error, "n.yaml:1: unknown key `colour`; `mixbed config node` lists the keys");
    }

    #[test]
    fn a_wrong_value_is_named_with_its_line() {
        let error = node("name: a\nhandshake: 3\n").unwrap_err();
        assert!(error.starts_with("n.yaml:2: handshake: "), "{error}");
        let error = node("role: relay\n").unwrap_err();
        assert!(error.starts_with("n.yaml:1: role: ") && error.contains("gateway"), "{error}");
        let error = node("name: a\nlayer: two\n").unwrap_err();
        assert!(error.starts_with("n.yaml:2: layer: invalid type"), "{error}");
        let error = node("name: [1, 2\n").unwrap_err();
        assert!(error.starts_with("n.yaml:"), "{error}");
    }

    #[test]
    fn other_shapes_are_refused() {
        assert!(node("- a\n- b\n").unwrap_err().contains("key: value"));
        assert!(node("hello").unwrap_err().contains("key: value"));
        let twice = node("name: a\nname: b\n").unwrap_err();
        assert!(twice.contains("name"), "{twice}");
    }

    #[test]
    fn flags_win_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d.yaml");
        std::fs::write(&path, "network: a\nlease: 5s\n").unwrap();
        let mut flags = crate::settings::DirectoryFlags::default();
        let loaded: DirectorySettings = load("directory", Some(&path), flags.clone()).unwrap();
        assert_eq!((loaded.network.as_str(), loaded.lease), ("a", Period::secs(5)));
        flags.network = Some("b".to_owned());
        let loaded: DirectorySettings = load("directory", Some(&path), flags).unwrap();
        assert_eq!((loaded.network.as_str(), loaded.lease), ("b", Period::secs(5)));
    }

    #[test]
    fn a_missing_file_is_named() {
        let flags = crate::settings::DirectoryFlags::default();
        let error = load::<DirectorySettings>("directory", Some(Path::new("/no/such.yaml")), flags)
            .unwrap_err()
            .to_string();
        assert!(error.contains("/no/such.yaml"), "{error}");
    }
}
