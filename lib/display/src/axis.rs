//! Axes: the range they show and the ticks on it.

use crate::number;
use crate::svg::{TEXT_SIZE, text_width};

/// A linear or logarithmic axis with its range, in the coordinate that is drawn: the value itself,
/// or its decimal logarithm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Axis {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) log: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    /// Place from 0 (lower end) to 1 (upper end).
    pub(crate) place: f64,
    pub(crate) label: String,
}

impl Axis {
    /// The axis over `values`, with room beyond the outermost ones, or exactly over `range`.
    ///
    /// `from_zero` keeps zero at the edge where all values are on one side of it, as bars need.
    pub(crate) fn over(
        values: impl Iterator<Item = f64>,
        range: Option<(f64, f64)>,
        log: bool,
        room: f64,
        from_zero: bool,
    ) -> Axis {
        let drawn = |x: f64| if log { x.log10() } else { x };
        if let Some((low, high)) = range {
            return Axis {
                low: drawn(low),
                high: drawn(high),
                log,
            };
        }
        let (mut low, mut high) = values
            .map(drawn)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
                (low.min(x), high.max(x))
            });
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if from_zero && !log {
            (low, high) = (low.min(0.0), high.max(0.0));
        }
        if high - low <= 1e-12 * low.abs().max(high.abs()) {
            let by = if log {
                0.5
            } else if low == 0.0 {
                1.0
            } else {
                0.1 * low.abs()
            };
            (low, high) = (low - by, high + by);
        }
        // Halves first, since the span of two huge values can overflow.
        let by = (high / 2.0 - low / 2.0) * 2.0 * room;
        let at_zero = |end: f64| from_zero && !log && end == 0.0;
        let low = if at_zero(low) {
            low
        } else {
            (low - by).max(-f64::MAX)
        };
        let high = if at_zero(high) {
            high
        } else {
            (high + by).min(f64::MAX)
        };
        Axis { low, high, log }
    }

    /// Where `x` is drawn, from 0 (lower end) to 1 (upper end).
    pub(crate) fn place(&self, x: f64) -> f64 {
        let x = if self.log { x.log10() } else { x };
        (x / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)
    }

    /// Ticks along a horizontal axis of `length` units, as close as their labels allow.
    pub(crate) fn ticks_across(&self, length: f64) -> Vec<Tick> {
        let fits = |ticks: &[Tick]| {
            ticks.windows(2).all(|pair| {
                let room = (pair[1].place - pair[0].place) * length;
                let half = |tick: &Tick| text_width(&tick.label, TEXT_SIZE) / 2.0;
                room >= half(&pair[0]) + half(&pair[1]) + 14.0
            })
        };
        self.ticks(((length / 52.0) as usize).clamp(2, 10), fits)
    }

    /// Ticks along a vertical axis of `length` units.
    pub(crate) fn ticks_up(&self, length: f64) -> Vec<Tick> {
        let most = ((length / 38.0) as usize).clamp(2, 8);
        self.ticks(most, |ticks| {
            ticks
                .windows(2)
                .all(|pair| (pair[1].place - pair[0].place) * length >= 17.0)
        })
    }

    /// The densest ticks that are at most `most` and fit.
    fn ticks(&self, most: usize, fits: impl Fn(&[Tick]) -> bool) -> Vec<Tick> {
        let mut sparsest = Vec::new();
        for candidate in if self.log {
            self.log_ticks()
        } else {
            self.linear_ticks()
        } {
            if candidate.len() <= most.max(2) && fits(&candidate) {
                return candidate;
            }
            if !candidate.is_empty() {
                sparsest = candidate;
            }
        }
        sparsest
    }

    /// Ticks at multiples of 1, 2 and 5 times powers of ten, dense ones first.
    fn linear_ticks(&self) -> Vec<Vec<Tick>> {
        let span = self.high / 2.0 - self.low / 2.0;
        let first = (span * 2.0 / 40.0).log10().floor() as i32;
        let mut all = Vec::new();
        for exponent in first..first + 3 {
            for digit in [1, 2, 5] {
                let values = multiples(self.low, self.high, digit, exponent);
                // One tick tells no scale.
                if values.len() >= 2 {
                    all.push(self.labelled(&values, exponent));
                }
            }
        }
        all
    }

    /// Labels for multiples of a power of ten, all with the same number of decimals.
    fn labelled(&self, values: &[f64], exponent: i32) -> Vec<Tick> {
        let largest = values
            .iter()
            .fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let top = if largest > 0.0 {
            largest.log10().floor() as i32
        } else {
            0
        };
        let tick = |value: f64, label: String| Tick {
            place: (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0),
            label,
        };
        let scientific = top >= 7 || exponent < -5;
        values
            .iter()
            .map(|&value| {
                let label = if value == 0.0 {
                    "0".to_owned()
                } else if scientific {
                    let decimals = (value.abs().log10().floor() as i32 - exponent).max(0);
                    let text = number::scientific(value, decimals as usize);
                    text.strip_prefix("1×").map_or(text.clone(), str::to_owned)
                } else {
                    number::fixed(value, (-exponent).max(0) as usize)
                };
                tick(value, label)
            })
            .collect()
    }

    /// Ticks of a logarithmic axis: 1, 2 and 5 in every decade, every decade, every second one, …
    fn log_ticks(&self) -> Vec<Vec<Tick>> {
        let (first, last) = (self.low.ceil() as i32, self.high.floor() as i32);
        let plain = self.low >= -4.01 && self.high <= 6.01;
        let mut all = Vec::new();
        if self.high - self.low < 3.0 {
            for digits in [&[1_i32, 2, 3, 4, 5, 6, 7, 8, 9][..], &[1, 2, 5], &[1, 3]] {
                let ticks: Vec<Tick> = (first - 1..=last)
                    .flat_map(|exponent| digits.iter().map(move |&digit| (digit, exponent)))
                    .filter_map(|(digit, exponent)| {
                        let log = f64::from(exponent) + f64::from(digit).log10();
                        let inside = log >= self.low - 1e-9 && log <= self.high + 1e-9;
                        inside.then(|| Tick {
                            place: (log - self.low) / (self.high - self.low),
                            label: log_label(digit, exponent, plain),
                        })
                    })
                    .collect();
                if ticks.len() >= 2 {
                    all.push(ticks);
                }
            }
        }
        for step in [1, 2, 3, 5, 10, 20, 50, 100] {
            let ticks: Vec<Tick> = (first..=last)
                .filter(|exponent| exponent.rem_euclid(step) == 0)
                .map(|exponent| Tick {
                    place: (f64::from(exponent) - self.low) / (self.high - self.low),
                    label: log_label(1, exponent, plain),
                })
                .collect();
            if ticks.len() >= 2 {
                all.push(ticks);
            }
        }
        if all.is_empty() {
            // Less than a step between two digits: the ends, as they are.
            all.push(
                [(0.0, self.low), (1.0, self.high)]
                    .map(|(place, log)| Tick {
                        place,
                        label: number::significant(10_f64.powf(log), 3),
                    })
                    .to_vec(),
            );
        }
        all
    }
}

