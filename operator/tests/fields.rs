//! The page of every field of both kinds, from what clusters are told of them.

use std::fmt::Write as _;
use std::path::PathBuf;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use mixbed_operator::api::definitions;
use serde_json::Value;

const HEAD: &str = "\
# Fields of Mixnet and Broadcast

Made from the definitions of `mixbed.dev/v1alpha1` (`UPDATE=1 cargo test -p mixbed-operator --test
fields`). `kubectl explain mixnet.spec --recursive` says the same, for the version that a cluster
has. Fields that are not set have their defaults, which `kubectl get -o yaml` shows. Times are written
like `50ms`, `2s` or `1m30s`, amounts like `250m` and `64Mi`.
";

/// What several fields have: told once.
const SHARED: [(&str, &str); 4] = [
    ("resources", "Resources"),
    ("scheduling", "Scheduling"),
    ("tolerations", ""),
    ("affinity", ""),
];

struct Page {
    text: String,
    shared: Vec<(&'static str, JSONSchemaProps)>,
}

impl Page {
    fn table(&mut self, title: &str, schema: &JSONSchemaProps, prefix: &str, given: bool) {
        let description = schema.description.as_deref().map(one_line).unwrap_or_default();
        write!(self.text, "\n## {title}\n\n").expect("written");
        if !description.is_empty() {
            write!(self.text, "{}\n\n", wrapped(&description)).expect("written");
        }
        let columns =
            if given { "| type | default | limits | meaning |" } else { "| type | meaning |" };
        let rule =
            columns.replace(|c: char| c.is_ascii_alphabetic() || c == ' ', "").replace('|', "|---");
        let rule = rule.strip_suffix("---").unwrap_or(&rule);
        writeln!(self.text, "| field {columns}\n|---{rule}").expect("written");
        self.rows(schema, prefix, given);
        for (number, rule) in schema.x_kubernetes_validations.iter().flatten().enumerate() {
            let lead = if number == 0 { "\n" } else { "" };
            let message = rule.message.as_deref().expect("each rule has a message");
            writeln!(self.text, "{lead}- {message}.").expect("written");
        }
    }

