//! A change of the rules.

use mixbed_directory::ImpairmentRule;
use serde::{Deserialize, Serialize};

/// What is to become of the rules. Made of those that hold when it arrives, so that two operators
/// do not undo each other's changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Order {
    /// One more, after the others.
    Add(ImpairmentRule),
    /// These and no others.
    Replace(Vec<ImpairmentRule>),
    /// None.
    Clear,
    /// All but the one of this number, from 1.
    Remove(usize),
}

/// Why rules stay as they are.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum OrderError {
    /// There is no rule of that number.
    #[error("there is no rule {number}: {}", there_are(*.rules))]
    NoSuchRule { number: usize, rules: usize },
}

fn there_are(rules: usize) -> String {
    match rules {
        0 => "there are none".to_owned(),
        1 => "there is one".to_owned(),
        rules => format!("there are {rules}"),
    }
}

impl Order {
    /// Changes the rules, or says why not.
    pub(crate) fn apply(&self, rules: &mut Vec<ImpairmentRule>) -> Result<(), OrderError> {
        match self {
            Self::Add(rule) => rules.push(rule.clone()),
            Self::Replace(others) => rules.clone_from(others),
            Self::Clear => rules.clear(),
            Self::Remove(number) => match number.checked_sub(1).filter(|at| *at < rules.len()) {
                Some(at) => drop(rules.remove(at)),
                None => {
                    return Err(OrderError::NoSuchRule { number: *number, rules: rules.len() });
                }
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(loss: &str) -> ImpairmentRule {
        serde_json::from_str(&format!(r#"{{"loss": "{loss}"}}"#)).unwrap()
    }

    #[test]
    fn rules_are_added_replaced_and_removed() {
        let mut rules = Vec::new();
        for loss in ["1%", "2%", "3%"] {
            Order::Add(rule(loss)).apply(&mut rules).unwrap();
        }
        Order::Remove(2).apply(&mut rules).unwrap();
        assert_eq!(rules, [rule("1%"), rule("3%")]);
        for number in [0, 3] {
            let refused = Order::Remove(number).apply(&mut rules).unwrap_err();
            assert_eq!(refused.to_string(), format!("there is no rule {number}: there are 2"));
        }
        Order::Replace(vec![rule("9%")]).apply(&mut rules).unwrap();
        assert_eq!(rules, [rule("9%")]);
        Order::Clear.apply(&mut rules).unwrap();
        assert_eq!(rules, []);
    }

    #[test]
    fn an_order_goes_there_and_back_as_json() {
        for order in [
            Order::Add(rule("5%")),
            Order::Replace(vec![rule("1%"), rule("2%")]),
            Order::Clear,
            Order::Remove(7),
        ] {
            let text = serde_json::to_string(&order).unwrap();
            assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), order, "{text}");
        }
    }
}
