//! Kolmogorov and Smirnov's tests, and what chance allows.

/// What the distance times √n exceeds once in a thousand times, when nothing is wrong.
const ONCE_IN_A_THOUSAND: f64 = 1.949;

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("not so many"))
}

/// The distance of gaps (seconds) from an exponential distribution, in units of its bound at
/// p = 0.001: more than 1 is no chance.
pub(crate) fn against_exponential(gaps: &[f64], rate: f64) -> f64 {
    let mut gaps = gaps.to_vec();
    gaps.sort_by(f64::total_cmp);
    let n = float(gaps.len());
    let distance = gaps.iter().enumerate().fold(0.0_f64, |worst, (rank, gap)| {
        let expected = 1.0 - (-gap * rate).exp();
        let (below, above) = (float(rank) / n, float(rank + 1) / n);
        worst.max((expected - below).abs()).max((expected - above).abs())
    });
    distance * n.sqrt() / ONCE_IN_A_THOUSAND
}

/// The distance of two samples from each other, in units of its bound at p = 0.001.
pub(crate) fn against_each_other(a: &[f64], b: &[f64]) -> f64 {
    let (mut a, mut b) = (a.to_vec(), b.to_vec());
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    let share = |of: &[f64], at: f64| float(of.partition_point(|gap| *gap <= at)) / float(of.len());
    let distance = a
        .iter()
        .chain(&b)
        .fold(0.0_f64, |worst, at| worst.max((share(&a, *at) - share(&b, *at)).abs()));
    let n = float(a.len()) * float(b.len()) / float(a.len() + b.len());
    distance * n.sqrt() / ONCE_IN_A_THOUSAND
}

#[test]
fn they_tell_distributions_apart() {
    let even: Vec<f64> = (0..1000_u32).map(|i| (f64::from(i) + 0.5) / 1000.0).collect();
    let exponential: Vec<f64> = even.iter().map(|p| -(1.0 - p).ln()).collect();
    assert!(against_exponential(&exponential, 1.0) < 0.1);
    assert!(against_exponential(&exponential, 1.3) > 1.0);
    assert!(against_exponential(&even, 1.0) > 1.0);
    assert!(against_each_other(&exponential, &even) > 1.0);
    assert!(against_each_other(&even, &even) < 0.01);
}
