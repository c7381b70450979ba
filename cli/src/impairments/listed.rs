//! The rules that hold, as they are shown.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use mixbed_directory::document::impairment::{LinkEnd, Links, Selector};
use mixbed_directory::{Document, ImpairmentRule, Role};
use mixbed_node::passes_on;
use mixbed_wire::NodeId;
use serde::{Deserialize, Serialize};

/// The ways that there are.
const WAYS: &str = "they go client → gateway → mix-1 → mix-2 → mix-3 → provider or gateway, \
                    provider → mix-1 and gateway → client";

/// The rules that hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Impairments {
    pub(crate) rules: Vec<ListedRule>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ListedRule {
    /// Its number, from 1: what `mixbed impair clear` takes.
    pub(crate) number: usize,
    pub(crate) rule: ImpairmentRule,
    /// Which links it is about, in words.
    pub(crate) links: String,
    /// What happens on them, in words.
    pub(crate) effects: String,
    /// Those of its selectors that mean no node of the document.
    pub(crate) nobody: Vec<String>,
    /// Whether packets go by any of these links at all.
    pub(crate) used: bool,
}

/// A document's rules.
pub(crate) fn list(document: &Document) -> Vec<ListedRule> {
    let listed = |(number, rule): (usize, &ImpairmentRule)| ListedRule {
        number,
        rule: rule.clone(),
        links: rule.subject(),
        effects: rule.effects(),
        nobody: rule.nobody(document).iter().map(ToString::to_string).collect(),
        used: is_used(rule, document),
    };
    (1..).zip(&document.parameters.impairments).map(listed).collect()
}

/// Whether there can be a link that a rule is about.
fn is_used(rule: &ImpairmentRule, document: &Document) -> bool {
    let Links::Between { from, to } = &rule.links else { return true };
    // Of each end, what is there: roles, and `None` for clients.
    let roles = |selector: &Selector| {
        let mut roles: Vec<_> = document
            .nodes
            .iter()
            .filter(|node| selector.matches(LinkEnd::from(*node)))
            .map(|node| Some(node.role))
            .collect();
        let id = match selector {
            Selector::Named(text) => text.parse().ok(),
            _ => Some(NodeId::from_bytes([0; NodeId::LENGTH])),
        };
        roles.extend(id.filter(|id| selector.matches(LinkEnd::Client(*id))).map(|_| None));
        roles.sort_unstable();
        roles.dedup();
        roles
    };
    let receivers = roles(to);
    let passes = |from: &Option<Role>, to: &Option<Role>| match (*from, *to) {
        (Some(from), Some(to)) => passes_on(from, to),
        (None, Some(gateway)) | (Some(gateway), None) => gateway == Role::Gateway,
        (None, None) => false,
    };
    roles(from).iter().any(|from| receivers.iter().any(|to| passes(from, to)))
}

/// A table of them.
pub(crate) fn table(rules: &[ListedRule]) -> String {
    if rules.is_empty() {
        return "no impairments: every link is as it is".to_owned();
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["rule", "links", "effects"]);
    for rule in rules {
        table.add_row([rule.number.to_string(), rule.links.clone(), rule.effects.clone()]);
    }
    table.trim_fmt()
}

/// What is probably not as it was meant.
pub(crate) fn warnings(rules: &[ListedRule]) -> Vec<String> {
    let warn = |rule: &ListedRule| {
        let nobody: Vec<_> = rule.nobody.iter().map(|word| format!("`{word}`")).collect();
        let why = match (nobody.join(" or "), rule.used) {
            (nobody, _) if !nobody.is_empty() => format!("no node is {nobody} now"),
            (_, false) => format!("no packets go {} ({WAYS})", rule.links),
            _ => return None,
        };
        Some(format!("warning: rule {}: {why}, so it does nothing", rule.number))
    };
    rules.iter().filter_map(warn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_numbered_and_those_that_mean_nobody_are_warned_of() {
        assert!(table(&[]).contains("no impairments"));
        let rule = ListedRule {
            number: 2,
            rule: serde_json::from_str(r#"{"from": "mix-9", "loss": "5%"}"#).unwrap(),
            links: "mix-9 → any".to_owned(),
            effects: "loss 5%".to_owned(),
            nobody: vec!["mix-9".to_owned()],
            used: false,
        };
        let text = table(std::slice::from_ref(&rule));
        assert!(text.lines().nth(1).unwrap().contains("mix-9 → any"), "{text}");
        let warned = warnings(&[rule]);
        assert_eq!(warned, ["warning: rule 2: no node is `mix-9` now, so it does nothing"]);
    }
}
