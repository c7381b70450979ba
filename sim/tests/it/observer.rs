//! An observer of a node's links: pairs what leaves with what came, and tells classes of behaviour
//! apart by simple features of both.

use std::ops::RangeInclusive;

/// When packets came to a node and left it, in seconds, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) came: Vec<f64>,
    pub(crate) left: Vec<f64>,
}

/// How many that left did so shortly after one had come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pairs {
    pub(crate) left: usize,
    pub(crate) share: f64,
    /// The same with times that have nothing to do with each other.
    pub(crate) by_chance: f64,
    /// The standard deviation of the share.
    pub(crate) deviation: f64,
}

/// Numbers that are seen of a window.
pub(crate) const FEATURES: usize = 7;

type Features = [f64; FEATURES];

impl Seen {
    /// What was seen from a time on.
    pub(crate) fn since(mut self, start: f64) -> Self {
        for times in [&mut self.came, &mut self.left] {
            times.retain(|at| *at >= start);
            for at in times.iter_mut() {
                *at -= start;
            }
        }
        self
    }

    /// What was seen in each stretch of so many seconds, but for the last one, which is not whole.
    pub(crate) fn windows(&self, length: f64) -> Vec<Self> {
        let end = self.came.last().copied().unwrap_or_default();
        let within = |times: &[f64], start: f64| {
            let times = times.iter().filter(|at| **at >= start && **at < start + length);
            times.map(|at| at - start).collect()
        };
        let mut windows = Vec::new();
        let mut start = 0.0;
        while start + length <= end {
            windows.push(Self { came: within(&self.came, start), left: within(&self.left, start) });
            start += length;
        }
        windows
    }

    /// Keeps one of so many that left.
    pub(crate) fn with_every_nth_left(self, n: usize) -> Self {
        Self { left: self.left.into_iter().step_by(n).collect(), ..self }
    }

    /// Pairs each packet that left with one that came at most so long before.
    pub(crate) fn pairs(&self, within: f64) -> Pairs {
        let share = |shift: f64| {
            let paired = self.left.iter().filter(|left| {
                let at = **left - shift;
                self.came.partition_point(|came| *came <= at)
                    > self.came.partition_point(|came| *came < at - within)
            });
            float(paired.count()) / float(self.left.len())
        };
        let shifts: Vec<_> = (1..=20).map(|times| share(f64::from(times) * 0.7)).collect();
        let by_chance = shifts.iter().sum::<f64>() / float(shifts.len());
        let deviation = (by_chance * (1.0 - by_chance) / float(self.left.len())).sqrt();
        Pairs { left: self.left.len(), share: share(0.0), by_chance, deviation }
    }

    /// Counts, how many of each direction follow each other closely, how many leave soon after one
    /// came, the longest silence.
    fn features(&self) -> Features {
        let close =
            |times: &[f64]| times.windows(2).filter(|pair| pair[1] - pair[0] < 0.01).count();
        let silence =
            |times: &[f64]| times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0_f64, f64::max);
        let (came, left) = (float(self.came.len()), float(self.left.len()));
        [
            came,
            left,
            left - came,
            float(close(&self.came)),
            float(close(&self.left)),
            self.pairs(0.003).share * left,
            silence(&self.left),
        ]
    }
}

/// Windows of two behaviours.
#[derive(Clone, Copy)]
pub(crate) struct Classes<'a> {
    pub(crate) idle: &'a [Seen],
    pub(crate) busy: &'a [Seen],
}

/// How well a classifier tells them apart: the area under its curve, from one half, which is
/// guessing, to one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) area: f64,
    /// Its standard deviation, by Hanley and `McNeil`.
    pub(crate) deviation: f64,
}

impl Told {
    /// The area's interval of 95 %.
    pub(crate) fn interval(&self) -> RangeInclusive<f64> {
        self.area - 1.96 * self.deviation..=self.area + 1.96 * self.deviation
    }
}

impl Classes<'_> {
    /// Fisher's linear discriminant, learnt from the first half of the windows of each behaviour and
    /// tried on the second.
    pub(crate) fn told(&self) -> Told {
        let features = |seen: &[Seen]| seen.iter().map(Seen::features).collect::<Vec<_>>();
        let (idle, busy) = (features(self.idle), features(self.busy));
        let (idle, idle_tried) = idle.split_at(idle.len() / 2);
        let (busy, busy_tried) = busy.split_at(busy.len() / 2);
        let weights = discriminant(idle, busy);
        let scores = |of: &[Features]| of.iter().map(|f| dot(&weights, f)).collect::<Vec<_>>();
        let (low, high) = (scores(idle_tried), scores(busy_tried));
        let wins: f64 =
            high.iter().map(|high| low.iter().map(|low| win(*high, *low)).sum::<f64>()).sum();
        let (m, n) = (float(low.len()), float(high.len()));
        let area = wins / (m * n);
        let (one, two) = (area / (2.0 - area), 2.0 * area * area / (1.0 + area));
        let square = area * area;
        let variance =
            (area * (1.0 - area) + (n - 1.0) * (one - square) + (m - 1.0) * (two - square))
                / (m * n);
        Told { area, deviation: variance.sqrt() }
    }
}

fn win(high: f64, low: f64) -> f64 {
    match high.total_cmp(&low) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Less => 0.0,
    }
}

/// The direction in which two classes differ most for how much each varies.
fn discriminant(idle: &[Features], busy: &[Features]) -> Features {
    let mean = |of: &[Features]| -> Features {
        std::array::from_fn(|at| of.iter().map(|f| f[at]).sum::<f64>() / float(of.len()))
    };
    let means = [mean(idle), mean(busy)];
    let mut scatter = [[0.0; FEATURES]; FEATURES];
    for (of, mean) in [idle, busy].into_iter().zip(&means) {
        for f in of {
            for (row, line) in scatter.iter_mut().enumerate() {
                for (column, cell) in line.iter_mut().enumerate() {
                    *cell += (f[row] - mean[row]) * (f[column] - mean[column]);
                }
            }
        }
    }
    let wanted: Features = std::array::from_fn(|at| means[1][at] - means[0][at]);
    // Counts and their difference depend on each other: a little is added so that there is a solution.
    for (at, line) in scatter.iter_mut().enumerate() {
        line[at] = line[at] * 1.001 + 1e-6;
    }
    solve(scatter, wanted)
}

/// Gauss's elimination.
fn solve(mut matrix: [[f64; FEATURES]; FEATURES], mut right: Features) -> Features {
    for pivot in 0..FEATURES {
        let best = (pivot..FEATURES)
            .max_by(|a, b| matrix[*a][pivot].abs().total_cmp(&matrix[*b][pivot].abs()))
            .expect("a row");
        matrix.swap(pivot, best);
        right.swap(pivot, best);
        for row in pivot + 1..FEATURES {
            let factor = matrix[row][pivot] / matrix[pivot][pivot];
            let above = matrix[pivot];
            for (cell, above) in matrix[row].iter_mut().zip(above) {
                *cell -= factor * above;
            }
            right[row] -= factor * right[pivot];
        }
    }
    for row in (0..FEATURES).rev() {
        let known: f64 = (row + 1..FEATURES).map(|at| matrix[row][at] * right[at]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    right
}

fn dot(a: &Features, b: &Features) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("not so many"))
}
