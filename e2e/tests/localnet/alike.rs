//! Whether two lines look alike to whoever sees when frames pass.

use std::fmt;
use std::time::{Duration, Instant};

use crate::recorder::{Passed, frames};

/// What two lines that are alike exceed once in ten thousand times: the distance of their gaps
/// (Kolmogorov and Smirnov's, times the root of the size), and of their counts, in deviations.
const DISTANCE: f64 = 2.225;
const DEVIATIONS: f64 = 3.89;

/// How far apart two lines are, in units of what chance allows once in ten thousand times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Apart {
    counts: (usize, usize),
    /// By the two-sample Kolmogorov-Smirnov test; nothing if there are too few.
    gaps: Option<f64>,
    /// By comparing two Poisson counts.
    count: f64,
}

impl Apart {
    /// Looks at what passed both lines in a stretch of time.
    pub(crate) fn of(one: &Passed, other: &Passed, since: Instant, time: Duration) -> Self {
        let [one, other] = [one, other].map(|passed| {
            let mut times = frames(passed, since);
            times.retain(|at| *at < since + time);
            times
        });
        Self::of_times(&one, &other)
    }

    /// Compares when frames passed two lines.
    pub(crate) fn of_times(one: &[Instant], other: &[Instant]) -> Self {
        let (ours, theirs) = (float(one.len()), float(other.len()));
        let count = (ours - theirs).abs() / (ours + theirs).sqrt().max(1.0) / DEVIATIONS;
        let few = one.len().min(other.len()) < 20;
        let gaps = (!few).then(|| distance(&gaps(one), &gaps(other)));
        Self { counts: (one.len(), other.len()), gaps, count }
    }

    /// Whether the tests tell one from the other.
    pub(crate) fn told(&self) -> bool {
        self.count > 1.0 || self.gaps.is_some_and(|gaps| gaps > 1.0)
    }

    /// The frames that passed.
    pub(crate) fn counts(&self) -> [usize; 2] {
        [self.counts.0, self.counts.1]
    }
}

impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { counts: (one, other), gaps, count } = self;
        write!(f, "{one} and {other} frames, {count:.2} apart; gaps ")?;
        match gaps {
            Some(gaps) => write!(f, "{gaps:.2} apart"),
            None => f.write_str("too few"),
        }
    }
}

pub(crate) fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("not so many"))
}

fn gaps(times: &[Instant]) -> Vec<f64> {
    let mut gaps: Vec<_> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
    gaps.sort_by(f64::total_cmp);
    gaps
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let share = |of: &[f64], at: f64| float(of.partition_point(|gap| *gap <= at)) / float(of.len());
    let worst = |worst: f64, at: &f64| worst.max((share(a, *at) - share(b, *at)).abs());
    let distance = a.iter().chain(b).fold(0.0, worst);
    let n = float(a.len()) * float(b.len()) / float(a.len() + b.len());
    distance * n.sqrt() / DISTANCE
}
