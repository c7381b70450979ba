//! What links are made to suffer, as a Mixnet's spec has it.

use mixbed_directory::ImpairmentRule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One rule: which links, and what happens on them. The words are those of `mixbed impair`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "!has(self.node) || (!has(self.from) && !has(self.to))", "message": "a rule names either node (all its links) or from and to (one direction), not both"},
    {"rule": "!has(self.onlyFrom) || has(self.node)", "message": "onlyFrom needs node: it says which node lets in only what comes from there"},
    {"rule": "has(self.latency) || has(self.jitter) || has(self.loss) || has(self.bandwidth) || (has(self.partition) && self.partition) || has(self.onlyFrom)", "message": "a rule says what happens: latency, jitter, loss, bandwidth, partition: true or onlyFrom"}
]))]
pub struct Impairment {
    /// The links that begin here: a node's name, gateway, mix, provider, client, mix-1 to mix-3,
    /// or any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')", "message": "write gateway, mix, provider, client, any, mix-1 to mix-3, or a node's name or id"}
]))]
    pub from: Option<String>,
    /// The links that end here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')", "message": "write gateway, mix, provider, client, any, mix-1 to mix-3, or a node's name or id"}
]))]
    pub to: Option<String>,
    /// All links here, both ways; instead of from and to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')", "message": "write gateway, mix, provider, client, any, mix-1 to mix-3, or a node's name or id"}
]))]
    pub node: Option<String>,
    /// With node: it drops all that it takes in, except by links from here. An (n-1) attack.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')", "message": "write gateway, mix, provider, client, any, mix-1 to mix-3, or a node's name or id"}
]))]
    pub only_from: Option<String>,
    /// Added to each packet's way: 20ms, normal(20ms, 5ms) or exponential(20ms). Up to 60s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub latency: Option<String>,
    /// Added besides, uniform from 0 to this. Up to 60s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub jitter: Option<String>,
    /// The share of packets that are lost: 5% or 0.05.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.matches('^[0-9.]+%?$')", "message": "loss is a share such as 5% or 0.05"}
]))]
    pub loss: Option<String>,
    /// What passes a second: 500kB/s, 1.5MB/s or 8Mbit/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub bandwidth: Option<String>,
    /// true: nothing passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<bool>,
}

impl TryFrom<&Impairment> for ImpairmentRule {
    type Error = String;

    fn try_from(rule: &Impairment) -> Result<Self, String> {
        let Impairment { from, to, node, only_from, latency, jitter, loss, bandwidth, partition } =
            rule;
        let fields = [
            ("from", from),
            ("to", to),
            ("node", node),
            ("only_from", only_from),
            ("latency", latency),
            ("jitter", jitter),
            ("loss", loss),
            ("bandwidth", bandwidth),
        ];
        let named = fields.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
        let mut text: serde_json::Map<String, serde_json::Value> =
            named.map(|(name, value)| (name.to_owned(), value.into())).collect();
        text.insert("partition".to_owned(), partition.unwrap_or_default().into());
        serde_json::from_value(text.into()).map_err(|error| error.to_string())
    }
}

impl TryFrom<&ImpairmentRule> for Impairment {
    type Error = serde_json::Error;

    /// Of a rule as the document has it; fails never, as both have the same words.
    fn try_from(rule: &ImpairmentRule) -> Result<Self, serde_json::Error> {
        let mut text = serde_json::to_value(rule)?;
        if let Some(fields) = text.as_object_mut()
            && let Some(only_from) = fields.remove("only_from")
        {
            fields.insert("onlyFrom".to_owned(), only_from);
        }
        serde_json::from_value(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_the_same_in_the_spec_and_in_the_document() {
        let rules = [
            Impairment { loss: Some("5%".to_owned()), ..Impairment::default() },
            Impairment {
                node: Some("m-mix-1-0".to_owned()),
                only_from: Some("m-gateway-0".to_owned()),
                ..Impairment::default()
            },
            Impairment {
                from: Some("mix-1".to_owned()),
                latency: Some("normal(20ms, 5ms)".to_owned()),
                bandwidth: Some("1MB/s".to_owned()),
                ..Impairment::default()
            },
        ];
        for rule in rules {
            let in_document = ImpairmentRule::try_from(&rule).expect("a rule");
            assert_eq!(Impairment::try_from(&in_document).expect("the same words"), rule);
        }
    }

    #[test]
    fn what_is_wrong_with_a_rule_is_said() {
        let rule = Impairment { loss: Some("500%".to_owned()), ..Impairment::default() };
        let wrong = ImpairmentRule::try_from(&rule).expect_err("too much loss");
        assert!(wrong.contains("500 %"), "{wrong}");
    }
}