/// Multiples of `digit` × 10^`exponent` from `low` to `high`, each the float nearest to its decimal.
fn multiples(low: f64, high: f64, digit: i64, exponent: i32) -> Vec<f64> {
    let step = digit as f64 * 10_f64.powi(exponent);
    let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    if !(last - first).is_finite() || last - first > 60.0 || first.abs().max(last.abs()) > 9e15 {
        return Vec::new();
    }
    (0..=(last - first) as i64)
        .map(|i| {
            let multiple = (first as i64 + i) * digit;
            // Divided where the power is below one: 3 / 10 is 0.3, but 3 × 0.1 is not.
            if exponent < 0 {
                multiple as f64 / 10_f64.powi(-exponent)
            } else {
                multiple as f64 * 10_f64.powi(exponent)
            }
        })
        .collect()
}

fn log_label(digit: i32, exponent: i32, plain: bool) -> String {
    if plain {
        number::fixed(
            f64::from(digit) * 10_f64.powi(exponent),
            (-exponent).max(0) as usize,
        )
    } else if digit == 1 {
        number::power_of_ten(exponent)
    } else {
        format!("{digit}×{}", number::power_of_ten(exponent))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    fn linear(low: f64, high: f64) -> Axis {
        Axis {
            low,
            high,
            log: false,
        }
    }

    #[test]
    fn ticks_are_round_and_written_as_a_person_would() {
        assert_eq!(
            labels(&linear(0.0, 0.52).ticks_up(300.0)),
            ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]
        );
        assert_eq!(
            labels(&linear(-3.0, 4.0).ticks_up(150.0)),
            ["−2", "0", "2", "4"]
        );
        assert_eq!(
            labels(&linear(0.0, 45_000.0).ticks_across(300.0)),
            ["0", "10,000", "20,000", "30,000", "40,000"]
        );
        assert_eq!(
            labels(&linear(0.0, 2.2e-6).ticks_up(150.0)),
            ["0", "10⁻⁶", "2×10⁻⁶"]
        );
        assert_eq!(
            labels(&linear(1947.0, 1962.0).ticks_across(300.0)),
            ["1950", "1955", "1960"]
        );
    }

    #[test]
    fn a_logarithmic_axis_has_powers_of_ten() {
        let axis = |low: f64, high: f64| Axis {
            low: low.log10(),
            high: high.log10(),
            log: true,
        };
        assert_eq!(
            labels(&axis(0.01, 1000.0).ticks_across(500.0)),
            ["0.01", "0.1", "1", "10", "100", "1000"]
        );
        assert_eq!(
            labels(&axis(1e-12, 1.0).ticks_across(200.0)),
            ["10⁻¹⁰", "10⁻⁵", "10⁰"]
        );
        assert_eq!(
            labels(&axis(2.0, 60.0).ticks_up(240.0)),
            ["2", "5", "10", "20", "50"]
        );
    }

    proptest! {
        #[test]
        fn every_axis_has_two_ticks_or_more_in_order_and_distinct(
            centre in -1e9_f64..1e9, span in 1e-3_f64..1e9, length in 60.0_f64..900.0,
        ) {
            let axis = linear(centre - span / 2.0, centre + span / 2.0);
            for ticks in [axis.ticks_across(length), axis.ticks_up(length)] {
                prop_assert!(ticks.len() >= 2, "{ticks:?}");
                for pair in ticks.windows(2) {
                    prop_assert!(pair[0].place < pair[1].place);
                    prop_assert_ne!(&pair[0].label, &pair[1].label);
                }
                for tick in &ticks {
                    prop_assert!((-1e-6..=1.0 + 1e-6).contains(&tick.place), "{tick:?}");
                    prop_assert!(tick.label.chars().count() <= 16, "{tick:?}");
                }
            }
        }

        #[test]
        fn every_logarithmic_axis_has_two_ticks_or_more(
            low in -250.0_f64..250.0, span in 0.001_f64..40.0, length in 60.0_f64..900.0,
        ) {
            let axis = Axis { low, high: low + span, log: true };
            prop_assert!(axis.ticks_across(length).len() >= 2);
            prop_assert!(axis.ticks_up(length).len() >= 2);
        }
    }
}
