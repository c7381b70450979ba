use std::fmt::Write as _;
use std::path::PathBuf;

use mixbed_operator::child::Child;
use serde_json::Value;

use crate::{objects, spec};

/// As YAML, with how long the entries of Secrets are in place of what is in them.
fn written(children: &[Child]) -> String {
    let mut text = String::new();
    for child in children {
        let mut object = serde_json::to_value(&child.object).expect("JSON");
        if child.kind() == "Secret"
            && let Some(entries) = object.get_mut("data").and_then(Value::as_object_mut)
        {
            for entry in entries.values_mut() {
                *entry = format!("{} characters", entry.as_str().unwrap_or_default().len()).into();
            }
        }
        let yaml = serde_yaml::to_string(&object).expect("YAML");
        writeln!(text, "# {:?}\n{yaml}---", child.only_if).expect("written");
    }
    text
}

/// The objects are those beside the spec: `UPDATE=1` writes them.
#[track_caller]
fn golden(name: &str) {
    let place = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/mixnet");
    let yaml = std::fs::read_to_string(place.join(format!("{name}.spec.yaml"))).expect("a spec");
    let path = place.join(format!("{name}.objects.yaml"));
    let built = written(&objects(spec(&yaml)));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &built).expect("written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = built.lines().zip(found.lines()).position(|(built, found)| built != found);
    assert!(
        found == built,
        "{} is not what is built, from line {}: look, then UPDATE=1 cargo test",
        path.display(),
        differs.unwrap_or_else(|| built.lines().count().min(found.lines().count())) + 1,
    );
}

#[test]
fn an_empty_spec() {
    golden("default");
}

#[test]
fn a_spec_with_everything() {
    golden("everything");
}

#[test]
fn one_provider() {
    golden("one-provider");
}

#[test]
fn with_storage() {
    golden("storage");
}

#[test]
fn a_big_net() {
    golden("big");
}

#[test]
fn what_is_built_depends_on_nothing_else() {
    let once = written(&objects(spec("{}")));
    for _ in 0..5 {
        assert_eq!(written(&objects(spec("{}"))), once);
    }
}
