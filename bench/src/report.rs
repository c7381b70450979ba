//! What was measured, on the terminal and in `target/bench.json`.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;

/// One measured value.
#[derive(Debug, Serialize)]
struct Measured {
    name: String,
    value: f64,
    unit: &'static str,
    /// What it should be, in words; nothing where the value is only for information.
    bar: Option<String>,
    ok: bool,
}

/// Collects values, printing each as it comes.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Measured>);

impl Report {
    /// A value that others are compared with.
    pub(crate) fn note(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.add(Measured { name: name.into(), value, unit, bar: None, ok: true });
    }

    pub(crate) fn at_least(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        bar: f64,
    ) {
        let ok = value >= bar;
        self.add(Measured { name: name.into(), value, unit, bar: Some(format!(">= {bar}")), ok });
    }

    pub(crate) fn at_most(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        bar: f64,
    ) {
        let ok = value <= bar;
        self.add(Measured { name: name.into(), value, unit, bar: Some(format!("<= {bar}")), ok });
    }

    fn add(&mut self, measured: Measured) {
        let Measured { name, value, unit, bar, ok } = &measured;
        let verdict = match (bar, ok) {
            (None, _) => String::new(),
            (Some(bar), true) => format!("ok ({bar})"),
            (Some(bar), false) => format!("MISSED ({bar})"),
        };
        println!("{name:<44} {value:>12.3} {unit:<12} {verdict}");
        self.0.push(measured);
    }

    /// Writes the list, and says whether every bar was met.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<bool> {
        let text = serde_json::to_string_pretty(&self.0)?;
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(self.0.iter().all(|measured| measured.ok))
    }
}
