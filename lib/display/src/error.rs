use thiserror::Error;

/// Why a figure cannot be drawn.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum DisplayError {
    /// The figure holds nothing to draw.
    #[error("the figure `{title}` holds nothing to draw: add a series, an image or a matrix")]
    Empty {
        /// Title of the figure.
        title: String,
    },
    /// A series or matrix without a single value.
    #[error("`{name}` is empty")]
    EmptySeries {
        /// Name of the series, or label of the matrix.
        name: String,
    },
    /// Two sequences that belong together differ in length.
    #[error("`{name}`: {what} has length {found}, but {expected} is needed")]
    LengthMismatch {
        /// Name of the series, or label of the matrix.
        name: String,
        /// Which sequence.
        what: &'static str,
        /// The length it should have.
        expected: usize,
        /// The length it has.
        found: usize,
    },
    /// A value that is NaN or infinite.
    #[error("`{name}`: {what}[{index}] is {value}, which cannot be drawn")]
    NotFinite {
        /// Name of the series, or label of the matrix.
        name: String,
        /// Which sequence.
        what: &'static str,
        /// Its place, from 0; of a matrix `row, column`.
        index: String,
        /// The value.
        value: f64,
    },
    /// A value at or below zero on a logarithmic axis.
    #[error(
        "`{name}`: {what}[{index}] is {value}, but the {axis} axis is logarithmic and needs values above 0"
    )]
    NotPositive {
        /// Name of the series.
        name: String,
        /// Which sequence.
        what: &'static str,
        /// Its place, from 0.
        index: usize,
        /// The value.
        value: f64,
        /// `x` or `y`.
        axis: char,
    },
    /// An axis range, colour range or band whose lower end is not below its upper end.
    #[error("{what}: the lower end {low} is not below the upper end {high}")]
    EmptyRange {
        /// Which range.
        what: String,
        /// Its lower end.
        low: f64,
        /// Its upper end.
        high: f64,
    },
    /// A text that every figure must have is not there.
    #[error("the figure `{title}` has no {what}: add {how}")]
    MissingText {
        /// Title of the figure.
        title: String,
        /// Which text.
        what: &'static str,
        /// The call that gives it.
        how: &'static str,
    },
    /// A size too small to draw in.
    #[error("the figure `{title}` is to be {width} × {height}, but {least} are needed")]
    TooSmall {
        /// Title of the figure.
        title: String,
        /// Width asked for.
        width: u32,
        /// Height asked for.
        height: u32,
        /// The least size that is possible.
        least: String,
    },
    /// plotters could not draw.
    #[error("the figure `{title}` cannot be drawn: {reason}")]
    Drawing {
        /// Title of the figure.
        title: String,
        /// What plotters says.
        reason: String,
    },
}
