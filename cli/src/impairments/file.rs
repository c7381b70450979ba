//! A YAML file of rules.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use mixbed_directory::ImpairmentRule;
use mixbed_directory::document::impairment::{RulesError, validate_rules};
use serde_yaml::Value;

/// A longer file is a mistake: 64 rules are a few KiB.
const MAX_BYTES: u64 = 256 << 10;

/// What is wrong with a file of rules.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// It cannot be read.
    #[error("cannot read the impairments {path}: {source}", path = shown(path))]
    Read { path: PathBuf, source: io::Error },
    /// It is no list of rules.
    #[error("{path} is longer than 256 KiB: is it a file of impairments?", path = shown(path))]
    TooLong { path: PathBuf },
    /// It is not YAML.
    #[error("{path}: {what}", path = shown(path))]
    Yaml { path: PathBuf, what: String },
    /// It is YAML of another shape.
    #[error(
        "{path}: impairments are a list of rules, such as `- {{from: mix-1, to: mix-2, loss: 5%}}`, and this is not",
        path = shown(path)
    )]
    NoList { path: PathBuf },
    /// A rule is wrong, in itself or as text.
    #[error("{path}: rule {number}: {what}", path = shown(path))]
    Rule { path: PathBuf, number: usize, what: String },
    /// All of them together.
    #[error("{path}: {source}", path = shown(path))]
    Rules { path: PathBuf, source: RulesError },
}

fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

/// Reads rules from a file, or from standard input if it is `-`: a list, or one under the key
/// `impairments`.
pub(crate) fn read_rules(path: &Path) -> Result<Vec<ImpairmentRule>, FileError> {
    parse(path, &read(path)?)
}

fn read(path: &Path) -> Result<String, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let source: Box<dyn io::Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(std::fs::File::open(path).map_err(failed)?)
    };
    let mut text = String::new();
    source.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(FileError::TooLong { path: path.to_owned() });
    }
    Ok(text)
}

fn parse(path: &Path, text: &str) -> Result<Vec<ImpairmentRule>, FileError> {
    let path = || path.to_owned();
    let mut value: Value = serde_yaml::from_str(text)
        .map_err(|error| FileError::Yaml { path: path(), what: error.to_string() })?;
    if let Value::Mapping(mapping) = &mut value
        && mapping.len() == 1
        && let Some(list) = mapping.remove("impairments")
    {
        value = list;
    }
    let list = match value {
        Value::Sequence(list) => list,
        // An empty file, or comments only: no rules.
        Value::Null => Vec::new(),
        _ => return Err(FileError::NoList { path: path() }),
    };
    let rule = |(number, value)| {
        serde_yaml::from_value(value).map_err(|error| FileError::Rule {
            path: path(),
            number,
            what: error.to_string(),
        })
    };
    let rules = (1..).zip(list).map(rule).collect::<Result<Vec<_>, _>>()?;
    validate_rules(&rules).map_err(|source| FileError::Rules { path: path(), source })?;
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, String> {
        let rules = parse(Path::new("r.yaml"), text).map_err(|error| error.to_string())?;
        Ok(rules.iter().map(ToString::to_string).collect())
    }

    const RULES: &str = "
- {from: mix-1, to: mix-2, latency: 'normal(20ms, 5ms)', loss: 5%}
# A provider that is cut off.
- node: provider-0
  partition: true
- loss: 0.01
";

    #[test]
    fn a_list_is_read_alone_and_under_its_key() {
        let expected = [
            "mix-1 → mix-2: latency normal(20ms, 5ms), loss 5%",
            "all links of provider-0: partition",
            "all links: loss 1%",
        ];
        assert_eq!(read(RULES).unwrap(), expected);
        let indented = RULES.replace('\n', "\n  ");
        assert_eq!(read(&format!("impairments:{indented}")).unwrap(), expected);
        assert_eq!(read("# none\n"), Ok(Vec::new()));
        assert_eq!(read("[]"), Ok(Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, said) in [
            ("- loss: 5%\n- loss: 120%", "r.yaml: rule 2: loss is 0 % to 100 %, not 120 %"),
            ("- {from: mix-1, lss: 5%}", "r.yaml: rule 1: unknown field `lss`"),
            ("- loss", "r.yaml: rule 1: invalid type"),
            ("- {latency: 20}", "r.yaml: rule 1: a latency is a time (20ms)"),
            ("loss: 5%", "r.yaml: impairments are a list of rules"),
            ("- [", "r.yaml: "),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(said), "{text}: {error}");
        }
        let many = "- loss: 5%\n".repeat(65);
        assert_eq!(read(&many).unwrap_err(), "r.yaml: 65 rules are more than 64");
    }
}
