//! The chart beside the code: one version, one list of values, metrics that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

fn read(path: &str) -> String {
    let path = file(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A value of the chart, as its schema has it.
struct Row {
    path: String,
    kind: String,
    description: String,
}

/// The values of a schema, each object's before those inside of it.
fn rows(path: &str, schema: &Value, rows: &mut Vec<Row>) {
    let text = |name: &str| schema[name].as_str().unwrap_or_default().to_owned();
    if !path.is_empty() {
        let description = text("description");
        assert!(!description.is_empty(), "{path} has no description in values.schema.json");
        let kind = match schema["enum"].as_array() {
            Some(words) => {
                words.iter().map(|word| format!("`{}`", plain(word))).collect::<Vec<_>>().join(", ")
            }
            None => match schema["type"].as_array() {
                Some(kinds) => kinds.iter().map(plain).collect::<Vec<_>>().join(" or "),
                None => text("type"),
            },
        };
        rows.push(Row { path: path.to_owned(), kind, description });
    }
    let Some(properties) = schema["properties"].as_object() else { return };
    // At the root a parent chart has a word too: templates/_check.tpl refuses what is nobody's.
    let open = Value::Bool(path.is_empty());
    assert_eq!(schema["additionalProperties"], open, "{path} takes any value, or refuses any");
    // What a container asks for is one value to whoever reads the table.
    if path.ends_with("resources") {
        return;
    }
    // By name, whatever order the maps of this build keep.
    let properties: BTreeMap<_, _> =
        properties.iter().filter(|(name, _)| *name != "global").collect();
    for (name, inner) in properties {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        self::rows(&path, inner, rows);
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn at<'a>(values: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(values, |value, name| value.get(name))
}

/// A default in the table: objects that have rows of their own show none.
fn default(value: &Value, has_rows: bool) -> String {
    match value {
        Value::Object(_) if has_rows => String::new(),
        Value::String(text) if text.is_empty() => String::new(),
        value => format!("`{}`", plain(&sorted(value))),
    }
}

/// The same, with the names of each map in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let map: BTreeMap<_, _> =
                map.iter().map(|(name, value)| (name, sorted(value))).collect();
            map.into_iter().map(|(name, value)| (name.clone(), value)).collect()
        }
        Value::Array(list) => list.iter().map(sorted).collect(),
        value => value.clone(),
    }
}

#[test]
fn the_readme_has_every_value() {
    let schema: Value =
        serde_json::from_str(&read("charts/mixbed/values.schema.json")).expect("JSON");
    let values = yaml("charts/mixbed/values.yaml");
    let mut all = Vec::new();
    rows("", &schema, &mut all);
    let mut table =
        String::from("| value | kind | default | what it is for |\n|---|---|---|---|\n");
    for Row { path, kind, description } in &all {
        let value = at(&values, path).unwrap_or_else(|| panic!("{path} is not in values.yaml"));
        let inside = format!("{path}.");
        let has_rows = all.iter().any(|row| row.path.starts_with(&inside));
        let kind = if has_rows { "" } else { kind };
        let default = default(value, has_rows);
        let row = format!("| `{path}` | {kind} | {default} | {description} |\n");
        table.push_str(&row);
    }

    let readme = read("charts/mixbed/README.md");
    let (before, rest) = readme.split_once("<!-- generated -->\n").expect("a place for the table");
    let (_, after) = rest.split_once("<!-- end -->").expect("its end");
    let wanted = format!("{before}<!-- generated -->\n{table}<!-- end -->{after}");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(file("charts/mixbed/README.md"), &wanted).expect("written");
        return;
    }
    assert!(readme == wanted, "the table of values is old: UPDATE=1 cargo test -p mixbed-operator");
}

/// The other way around: what is in values.yaml is in the schema.
#[test]
fn the_schema_has_every_value() {
    fn check(path: &str, value: &Value, schema: &Value) {
        let (Some(values), Some(properties)) =
            (value.as_object(), schema["properties"].as_object())
        else {
            return;
        };
        for (name, value) in values {
            let path = format!("{path}.{name}");
            let inner = properties.get(name);
            check(&path, value, inner.unwrap_or_else(|| panic!("{path} is not in the schema")));
        }
    }
    let schema: Value =
        serde_json::from_str(&read("charts/mixbed/values.schema.json")).expect("JSON");
    check("", &yaml("charts/mixbed/values.yaml"), &schema);
}

/// The template that refuses values of other names knows ours.
#[test]
fn the_names_of_values_are_those_that_are_let_in() {
    let schema: Value =
        serde_json::from_str(&read("charts/mixbed/values.schema.json")).expect("JSON");
    let names = schema["properties"].as_object().expect("values").keys();
    let names: BTreeSet<&str> =
        names.map(String::as_str).filter(|name| *name != "global").collect();
    let check = read("charts/mixbed/templates/_check.tpl");
    let list = check.split_once("$ours := list ").and_then(|(_, rest)| rest.split_once(" -}}"));
    let list = list.expect("a list of names").0.split(' ').map(|name| name.trim_matches('"'));
    assert_eq!(list.collect::<BTreeSet<_>>(), names);
    // A boolean of any name is a parent's: none of ours may be one.
    let values = yaml("charts/mixbed/values.yaml");
    for name in names {
        assert!(!values[name].is_boolean(), "{name} could not be told from a parent's condition");
    }
}

/// The operator must reach the API server wherever its directories do.
#[test]
fn the_operator_may_reach_the_ports_of_an_api_server_that_its_pods_may() {
    let golden = read("operator/tests/golden/mixnet/default.objects.yaml");
    let objects = serde_yaml::Deserializer::from_str(&golden)
        .map(|object| serde::Deserialize::deserialize(object).expect("YAML"));
    let policies = objects.filter(|object: &Value| object["kind"] == "NetworkPolicy");
    let mut ports = BTreeSet::new();
    for policy in policies {
        for rule in policy["spec"]["egress"].as_array().into_iter().flatten() {
            let of: BTreeSet<u64> = rule["ports"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|port| port["port"].as_u64())
                .collect();
            if of.contains(&6443) {
                ports.extend(of);
            }
        }
    }
    let values = yaml("charts/mixbed/values.yaml");
    let chart = values["networkPolicy"]["apiServerPorts"].as_array().expect("ports");
    assert_eq!(chart.iter().filter_map(Value::as_u64).collect::<BTreeSet<_>>(), ports);
}

#[test]
fn the_chart_has_the_version_of_the_code() {
    let chart = yaml("charts/mixbed/Chart.yaml");
    assert_eq!(plain(&chart["appVersion"]), env!("CARGO_PKG_VERSION"));
}

/// A panel of a metric that nobody counts would stay empty in silence.
#[test]
fn the_dashboard_shows_metrics_that_exist() {
    let reference = read("docs/metrics.md");
    let dashboard = read("charts/mixbed/dashboards/mixbed.json");
    let shown: BTreeSet<&str> = dashboard
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("mixbed_"))
        .collect();
    assert!(shown.len() > 20, "{shown:?}");
    for metric in shown {
        let counted = metric.strip_suffix("_bucket").unwrap_or(metric);
        assert!(
            reference.contains(&format!("| `{counted}` |")),
            "{metric} is not in docs/metrics.md"
        );
    }
}
