//! Progress of what takes a while: a spinner or a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output;

/// How often a spinner turns.
const TICK: Duration = Duration::from_millis(100);

/// Shows steps on standard error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    quiet: bool,
    terminal: bool,
}

/// A step that is under way. Dropped before its [`Step::done`], it vanishes from a terminal.
#[derive(Debug)]
pub(crate) struct Step {
    progress: Progress,
    bar: ProgressBar,
    began: Instant,
}

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet, terminal: std::io::stderr().is_terminal() }
    }

    /// Begins a step.
    pub(crate) fn step(self, what: &str) -> Step {
        let bar = if self.terminal && !self.quiet {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(ProgressStyle::default_spinner());
            bar.enable_steady_tick(TICK);
            bar
        } else {
            self.say(format!("{what}..."));
            ProgressBar::hidden()
        };
        bar.set_message(what.to_owned());
        Step { progress: self, bar, began: Instant::now() }
    }

    /// Says something between steps.
    pub(crate) fn say(self, what: impl AsRef<str>) {
        if !self.quiet {
            output::say(what);
        }
    }
}

impl Step {
    /// Says what it has come to: in place on a terminal, in a line elsewhere.
    pub(crate) fn tell(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        if !self.progress.terminal {
            self.progress.say(what);
        }
    }

    /// Shows how far it is.
    pub(crate) fn at(&self, position: u64, of: u64) {
        if self.bar.length() != Some(of) {
            let bar = "{spinner} {msg} [{bar:24}] {pos}/{len}";
            self.bar.set_style(
                ProgressStyle::with_template(bar)
                    .unwrap_or_else(|_| ProgressStyle::default_bar())
                    .progress_chars("=> "),
            );
            self.bar.set_length(of);
        }
        self.bar.set_position(position);
    }

    /// Ends it; what came of it stays, with the time it took.
    pub(crate) fn done(self, what: impl AsRef<str>) {
        self.bar.finish_and_clear();
        let took = self.began.elapsed().as_secs_f32();
        self.progress.say(format!("{} ({took:.1} s)", what.as_ref()));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
