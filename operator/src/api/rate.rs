//! How often something happens.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A rate, written like `2/s`, `30/m` or `10/h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    count: u32,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
}

/// What is no rate.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no rate: write it like 2/s, 30/m or 10/h, with at most 20 a second")]
pub struct RateError(String);

impl Rate {
    /// The highest rate, a second: making a transaction takes a wallet about 100 ms of a core, so
    /// some are made ahead.
    pub const MAX: u32 = 20;

    /// So many a second.
    #[must_use]
    pub const fn per_second(count: u32) -> Self {
        Self { count, unit: Unit::Second }
    }

    /// The time from one to the next.
    #[must_use]
    pub fn interval(self) -> Duration {
        self.unit.length() / self.count
    }
}

impl Unit {
    const fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
        })
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let wrong = || RateError(text.to_owned());
        let (count, unit) = text.split_once('/').ok_or_else(wrong)?;
        let unit = match unit {
            "s" => Unit::Second,
            "m" => Unit::Minute,
            "h" => Unit::Hour,
            _ => return Err(wrong()),
        };
        let count = count.parse().ok().filter(|count| *count > 0).ok_or_else(wrong)?;
        let rate = Self { count, unit };
        if rate.interval() < Self::per_second(Self::MAX).interval() {
            return Err(wrong());
        }
        Ok(rate)
    }
}

impl TryFrom<String> for Rate {
    type Error = RateError;

    fn try_from(text: String) -> Result<Self, RateError> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Second => "s",
            Unit::Minute => "m",
            Unit::Hour => "h",
        };
        write!(f, "{}/{unit}", self.count)
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": 10,
            // What this lets through has to be a rate for us too: a watch ends at what it cannot read.
            "x-kubernetes-validations": [{
                "rule": "self.matches('^[1-9][0-9]{0,4}/(s|m|h)$') && int(self.split('/')[0]) <= (self.endsWith('/s') ? 20 : self.endsWith('/m') ? 1200 : 72000)",
                "message": "a rate is written like 2/s, 30/m or 10/h, and is at most 20 a second",
            }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_count_a_unit_of_time() {
        let rate: Rate = "30/m".parse().expect("a rate");
        assert_eq!(rate.interval(), Duration::from_secs(2));
        assert_eq!(rate.to_string(), "30/m");
        for most in ["20/s", "1200/m", "72000/h"] {
            assert!(most.parse::<Rate>().is_ok(), "{most}");
        }
        for wrong in ["", "2", "0/s", "2/d", "21/s", "1201/m", "72001/h", "-1/s", "1.5/s"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }
}
