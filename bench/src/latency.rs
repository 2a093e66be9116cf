//! Latency histograms: three significant digits from one microsecond to two minutes. Values
//! outside are counted at the edge, never dropped.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

const LOWEST_NANOS: u64 = 1_000;
const HIGHEST_NANOS: u64 = 120_000_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;

/// Latencies of one kind in one trial or, after [`Latencies::merge`], in several.
#[derive(Clone, Debug)]
pub struct Latencies {
    histogram: Histogram<u64>,
}

/// What is reported of a histogram; all times in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencySummary {
    /// Number of values.
    pub count: u64,
    /// Arithmetic mean.
    pub mean_ms: f64,
    /// Median.
    pub p50_ms: f64,
    /// 90th percentile.
    pub p90_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// 99.9th percentile.
    pub p999_ms: f64,
    /// Largest value.
    pub max_ms: f64,
}

impl Latencies {
    /// An empty histogram.
    #[allow(clippy::expect_used)] // The three constants are within the documented bounds of the library.
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(LOWEST_NANOS, HIGHEST_NANOS, SIGNIFICANT_DIGITS);
        Self {
            histogram: histogram.expect("constant bounds are valid"),
        }
    }

    /// Counts one latency.
    pub fn record(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.histogram.saturating_record(nanos);
    }

    /// Adds all values of `other`. Percentiles of the result are those of the pooled values,
    /// which an average of percentiles would not be.
    pub fn merge(&mut self, other: &Self) {
        for step in other.histogram.iter_recorded() {
            self.histogram
                .saturating_record_n(step.value_iterated_to(), step.count_at_value());
        }
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The percentiles to report. All zero when nothing was recorded.
    pub fn summary(&self) -> LatencySummary {
        if self.histogram.is_empty() {
            return LatencySummary::default();
        }
        let at = |quantile| millis(self.histogram.value_at_quantile(quantile) as f64);
        LatencySummary {
            count: self.histogram.len(),
            mean_ms: millis(self.histogram.mean()),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: millis(self.histogram.max() as f64),
        }
    }
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

fn millis(nanos: f64) -> f64 {
    // Whole microseconds: the histogram does not know more.
    (nanos / 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(milliseconds: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::new();
        milliseconds
            .into_iter()
            .for_each(|ms| latencies.record(Duration::from_millis(ms)));
        latencies
    }

    fn near(value: f64, expected: f64) -> bool {
        (value - expected).abs() <= expected * 0.002
    }

    #[test]
    fn percentiles_are_within_three_digits() {
        let summary = of(1..=1000).summary();
        assert_eq!(summary.count, 1000);
        assert!(near(summary.p50_ms, 500.0), "{summary:?}");
        assert!(near(summary.p99_ms, 990.0), "{summary:?}");
        assert!(near(summary.max_ms, 1000.0), "{summary:?}");
    }

    #[test]
    fn merging_pools_the_values() {
        // 990 fast values and 10 slow ones in another trial: the slow ones are the last percent.
        let mut pooled = of(std::iter::repeat_n(1, 985));
        pooled.merge(&of(std::iter::repeat_n(900, 15)));
        let summary = pooled.summary();
        assert_eq!(summary.count, 1000);
        assert!(near(summary.p50_ms, 1.0), "{summary:?}");
        assert!(near(summary.p99_ms, 900.0), "{summary:?}");
    }

    #[test]
    fn merging_is_the_same_as_recording_together() {
        let mut merged = of((1..500).map(|n| n * 7 % 331));
        merged.merge(&of((500..900).map(|n| n * 13 % 977)));
        let together = of((1..500)
            .map(|n| n * 7 % 331)
            .chain((500..900).map(|n| n * 13 % 977)));
        let (merged, together) = (merged.summary(), together.summary());
        assert_eq!(
            (merged.count, merged.p50_ms, merged.p99_ms),
            (together.count, together.p50_ms, together.p99_ms)
        );
        assert_eq!(merged.max_ms, together.max_ms);
    }

    #[test]
    fn merging_an_empty_histogram_changes_nothing() {
        let mut latencies = of([5]);
        let before = latencies.summary();
        latencies.merge(&Latencies::new());
        assert_eq!(latencies.summary(), before);
    }

    #[test]
    fn values_beyond_the_range_are_counted_at_its_end() {
        let mut latencies = Latencies::new();
        latencies.record(Duration::from_secs(100_000));
        latencies.record(Duration::ZERO);
        let summary = latencies.summary();
        assert_eq!(summary.count, 2);
        assert!(summary.max_ms >= 119_000.0, "{summary:?}");
    }

    #[test]
    fn empty_histogram_reports_zeros() {
        assert_eq!(Latencies::new().summary(), LatencySummary::default());
    }
}
