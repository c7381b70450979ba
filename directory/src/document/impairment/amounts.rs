//! Latencies, shares and bandwidths as people write them.

use std::time::Duration;

use mixbed_wire::Latency;
use serde::{Deserialize, Serialize};

use super::RuleError;

/// What may be written as a number or as text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Amount {
    Number(f64),
    Text(String),
}

impl Amount {
    /// As it was written.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.chars().take(80).collect(),
        }
    }
}

pub(super) fn time(text: &str) -> Option<Duration> {
    humantime::parse_duration(text.trim()).ok()
}

/// `20ms`, `normal(20ms, 5ms)`, `exponential(20ms)`, or `constant(20ms)`.
pub(super) fn latency(text: &str) -> Result<Latency, RuleError> {
    let refused = || RuleError::Latency(text.chars().take(80).collect());
    let Some((kind, rest)) = text.trim().split_once('(') else {
        return time(text).map(constant).ok_or_else(refused);
    };
    let inner = rest.strip_suffix(')').ok_or_else(refused)?;
    let times: Option<Vec<_>> = inner.split(',').map(time).collect();
    match (kind.trim_end(), times.as_deref()) {
        ("constant", Some(&[latency])) => Ok(constant(latency)),
        ("normal", Some(&[mean, deviation])) => Ok(Latency::Normal { mean, deviation }),
        ("exponential", Some(&[mean])) => Ok(Latency::Exponential { mean }),
        _ => Err(refused()),
    }
}

fn constant(latency: Duration) -> Latency {
    if latency.is_zero() { Latency::None } else { Latency::Constant(latency) }
}

/// The other way.
pub(super) fn writes(latency: Latency) -> String {
    let time = humantime::format_duration;
    match latency {
        Latency::None => "0s".to_owned(),
        Latency::Constant(latency) => time(latency).to_string(),
        Latency::Normal { mean, deviation } => {
            format!("normal({}, {})", time(mean), time(deviation))
        }
        Latency::Exponential { mean } => format!("exponential({})", time(mean)),
    }
}

/// `5%` or 0.05.
pub(super) fn loss(amount: &Amount) -> Result<f64, RuleError> {
    let number = match amount {
        Amount::Number(number) => Some(*number),
        Amount::Text(text) => match text.trim().strip_suffix('%') {
            Some(percent) => percent.trim_end().parse::<f64>().ok().map(|percent| percent / 100.0),
            None => text.trim().parse().ok(),
        },
    };
    // Adding 0 makes -0 a 0, which has one encoding.
    number.map(|number| number + 0.0).ok_or_else(|| RuleError::Loss(amount.shown()))
}

/// The other way: in percent, unless that is read as another number.
pub(super) fn share(loss: f64) -> String {
    let percent = format!("{}%", (loss * 1e11).round() / 1e9);
    let same = |again: f64| again.to_bits() == loss.to_bits();
    if self::loss(&Amount::Text(percent.clone())).is_ok_and(same) {
        percent
    } else {
        loss.to_string()
    }
}

/// The units, in bytes a second; the first that fits is written.
const UNITS: [(&str, u64); 8] = [
    ("GB/s", 1_000_000_000),
    ("MB/s", 1_000_000),
    ("kB/s", 1_000),
    ("B/s", 1),
    ("Gbit/s", 125_000_000),
    ("Mbit/s", 125_000),
    ("kbit/s", 125),
    ("", 1),
];

/// `1.5MB/s`, `8Mbit/s`, or bytes a second.
pub(super) fn bandwidth(amount: &Amount) -> Result<u64, RuleError> {
    let refused = || RuleError::Bandwidth(amount.shown());
    let (number, unit) = match amount {
        Amount::Number(number) => (*number, 1),
        Amount::Text(text) => {
            let text = text.trim();
            let fits = |(name, unit)| Some((text.strip_suffix(name)?.trim_end(), unit));
            let (number, unit) = UNITS.into_iter().find_map(fits).ok_or_else(refused)?;
            (number.parse().map_err(|_| refused())?, unit)
        }
    };
    #[expect(clippy::cast_precision_loss, reason = "units are small")]
    let bytes = (number * unit as f64).round();
    // More than a number can hold exactly is out of range anyway.
    if !(0.0..=9e15).contains(&bytes) {
        return Err(refused());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number")]
    Ok(bytes as u64)
}

/// The other way.
pub(super) fn width(bandwidth: u64) -> String {
    let fits = |(_, unit): &(&str, u64)| bandwidth > 0 && bandwidth.is_multiple_of(*unit);
    let (name, unit) = UNITS.into_iter().find(fits).unwrap_or(("B/s", 1));
    format!("{}{name}", bandwidth / unit)
}
