//! A configuration's defaults as a file with comments.

use super::Described;

/// The defaults as YAML, a comment before each field.
pub(crate) fn print<S: Described>() -> String {
    let mut lines = comment(S::ABOUT);
    for (key, value) in defaults::<S>() {
        let doc = S::FIELDS.iter().find(|field| field.key == key).map_or(&[][..], |f| f.doc);
        lines.push(String::new());
        lines.extend(comment(doc));
        lines.push(format!("{key}: {value}"));
    }
    lines.join("\n") + "\n"
}

/// Each field's default as it stands in a file.
pub(super) fn defaults<S: Described>() -> Vec<(&'static str, String)> {
    let values = serde_yaml::to_value(S::default()).unwrap_or_default();
    let value = |key: &str| {
        let value = values.get(key).unwrap_or(&serde_yaml::Value::Null);
        serde_yaml::to_string(value).unwrap_or_default().trim_end().to_owned()
    };
    S::FIELDS.iter().map(|field| (field.key, value(field.key))).collect()
}

fn comment(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| format!("# {}", line.trim())).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;
    use crate::settings::{ClientSettings, DirectorySettings, NodeSettings, UpSettings};

    fn check<S: Described + PartialEq + Debug>() {
        let text = print::<S>();
        assert_eq!(serde_yaml::from_str::<S>(&text).unwrap(), S::default(), "{text}");
        let value = serde_yaml::to_value(S::default()).unwrap();
        assert_eq!(value.as_mapping().unwrap().len(), S::FIELDS.len());
        let lines: Vec<_> = text.lines().collect();
        for field in S::FIELDS {
            let start = format!("{}: ", field.key);
            let at = lines.iter().position(|line| line.starts_with(&start)).unwrap();
            assert!(lines[at - 1].starts_with("# "), "{} has no comment", field.key);
        }
    }

    #[test]
    fn what_is_printed_reads_back_as_the_defaults_with_a_comment_on_each_field() {
        check::<DirectorySettings>();
        check::<NodeSettings>();
        check::<ClientSettings>();
        check::<UpSettings>();
    }
}
