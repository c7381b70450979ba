use mixbed_wire::NodeId;
use proptest::prelude::*;

use super::*;
use crate::document::Role;
use crate::document::strategies::impairment_rule;

const MS: fn(u64) -> Duration = Duration::from_millis;

fn read(json: &str) -> Result<ImpairmentRule, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

fn end(name: &str, role: Role) -> LinkEnd<'_> {
    LinkEnd::Node { id: NodeId::of_key(&[7; 32]), name, role }
}

const GATEWAY: Role = Role::Gateway;
const MIX_1: Role = Role::Mix { layer: 1 };
const MIX_2: Role = Role::Mix { layer: 2 };

#[test]
fn a_rule_is_read_as_it_is_meant() {
    let rule = read(
        r#"{"from": "mix-1", "to": "mix-2", "latency": "normal(20ms, 5ms)", "jitter": "5ms",
            "loss": "5%", "bandwidth": "1.5MB/s"}"#,
    );
    let impairment = Impairment {
        latency: Latency::Normal { mean: MS(20), deviation: MS(5) },
        jitter: MS(5),
        loss: 0.05,
        bandwidth: Some(1_500_000),
        partition: false,
    };
    let layers = (Selector::Layer(1), Selector::Layer(2));
    assert_eq!(rule, Ok(ImpairmentRule::between(layers.0, layers.1, impairment)));

    let all = Impairment { loss: 0.2, ..Impairment::NONE };
    assert_eq!(read(r#"{"loss": 0.2}"#), Ok(ImpairmentRule::everywhere(all)));
    let node = Selector::Named("mix-2-0".to_owned());
    let cut = read(r#"{"node": "mix-2-0", "partition": true}"#);
    assert_eq!(cut, Ok(ImpairmentRule::of(node.clone(), Impairment::PARTITION)));
    let dishonest = read(r#"{"node": "mix-2-0", "only_from": "client"}"#);
    assert_eq!(dishonest, Ok(ImpairmentRule::only_from(node, Selector::Client)));
    for (text, latency) in [
        ("20ms", Latency::Constant(MS(20))),
        ("constant(1s 20ms)", Latency::Constant(MS(1020))),
        ("exponential( 20ms )", Latency::Exponential { mean: MS(20) }),
    ] {
        let rule = read(&format!(r#"{{"latency": "{text}"}}"#)).unwrap();
        assert_eq!(rule.impairment.latency, latency, "{text}");
    }
    for (text, bytes) in [("\"8Mbit/s\"", 1_000_000), ("2000", 2_000), ("\"3 kB/s\"", 3_000)] {
        let rule = read(&format!(r#"{{"bandwidth": {text}}}"#)).unwrap();
        assert_eq!(rule.impairment.bandwidth, Some(bytes), "{text}");
    }
}

#[test]
fn what_is_wrong_with_a_rule_is_said() {
    for (json, said) in [
        (r#"{"loss": "120%"}"#, "loss is 0 % to 100 %, not 120 %"),
        (r#"{"loss": 5}"#, "not 500 %"),
        (r#"{"loss": "lots"}"#, r#"loss is a share such as 5% or 0.05, not "lots""#),
        (r#"{"latency": "normal(20ms)"}"#, "normal(20ms, 5ms) with mean and deviation"),
        (r#"{"latency": "2min"}"#, "at most 60 s, not 120s"),
        (r#"{"latency": "100ns"}"#, "whole microseconds"),
        (r#"{"jitter": "5"}"#, r#"jitter is a time such as 5ms, not "5""#),
        (r#"{"bandwidth": "1MBps"}"#, "8Mbit/s, not \"1MBps\""),
        (r#"{"bandwidth": "10B/s"}"#, "1 kB/s to 1 TB/s, not 10 bytes"),
        (r#"{"bandwidth": "-1MB/s"}"#, "not \"-1MB/s\""),
        (r#"{"from": "Mix 1", "loss": "5%"}"#, r#""Mix 1" is nobody"#),
        (r#"{"node": "", "loss": "5%"}"#, r#""" is nobody"#),
        (r#"{"node": "a", "to": "b", "loss": "5%"}"#, "stands without from and to"),
        (r#"{"from": "a", "only_from": "b"}"#, "stands beside node"),
        (r#"{"from": "a"}"#, "it does nothing"),
        (r#"{"los": "5%"}"#, "unknown field `los`"),
    ] {
        let refused = read(json).unwrap_err();
        assert!(refused.contains(said), "{json}: {refused}");
    }
}

#[test]
fn a_list_says_which_rule_is_wrong_and_how_many_there_may_be() {
    let good = ImpairmentRule::everywhere(Impairment::PARTITION);
    let none = ImpairmentRule::everywhere(Impairment::NONE);
    let told = validate_rules(&[good.clone(), none]).unwrap_err().to_string();
    assert!(told.starts_with("rule 2: it does nothing"), "{told}");
    assert_eq!(validate_rules(&vec![good.clone(); 64]), Ok(()));
    assert_eq!(validate_rules(&vec![good; 65]), Err(RulesError::TooMany { rules: 65 }));
    // What no text can say: a name that is a word, and a layer too many.
    for selector in [Selector::Named("gateway".into()), Selector::Layer(4), Selector::Layer(0)] {
        let rule = ImpairmentRule::of(selector, Impairment::PARTITION);
        assert!(matches!(rule.validate(), Err(RuleError::Selector(_))));
    }
}

#[test]
fn selectors_mean_names_ids_roles_and_layers() {
    let mix = end("mix-1-0", MIX_1);
    let client = LinkEnd::Client(NodeId::of_key(&[9; 32]));
    let id = NodeId::of_key(&[7; 32]).to_string();
    for (text, means_mix, means_client) in [
        ("any", true, true),
        ("mix", true, false),
        ("mix-1", true, false),
        ("mix-2", false, false),
        ("gateway", false, false),
        ("provider", false, false),
        ("client", false, true),
        ("mix-1-0", true, false),
        ("mix-1-1", false, false),
        (&id, true, false),
        (&NodeId::of_key(&[9; 32]).to_string(), false, true),
    ] {
        let selector: Selector = text.parse().unwrap();
        assert_eq!(selector.matches(mix), means_mix, "{text}");
        assert_eq!(selector.matches(client), means_client, "{text}");
        assert_eq!(selector.to_string(), text);
    }
}

#[test]
fn a_link_has_what_all_its_rules_ask_for() {
    let (first, second) = (end("mix-1-0", MIX_1), end("mix-2-0", MIX_2));
    let lossy = Impairment { loss: 0.1, ..Impairment::NONE };
    let slow = Impairment { latency: Latency::Constant(MS(5)), ..Impairment::NONE };
    let cut = Impairment::PARTITION;
    let rules = [
        ImpairmentRule::between(Selector::Layer(1), Selector::Layer(2), lossy),
        ImpairmentRule::of(Selector::Named("mix-2-0".to_owned()), slow),
        ImpairmentRule::between(Selector::Layer(2), Selector::Any, cut),
        ImpairmentRule::only_from(Selector::Mix, Selector::Any),
    ];
    assert_eq!(link_impairments(&rules, first, second), [lossy, slow]);
    assert_eq!(
        link_impairments(&rules, second, end("mix-3-0", Role::Mix { layer: 3 })),
        [slow, cut]
    );
    assert_eq!(link_impairments(&rules, end("gateway-0", GATEWAY), first), []);
}

#[test]
fn a_dishonest_node_lets_in_one_neighbour_only() {
    let (gateway, other) = (end("gateway-0", GATEWAY), end("gateway-1", GATEWAY));
    let (mix, honest) = (end("mix-1-0", MIX_1), end("mix-1-1", MIX_1));
    let named = |name: &str| Selector::Named(name.to_owned());
    let rules = [ImpairmentRule::only_from(named("mix-1-0"), named("gateway-0"))];
    assert!(lets_in(&rules, mix, gateway));
    assert!(!lets_in(&rules, mix, other));
    assert!(lets_in(&rules, honest, other));
    assert!(lets_in(&[], mix, other));
}

#[test]
fn a_rule_is_told_in_words() {
    for (json, words) in [
        (r#"{"from": "mix-1", "loss": 0.07}"#, "mix-1 → any: loss 7%"),
        (
            r#"{"latency": "normal(20ms,5ms)", "jitter": "1s"}"#,
            "all links: latency normal(20ms, 5ms), jitter up to 1s",
        ),
        (
            r#"{"node": "mix-1-0", "only_from": "client", "bandwidth": 1500000}"#,
            "all links of mix-1-0: bandwidth 1500kB/s, lets in only what client sends",
        ),
        (r#"{"node": "mix-1-0", "only_from": "any"}"#, "mix-1-0: lets in only what any sends"),
        (r#"{"to": "provider", "partition": true}"#, "any → provider: partition"),
    ] {
        assert_eq!(read(json).unwrap().to_string(), words);
    }
}

proptest! {
    #[test]
    fn rules_survive_codec_and_text(rule in impairment_rule()) {
        prop_assert_eq!(rule.validate(), Ok(()));
        let encoded = rules_to_proto(std::slice::from_ref(&rule));
        prop_assert_eq!(rules_from_proto(&encoded), Some(vec![rule.clone()]));
        let text = serde_json::to_string(&rule).unwrap();
        prop_assert_eq!(read(&text), Ok(rule), "{}", text);
    }

    /// What comes from outside is read to something that encodes to the same, or refused.
    #[test]
    fn any_message_is_canonical_or_refused(
        rule in impairment_rule(), kind in 0..6_i32, latency: u64, deviation: u64,
        word in "any|mix-1|mix-01|mix-4||x y", field in 0..4,
    ) {
        let mut message = rules_to_proto(&[rule]).remove(0);
        message.latency_kind = kind;
        message.latency_us = latency;
        message.deviation_us = deviation;
        match field {
            0 => message.from = word,
            1 => message.to = word,
            2 => message.node = word,
            _ => message.only_from = word,
        }
        if let Some(rules) = rules_from_proto(std::slice::from_ref(&message)) {
            prop_assert_eq!(rules_to_proto(&rules), [message]);
        }
    }
}