    fn rows(&mut self, schema: &JSONSchemaProps, prefix: &str, given: bool) {
        for (name, field) in schema.properties.iter().flatten() {
            let path = format!("{prefix}{name}");
            let needed = schema.required.iter().flatten().any(|needed| needed == name);
            let shared = SHARED.iter().find(|(shared, _)| shared == name);
            let mut meaning = field.description.as_deref().map(one_line).unwrap_or_default();
            if let Some((name, title)) = shared.filter(|(_, title)| !title.is_empty()) {
                write!(meaning, " See [{title}](#{name}).").expect("written");
                if self.shared.iter().all(|(known, _)| known != title) {
                    self.shared.push((title, field.clone()));
                }
            }
            let kind = kind(name, field);
            if given {
                let default = default(field, needed);
                let limits = limits(field);
                writeln!(self.text, "| `{path}` | {kind} | {default} | {limits} | {meaning} |")
            } else {
                writeln!(self.text, "| `{path}` | {kind} | {meaning} |")
            }
            .expect("written");
            if shared.is_some() || name == "conditions" {
                continue;
            }
            self.rows(field, &format!("{path}."), given);
            if let Some(JSONSchemaPropsOrArray::Schema(items)) = &field.items {
                self.rows(items, &format!("{path}[]."), given);
            }
        }
    }
}

fn kind(name: &str, field: &JSONSchemaProps) -> String {
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &field.additional_properties {
        let amounts = values.x_kubernetes_int_or_string == Some(true);
        return if amounts { "map of amounts" } else { "map of strings" }.to_owned();
    }
    match (field.type_.as_deref(), &field.items) {
        (Some("array"), Some(JSONSchemaPropsOrArray::Schema(items))) => {
            let item = match name {
                "tolerations" => "tolerations of pods",
                "conditions" => "conditions",
                _ => match items.type_.as_deref() {
                    Some("object") => "objects",
                    _ => "strings",
                },
            };
            format!("list of {item}")
        }
        (Some("string"), _) if is_time(field) => "time".to_owned(),
        (Some(kind), _) => kind.to_owned(),
        (None, _) => "value".to_owned(),
    }
}

fn is_time(field: &JSONSchemaProps) -> bool {
    let mut rules = field.x_kubernetes_validations.iter().flatten();
    rules.any(|rule| rule.rule.contains("(us|ms|s|m|h)"))
}

/// Of single values; those of objects stand at their fields.
fn default(field: &JSONSchemaProps, needed: bool) -> String {
    if needed {
        return "needed".to_owned();
    }
    match field.default.as_ref().map(|default| &default.0) {
        Some(Value::Object(_) | Value::Array(_)) | None => String::new(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(value) => format!("`{value}`"),
    }
}

fn limits(field: &JSONSchemaProps) -> String {
    let mut limits = Vec::new();
    match (field.minimum, field.maximum) {
        (Some(least), Some(most)) => limits.push(format!("{least} to {most}")),
        (Some(least), None) => limits.push(format!("at least {least}")),
        (None, Some(most)) => limits.push(format!("at most {most}")),
        (None, None) => (),
    }
    if let Some(values) = &field.enum_ {
        let values: Vec<_> = values.iter().filter_map(|value| value.0.as_str()).collect();
        limits.push(values.join(", "));
    }
    limits.extend(field.max_items.map(|most| format!("at most {most}")));
    limits.extend(field.max_properties.map(|most| format!("at most {most}")));
    if !is_time(field) {
        limits.extend(field.max_length.map(|most| format!("at most {most} characters")));
        let pattern =
            field.pattern.as_deref().map(|text| format!("`{}`", text.replace('|', "\\|")));
        limits.extend(pattern);
    }
    let item = match &field.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => items.x_kubernetes_validations.as_ref(),
        _ => None,
    };
    let rules = field.x_kubernetes_validations.iter().chain(item).flatten();
    limits.extend(rules.filter_map(|rule| rule.message.clone()));
    limits.join("; ").replace('\n', " ")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// At most 100 characters a line.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        if let Some(line) = lines.last_mut().filter(|line| line.len() + word.len() < 100) {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}

fn root(definition: &CustomResourceDefinition) -> &JSONSchemaProps {
    let schema = definition.spec.versions[0].schema.as_ref();
    schema.and_then(|schema| schema.open_api_v3_schema.as_ref()).expect("a schema")
}

fn page() -> String {
    let mut page = Page { text: HEAD.to_owned(), shared: Vec::new() };
    for definition in definitions() {
        let kind = &definition.spec.names.kind;
        let properties = root(&definition).properties.as_ref().expect("fields");
        page.table(&format!("{kind}: spec"), &properties["spec"], "", true);
        page.table(&format!("{kind}: status"), &properties["status"], "", false);
        let names = root(&definition).x_kubernetes_validations.iter().flatten();
        for message in names.filter_map(|rule| rule.message.as_deref()) {
            write!(page.text, "\n{}\n", wrapped(&sentence(message))).expect("written");
        }
    }
    for (title, schema) in std::mem::take(&mut page.shared) {
        let schema = JSONSchemaProps { description: None, ..schema };
        page.table(title, &schema, "", true);
    }
    page.text
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    format!("{}{}.", first.map(String::from).unwrap_or_default(), letters.as_str())
}

/// The page: `UPDATE=1` writes it.
#[test]
fn the_page_has_every_field() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/kubernetes/fields.md");
    let wanted = page();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &wanted).expect("written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "{} is not what the types say: UPDATE=1 cargo test", path.display());
}

/// Every field says what it means, and every limit has a message.
#[test]
fn no_field_is_without_a_meaning() {
    fn look(path: &str, schema: &JSONSchemaProps) {
        assert_ne!(schema.nullable, Some(true), "{path}: null means not set, and is dropped");
        let unknown = schema.format.as_deref().filter(|format| format.starts_with("uint"));
        assert_eq!(unknown, None, "{path}: Kubernetes warns of it");
        for rule in schema.x_kubernetes_validations.iter().flatten() {
            assert!(rule.message.as_deref().is_some_and(|text| !text.is_empty()), "{path}");
        }
        for (name, field) in schema.properties.iter().flatten() {
            let path = format!("{path}.{name}");
            let meaning = field.description.as_deref().unwrap_or_default();
            assert!(!meaning.is_empty(), "{path} says what it is");
            look(&path, field);
        }
        if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
            look(&format!("{path}[]"), items);
        }
    }
    for definition in definitions() {
        look(&definition.spec.names.kind, root(&definition));
    }
}

#[test]
fn a_mixnet_needs_no_spec_and_shows_its_defaults() {
    let [mixnet, broadcast] = definitions();
    let spec = |definition| root(definition).properties.as_ref().expect("fields")["spec"].clone();
    assert_eq!(root(&mixnet).required, None);
    assert_eq!(spec(&mixnet).default.map(|default| default.0), Some(serde_json::json!({})));
    // All that is not optional has a default, so that it can be seen.
    let optional = ["impairments", "storage"];
    for (name, field) in spec(&mixnet).properties.iter().flatten() {
        assert!(field.default.is_some() || optional.contains(&name.as_str()), "{name}");
    }
    assert_eq!(root(&broadcast).required, Some(vec!["spec".to_owned()]));
    assert_eq!(spec(&broadcast).required, Some(vec!["mixnet".to_owned()]));
}

proptest::proptest! {
    /// Times that a cluster lets in are times for us too (whatever matches its rules): a watch ends at what it cannot read.
    #[test]
    fn times_that_are_let_in_can_be_read(text in "([0-9]{1,9}(us|ms|s|m|h)){1,3}") {
        proptest::prop_assert!(text.parse::<mixbed_operator::api::Period>().is_ok(), "{text}");
    }
}
