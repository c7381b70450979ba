//! Whether what was measured is what theory says.

/// Kolmogorov and Smirnov's distance: how far the samples' distribution is from the one whose
/// cumulative function is `expected`, at its worst place.
#[must_use]
pub fn ks_distance(samples: &[f64], expected: impl Fn(f64) -> f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let step = 1.0 / count(sorted.len());
    let mut below = 0.0;
    sorted.into_iter().fold(0.0_f64, |worst, sample| {
        let expected = expected(sample);
        let above = below + step;
        let here = (expected - below).abs().max((above - expected).abs());
        below = above;
        worst.max(here)
    })
}

/// How probable it is that samples of that distribution are at least so far from it: the test's
/// p-value, by Kolmogorov's series with Stephens' correction for the number of samples (Stephens,
/// "EDF statistics for goodness of fit and some comparisons", 1974).
#[must_use]
pub fn ks_p_value(distance: f64, samples: usize) -> f64 {
    let root = count(samples).sqrt();
    let scaled = (root + 0.12 + 0.11 / root) * distance;
    if scaled < 0.2 {
        return 1.0; // the series converges slowly there, to 1 within 10⁻¹²
    }
    let mut sign = 1.0;
    let series = (1..=100).map(|k| {
        let term = sign * (-2.0 * (f64::from(k) * scaled).powi(2)).exp();
        sign = -sign;
        term
    });
    (2.0 * series.sum::<f64>()).clamp(0.0, 1.0)
}

/// The cumulative function of the sum of `hops` independent exponential draws with this `mean`
/// each: the Gamma distribution of whole shape, which is Erlang's. For one hop, the exponential.
#[must_use]
pub fn gamma_cdf(hops: u32, mean: f64, at: f64) -> f64 {
    if at <= 0.0 {
        return 0.0;
    }
    let x = at / mean;
    let mut term = 1.0;
    let mut sum = 0.0;
    for k in 1..=hops {
        sum += term;
        term *= x / f64::from(k);
    }
    1.0 - (-x).exp() * sum
}

/// The samples' mean; NaN of none.
#[must_use]
pub fn mean(samples: &[f64]) -> f64 {
    samples.iter().sum::<f64>() / count(samples.len())
}

/// The sample below which this share of all lies, 0 to 1; nothing of none.
#[must_use]
pub fn quantile(samples: &[f64], share: f64) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the number of samples"
    )]
    let at = (share.clamp(0.0, 1.0) * count(sorted.len().saturating_sub(1))).round() as usize;
    sorted.get(at).copied()
}

#[expect(clippy::cast_precision_loss, reason = "no run has 2⁵³ samples")]
fn count(samples: usize) -> f64 {
    samples as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gamma_distribution_has_its_tabled_values() {
        // 1 - e⁻¹, and Erlang's of shape 4 at its mean: 1 - e⁻⁴ (1 + 4 + 8 + 32/3).
        assert!((gamma_cdf(1, 0.05, 0.05) - 0.632_120_558_8).abs() < 1e-9);
        assert!((gamma_cdf(4, 0.05, 0.2) - 0.566_529_879_6).abs() < 1e-9);
        assert_eq!(gamma_cdf(4, 0.05, 0.0).to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn the_p_value_has_kolmogorovs_tabled_values() {
        // Critical values of the limiting distribution: 1.358 at 5 %, 1.628 at 1 %.
        let samples = 1_000_000;
        for (scaled, p) in [(1.358, 0.05), (1.628, 0.01)] {
            assert!((ks_p_value(scaled / 1000.0, samples) - p).abs() < 2e-4, "{p}");
        }
        assert!(ks_p_value(0.0, 10) > 0.999);
    }

    #[test]
    fn the_distance_is_that_of_the_worst_place() {
        let uniform = |x: f64| x.clamp(0.0, 1.0);
        assert!((ks_distance(&[0.5], uniform) - 0.5).abs() < 1e-12);
        assert!((ks_distance(&[0.1, 0.2, 0.3, 0.4], uniform) - 0.6).abs() < 1e-12);
    }

    #[test]
    fn quantiles_are_samples() {
        let samples = [3.0, 1.0, 2.0];
        assert_eq!(quantile(&samples, 0.5), Some(2.0));
        assert_eq!(quantile(&samples, 1.0), Some(3.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
