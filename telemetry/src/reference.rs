//! The references in the documentation, generated from the declarations.

use std::fmt::Write as _;

use crate::metrics::catalogue::{self, Declaration, Kind};
use crate::names::{Attribute, SpanName};

/// Every metric as a Markdown table: name, type, labels, roles, meaning.
#[must_use]
pub fn reference() -> String {
    let mut text =
        String::from("| metric | type | labels | roles | meaning |\n|---|---|---|---|---|\n");
    for metric in catalogue::ALL {
        let Declaration { name, kind, labels, roles, help } = metric;
        let (suffix, kind) = match kind {
            Kind::Counter => ("_total", "counter"),
            Kind::Gauge | Kind::Seconds | Kind::Age => ("", "gauge"),
            Kind::Histogram => ("", "histogram"),
        };
        let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = labels.join(", ");
        // Writing to a string does not fail.
        let _ =
            writeln!(text, "| `mixbed_{name}{suffix}` | {kind} | {labels} | {roles} | {help}. |");
    }
    text
}

/// Every span and every attribute as two Markdown tables.
#[must_use]
pub fn span_reference() -> String {
    let mut text = String::from("| span | recorded by | meaning |\n|---|---|---|\n");
    for name in SpanName::ALL {
        let (by, meaning) = name.meaning();
        let _ = writeln!(text, "| `{name}` | {by} | {meaning} |");
    }
    text.push_str("\n| attribute | on | meaning |\n|---|---|---|\n");
    for (attribute, on, meaning) in Attribute::LISTED {
        let _ = writeln!(text, "| `{}` | {on} | {meaning} |", attribute.key());
    }
    text
}
