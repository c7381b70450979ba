//! What the document is to say: parameters, and what links are made to suffer.

use mixbed_directory::ImpairmentRule;
use mixbed_directory::document::impairment::Selector;

use super::Problems;
use crate::api::{Impairment, MixnetSpec};
use crate::mixnet::NodeSet;

/// The most rules that a document has.
const MOST_RULES: usize = 64;

/// The parameters of the Mixnet with this name; nothing if something is wrong with them.
pub(super) fn check(
    name: &str,
    spec: &MixnetSpec,
    problems: &mut Problems,
) -> Option<mixbed_directory::Parameters> {
    let before = problems.0.len();
    if let Err(error) = spec.parameters.in_document(&[]) {
        problems.add("spec.parameters", reason(&error.to_string()), "change it");
    }
    if spec.impairments.len() > MOST_RULES {
        problems.add(
            "spec.impairments",
            format!("{} rules are more than {MOST_RULES}", spec.impairments.len()),
            "leave some out: one rule can be for a whole role or layer",
        );
    }
    let nodes: Vec<_> = NodeSet::all(name, spec)
        .iter()
        .flat_map(|set| set.pod_names().collect::<Vec<_>>())
        .collect();
    for (number, rule) in spec.impairments.iter().enumerate() {
        let path = format!("spec.impairments[{number}]");
        check_rule(&path, rule, &nodes, problems);
    }
    if problems.0.len() > before {
        return None;
    }
    match spec.parameters.in_document(&spec.impairments) {
        Ok(parameters) => Some(parameters),
        Err(error) => {
            problems.add("spec.parameters", error.to_string(), "change it");
            None
        }
    }
}

fn check_rule(path: &str, rule: &Impairment, nodes: &[String], problems: &mut Problems) {
    let remedy = "change it; mixbed impair --help has examples";
    let rule = match ImpairmentRule::try_from(rule) {
        Ok(rule) => rule,
        Err(what) => return problems.add(path, in_spec(&what), remedy),
    };
    if let Err(error) = rule.validate() {
        return problems.add(path, in_spec(&error.to_string()), remedy);
    }
    for selector in rule.links.selectors().chain(&rule.only_from) {
        // A node may also be meant by its id, and so may a client.
        let is_id = |text: &str| text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if let Selector::Named(node) = selector
            && !nodes.contains(node)
            && !is_id(node)
        {
            let example = nodes.first().map_or("", String::as_str);
            problems.add(
                path,
                format!("no node of this Mixnet is called {node}"),
                format!(
                    "write gateway, mix, provider, client, any, mix-1 to mix-3, or a node's name such as {example}"
                ),
            );
        }
    }
}

/// As the spec writes it.
fn in_spec(text: &str) -> String {
    text.replace("only_from", "onlyFrom")
}

/// Without the words that the path says already.
fn reason(text: &str) -> &str {
    text.strip_prefix("parameters: ").unwrap_or(text)
}
