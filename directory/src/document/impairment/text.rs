//! A rule as people write it.

use std::fmt;

use mixbed_wire::{Impairment, Latency};
use serde::{Deserialize, Serialize};

use super::amounts::{Amount, bandwidth, latency, loss, share, time, width, writes};
use super::{ImpairmentRule, Links, RuleError, Selector};

/// A rule's fields, each as text; absent ones are as if there were nothing.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RuleText {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    only_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loss: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bandwidth: Option<Amount>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partition: bool,
}

impl TryFrom<RuleText> for ImpairmentRule {
    type Error = RuleError;

    fn try_from(text: RuleText) -> Result<Self, RuleError> {
        let selector = |text: Option<String>| text.map(|text| text.parse()).transpose();
        let links = match (text.node, text.from, text.to) {
            (Some(node), None, None) => Links::Of(node.parse()?),
            (Some(_), _, _) => return Err(RuleError::NodeAndEnds),
            (None, from, to) => Links::Between {
                from: selector(from)?.unwrap_or(Selector::Any),
                to: selector(to)?.unwrap_or(Selector::Any),
            },
        };
        let latency = |amount: &Amount| latency(&amount.shown());
        let jitter = |amount: &Amount| {
            time(&amount.shown()).ok_or_else(|| RuleError::Jitter(amount.shown()))
        };
        let rule = Self {
            links,
            impairment: Impairment {
                latency: text.latency.as_ref().map(latency).transpose()?.unwrap_or_default(),
                jitter: text.jitter.as_ref().map(jitter).transpose()?.unwrap_or_default(),
                loss: text.loss.as_ref().map(loss).transpose()?.unwrap_or_default(),
                bandwidth: text.bandwidth.as_ref().map(bandwidth).transpose()?,
                partition: text.partition,
            },
            only_from: selector(text.only_from)?,
        };
        rule.validate()?;
        Ok(rule)
    }
}

impl From<ImpairmentRule> for RuleText {
    fn from(rule: ImpairmentRule) -> Self {
        let ImpairmentRule { links, impairment, only_from } = rule;
        let Impairment { latency, jitter, loss, bandwidth, partition } = impairment;
        let end = |end: Selector| (end != Selector::Any).then(|| end.to_string());
        let (from, to, node) = match links {
            Links::Between { from, to } => (end(from), end(to), None),
            Links::Of(node) => (None, None, Some(node.to_string())),
        };
        Self {
            from,
            to,
            node,
            only_from: only_from.map(|only| only.to_string()),
            latency: (latency != Latency::None).then(|| Amount::Text(writes(latency))),
            jitter: (!jitter.is_zero())
                .then(|| Amount::Text(humantime::format_duration(jitter).to_string())),
            loss: (loss > 0.0).then(|| Amount::Text(share(loss))),
            bandwidth: bandwidth.map(|bandwidth| Amount::Text(width(bandwidth))),
            partition,
        }
    }
}

impl fmt::Display for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Between { from: Selector::Any, to: Selector::Any } => f.write_str("all links"),
            Self::Between { from, to } => write!(f, "{from} → {to}"),
            Self::Of(node) => write!(f, "all links of {node}"),
        }
    }
}

impl ImpairmentRule {
    /// What it is about, in words: `mix-1 → mix-2`, or of a dishonest node its name.
    #[must_use]
    pub fn subject(&self) -> String {
        match &self.links {
            Links::Of(node) if self.impairment.is_none() => node.to_string(),
            links => links.to_string(),
        }
    }

    /// What it does, in words: `latency 20ms, loss 5%`.
    #[must_use]
    pub fn effects(&self) -> String {
        let text = RuleText::from(self.clone());
        let parts = [
            text.latency.map(|latency| format!("latency {}", latency.shown())),
            text.jitter.map(|jitter| format!("jitter up to {}", jitter.shown())),
            text.loss.map(|loss| format!("loss {}", loss.shown())),
            text.bandwidth.map(|bandwidth| format!("bandwidth {}", bandwidth.shown())),
            text.partition.then(|| "partition".to_owned()),
            text.only_from.map(|only| format!("lets in only what {only} sends")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for ImpairmentRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject(), self.effects())
    }
}
