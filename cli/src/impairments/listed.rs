//! The rules that hold, as they are shown.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use mixbed_directory::{Document, ImpairmentRule};
use serde::{Deserialize, Serialize};

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
}

/// A document's rules.
pub(crate) fn list(document: &Document) -> Vec<ListedRule> {
    let listed = |(number, rule): (usize, &ImpairmentRule)| ListedRule {
        number,
        rule: rule.clone(),
        links: rule.links.to_string(),
        effects: rule.effects(),
        nobody: rule.nobody(document).iter().map(ToString::to_string).collect(),
    };
    (1..).zip(&document.parameters.impairments).map(listed).collect()
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
        let nobody = nobody.join(" or ");
        (!nobody.is_empty()).then(|| {
            format!("warning: rule {}: no node is {nobody} now, so it does nothing", rule.number)
        })
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
        };
        let text = table(std::slice::from_ref(&rule));
        assert!(text.lines().nth(1).unwrap().contains("mix-9 → any"), "{text}");
        let warned = warnings(&[rule]);
        assert_eq!(warned, ["warning: rule 2: no node is `mix-9` now, so it does nothing"]);
    }
}
