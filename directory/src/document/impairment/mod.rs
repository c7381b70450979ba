//! Rules that impair links on purpose. The document carries them, so that a change reaches every
//! node with one revision, and holds while the directory is away.

mod amounts;
mod codec;
mod error;
mod links;
mod selector;
mod text;

use std::time::Duration;

pub(super) use codec::{rules_from_proto, rules_to_proto};
pub use error::{RuleError, RulesError};
pub use links::{LinkEnd, Links};
use mixbed_wire::{Impairment, Latency, NodeId};
pub use selector::Selector;
use serde::{Deserialize, Serialize};
use text::RuleText;

use super::Document;

/// The most rules that a document has.
pub const MAX_IMPAIRMENTS: usize = 64;

/// One rule: which links, and what happens on them.
///
/// As text (YAML, JSON) it is a flat map: `from`, `to` or `node` choose links, and all the rest
/// says what happens there.
///
/// ```yaml
/// from: mix-1                    # a node's name or id, gateway, mix, provider, client, mix-1 …
/// to: mix-2
/// latency: normal(20ms, 5ms)     # or 20ms, or exponential(20ms)
/// jitter: 5ms                    # 0 to this, uniform
/// loss: 5%
/// bandwidth: 1MB/s
/// partition: false
/// ```
///
/// Several rules for one link add up: latencies and jitters add, each loses its share of what the
/// others left, the narrowest bandwidth holds, and one partition is enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RuleText", into = "RuleText")]
pub struct ImpairmentRule {
    /// Which links.
    pub links: Links,
    /// What happens on them, to whatever kind of packet.
    pub impairment: Impairment,
    /// Makes the nodes that [`Links::Of`] names dishonest: they drop every packet but those that
    /// came by a link from here. That is an n-1 attack.
    pub only_from: Option<Selector>,
}

impl ImpairmentRule {
    /// Impairs every link there is.
    #[must_use]
    pub fn everywhere(impairment: Impairment) -> Self {
        Self::between(Selector::Any, Selector::Any, impairment)
    }

    /// Impairs the links from one end to another, in that direction.
    #[must_use]
    pub fn between(from: Selector, to: Selector, impairment: Impairment) -> Self {
        Self { links: Links::Between { from, to }, impairment, only_from: None }
    }

    /// Impairs all links of a node, both ways.
    #[must_use]
    pub fn of(node: Selector, impairment: Impairment) -> Self {
        Self { links: Links::Of(node), impairment, only_from: None }
    }

    /// Makes a node drop everything but what comes from there.
    #[must_use]
    pub fn only_from(node: Selector, from: Selector) -> Self {
        let links = Links::Of(node);
        Self { links, impairment: Impairment::NONE, only_from: Some(from) }
    }

    /// Those of its selectors that mean no node of the document: words that are misspelt, most
    /// likely. What may be a client is not among them, as clients are in no document.
    #[must_use]
    pub fn nobody(&self, document: &Document) -> Vec<&Selector> {
        let ends: Vec<_> = document.nodes.iter().map(LinkEnd::from).collect();
        let means_nobody = |selector: &&Selector| match selector {
            Selector::Any | Selector::Client => false,
            Selector::Named(id) if id.parse::<NodeId>().is_ok() => false,
            selector => !ends.iter().any(|end| selector.matches(*end)),
        };
        self.links.selectors().chain(&self.only_from).filter(means_nobody).collect()
    }

    /// Whether every value is in its range and the rule does something.
    pub fn validate(&self) -> Result<(), RuleError> {
        let Self { links, impairment, only_from } = self;
        for selector in links.selectors().chain(only_from) {
            selector.validate()?;
        }
        impairment.validate()?;
        let (first, second) = match impairment.latency {
            Latency::None => (Duration::ZERO, Duration::ZERO),
            Latency::Constant(latency) => (latency, Duration::ZERO),
            Latency::Normal { mean, deviation } => (mean, deviation),
            Latency::Exponential { mean } => (mean, Duration::ZERO),
        };
        for time in [first, second, impairment.jitter] {
            if !time.subsec_nanos().is_multiple_of(1_000) {
                return Err(RuleError::TooFine(time));
            }
        }
        match (links, only_from) {
            (Links::Between { .. }, Some(_)) => Err(RuleError::OnlyFromNowhere),
            (_, None) if impairment.is_none() => Err(RuleError::Nothing),
            _ => Ok(()),
        }
    }
}

/// Whether there are not too many rules, and each is valid; numbers count from 1.
pub fn validate_rules(rules: &[ImpairmentRule]) -> Result<(), RulesError> {
    if rules.len() > MAX_IMPAIRMENTS {
        return Err(RulesError::TooMany { rules: rules.len() });
    }
    for (number, rule) in (1..).zip(rules) {
        rule.validate().map_err(|error| RulesError::Rule { number, error })?;
    }
    Ok(())
}

/// What these rules do to the link from one end to the other: to be added up as
/// [`mixbed_wire::Impaired`] does. Empty if nothing.
#[must_use]
pub fn link_impairments(
    rules: &[ImpairmentRule],
    from: LinkEnd<'_>,
    to: LinkEnd<'_>,
) -> Vec<Impairment> {
    let here = rules.iter().filter(|rule| rule.links.contain(from, to));
    here.map(|rule| rule.impairment).filter(|impairment| !impairment.is_none()).collect()
}

/// Whether these rules leave a packet alone that a node takes in from there: not if it lets in
/// only what others send.
#[must_use]
pub fn lets_in(rules: &[ImpairmentRule], node: LinkEnd<'_>, from: LinkEnd<'_>) -> bool {
    rules.iter().all(|rule| match (&rule.links, &rule.only_from) {
        (Links::Of(dishonest), Some(only)) => !dishonest.matches(node) || only.matches(from),
        _ => true,
    })
}

#[cfg(test)]
mod tests;
