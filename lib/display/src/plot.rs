use std::borrow::Borrow;

use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::style::{Color, RGBAColor, ShapeStyle};

use crate::axis::{Axis, Tick};
use crate::backend::SvgCanvas;
use crate::error::DisplayError;
use crate::figure::{Drawing, Figure, needs_narrow, require};
use crate::svg::{Anchor, Svg, TEXT_SIZE, text_width, wrap};
use crate::theme::{self, PALETTE};

/// Drawing units are divided by this before plotters rounds them to whole numbers.
const FINE: f64 = 10.0;
/// Height of a line of text.
const LINE: f64 = 17.0;
/// Width of the narrow drawing.
const NARROW: f64 = 360.0;

/// A plot in two dimensions: points, lines, bands, bars and steps over common axes.
///
/// Both axes need a label with the unit, and the figure needs a text alternative: [`draw`](Plot::draw)
/// says which is missing. Lines are labelled at their end; what cannot be is named above the plot.
///
/// # Examples
/// ```
/// use display::Plot;
/// let xs = [46.0, 100.0, 230.0];
/// let figure = Plot::new("Heavier engines, fewer miles")
///     .x_label("horsepower (hp)")
///     .y_label("fuel economy (mpg)")
///     .points("cars", &xs, [32.0, 25.0, 12.0])
///     .line("least squares", &xs, xs.map(|x| 39.9 - 0.158 * x))
///     .alt("Three cars and a line that falls from 33 to 4 miles per gallon")
///     .caption("The line misses the curve in the data.")
///     .draw()?;
/// assert!(figure.to_html().contains("least squares"));
/// # Ok::<(), display::DisplayError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    title: String,
    x_label: Option<String>,
    y_label: Option<String>,
    alt: Option<String>,
    caption: Option<String>,
    series: Vec<Series>,
    references: Vec<Reference>,
    notes: Vec<(f64, f64, String)>,
    x_range: Option<(f64, f64)>,
    y_range: Option<(f64, f64)>,
    x_ticks: Option<Vec<(f64, String)>>,
    log_x: bool,
    log_y: bool,
    equal: bool,
    size: (u32, u32),
}

#[derive(Debug, Clone, PartialEq)]
struct Series {
    name: String,
    kind: Kind,
    xs: Vec<f64>,
    ys: Vec<f64>,
    /// Upper ends of a band, empty for all else.
    upper: Vec<f64>,
    colour: Option<usize>,
    dashed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Points,
    Line,
    Steps,
    Band,
    Bars,
    /// Bars without gaps, each with its own width: `xs` holds one edge more than `ys` has heights.
    Histogram,
}

#[derive(Debug, Clone, PartialEq)]
struct Reference {
    at: f64,
    label: String,
    vertical: bool,
}

fn collect<I>(values: I) -> Vec<f64>
where
    I: IntoIterator,
    I::Item: Borrow<f64>,
{
    values.into_iter().map(|value| *value.borrow()).collect()
}

impl Plot {
    /// A plot with nothing in it yet, 640 × 400.
    pub fn new(title: impl Into<String>) -> Self {
        Plot {
            title: title.into(),
            x_label: None,
            y_label: None,
            alt: None,
            caption: None,
            series: Vec::new(),
            references: Vec::new(),
            notes: Vec::new(),
            x_range: None,
            y_range: None,
            x_ticks: None,
            log_x: false,
            log_y: false,
            equal: false,
            size: (640, 400),
        }
    }

    /// What the horizontal axis shows, with its unit.
    #[must_use]
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.x_label = Some(label.into());
        self
    }

    /// What the vertical axis shows, with its unit.
    #[must_use]
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.y_label = Some(label.into());
        self
    }

    /// Says in words what the picture shows, for those who cannot see it.
    #[must_use]
    pub fn alt(mut self, alt: impl Into<String>) -> Self {
        self.alt = Some(alt.into());
        self
    }

    /// What to see in the plot, below it.
    #[must_use]
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = Some(caption.into());
        self
    }

    fn add<X, Y>(mut self, kind: Kind, name: impl Into<String>, xs: X, ys: Y) -> Self
    where
        X: IntoIterator<Item: Borrow<f64>>,
        Y: IntoIterator<Item: Borrow<f64>>,
    {
        self.series.push(Series {
            name: name.into(),
            kind,
            xs: collect(xs),
            ys: collect(ys),
            upper: Vec::new(),
            colour: None,
            dashed: false,
        });
        self
    }

    /// One mark a point (xs\[i\], ys\[i\]).
    #[must_use]
    pub fn points<X, Y>(self, name: impl Into<String>, xs: X, ys: Y) -> Self
    where
        X: IntoIterator<Item: Borrow<f64>>,
        Y: IntoIterator<Item: Borrow<f64>>,
    {
        self.add(Kind::Points, name, xs, ys)
    }

    /// A line through the points in their order.
    #[must_use]
    pub fn line<X, Y>(self, name: impl Into<String>, xs: X, ys: Y) -> Self
    where
        X: IntoIterator<Item: Borrow<f64>>,
        Y: IntoIterator<Item: Borrow<f64>>,
    {
        self.add(Kind::Line, name, xs, ys)
    }

    /// A step function: ys\[i\] from xs\[i\] to xs\[i + 1\].
    #[must_use]
    pub fn steps<X, Y>(self, name: impl Into<String>, xs: X, ys: Y) -> Self
    where
        X: IntoIterator<Item: Borrow<f64>>,
        Y: IntoIterator<Item: Borrow<f64>>,
    {
        self.add(Kind::Steps, name, xs, ys)
    }

    /// The area between two curves, such as a confidence band.
    #[must_use]
    pub fn band<X, L, U>(self, name: impl Into<String>, xs: X, lower: L, upper: U) -> Self
    where
        X: IntoIterator<Item: Borrow<f64>>,
        L: IntoIterator<Item: Borrow<f64>>,
        U: IntoIterator<Item: Borrow<f64>>,
    {
        let mut plot = self.add(Kind::Band, name, xs, lower);
        if let Some(band) = plot.series.last_mut() {
            band.upper = collect(upper);
        }
        plot
    }

    /// Bars of height ys\[i\] about xs\[i\]; several such series stand side by side.
    #[must_use]
    pub fn bars<X, Y>(self, name: impl Into<String>, xs: X, ys: Y) -> Self
    where
        X: IntoIterator<Item: Borrow<f64>>,
        Y: IntoIterator<Item: Borrow<f64>>,
    {
        self.add(Kind::Bars, name, xs, ys)
    }

    /// The number of values in each of `bins` intervals of equal width.
    ///
    /// # Examples
    /// ```
    /// let figure = display::Plot::new("Residuals")
    ///     .x_label("residual (mpg)")
    ///     .y_label("cars")
    ///     .histogram("residuals", [-1.5, -0.2, 0.1, 0.3, 2.0], 4)
    ///     .alt("Five residuals, most of them near zero")
    ///     .draw()?;
    /// # Ok::<(), display::DisplayError>(())
    /// ```
    #[must_use]
    pub fn histogram<X>(self, name: impl Into<String>, values: X, bins: usize) -> Self
    where
        X: IntoIterator<Item: Borrow<f64>>,
    {
        let values = collect(values);
        let bins = bins.max(1);
        let (low, high) = values
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| {
                (low.min(x), high.max(x))
            });
        if values.iter().any(|x| !x.is_finite()) || values.is_empty() {
            // `draw` says what is wrong with them.
            let heights = vec![0.0; values.len()];
            return self.add(Kind::Bars, name, values, heights);
        }
        let (low, high) = if low < high {
            (low, high)
        } else {
            (low - 0.5, high + 0.5)
        };
        let width = (high - low) / bins as f64;
        let mut counts = vec![0.0; bins];
        for x in values {
            counts[(((x - low) / width) as usize).min(bins - 1)] += 1.0;
        }
        let edges: Vec<f64> = (0..=bins).map(|i| low + width * i as f64).collect();
        self.add(Kind::Histogram, name, edges, counts)
    }

    /// A level line at `y`, with its label at the right.
    #[must_use]
    pub fn hline(mut self, y: f64, label: impl Into<String>) -> Self {
        self.references.push(Reference {
            at: y,
            label: label.into(),
            vertical: false,
        });
        self
    }

    /// An upright line at `x`, with its label above.
    #[must_use]
    pub fn vline(mut self, x: f64, label: impl Into<String>) -> Self {
        self.references.push(Reference {
            at: x,
            label: label.into(),
            vertical: true,
        });
        self
    }

    /// A short text beside the point (`x`, `y`), to the right of it where there is room.
    #[must_use]
    pub fn note(mut self, x: f64, y: f64, text: impl Into<String>) -> Self {
        self.notes.push((x, y, text.into()));
        self
    }

    /// Gives the series added last the colour number `index` of [`PALETTE`](crate::PALETTE), so
    /// that the same thing has the same colour in several figures. Series otherwise take the
    /// colours in turn.
    #[must_use]
    pub fn colour(mut self, index: usize) -> Self {
        if let Some(series) = self.series.last_mut() {
            series.colour = Some(index);
        }
        self
    }

    /// Draws the line or steps added last in dashes.
    #[must_use]
    pub fn dashed(mut self) -> Self {
        if let Some(series) = self.series.last_mut() {
            series.dashed = true;
        }
        self
    }

    /// Makes the horizontal axis logarithmic.
    #[must_use]
    pub fn log_x(mut self) -> Self {
        self.log_x = true;
        self
    }

    /// Makes the vertical axis logarithmic.
    #[must_use]
    pub fn log_y(mut self) -> Self {
        self.log_y = true;
        self
    }

    /// Shows the horizontal axis from `low` to `high` exactly; what lies beyond is cut off.
    #[must_use]
    pub fn x_range(mut self, low: f64, high: f64) -> Self {
        self.x_range = Some((low, high));
        self
    }

    /// Shows the vertical axis from `low` to `high` exactly; what lies beyond is cut off.
    #[must_use]
    pub fn y_range(mut self, low: f64, high: f64) -> Self {
        self.y_range = Some((low, high));
        self
    }

    /// Gives one unit the same length on both axes, as geometry needs it, by showing more of one of
    /// them.
    #[must_use]
    pub fn equal_axes(mut self) -> Self {
        self.equal = true;
        self
    }

    /// Names places on the horizontal axis, in place of numbers: the categories of bars, say.
    ///
    /// # Examples
    /// ```
    /// let figure = display::Plot::new("Cars by origin")
    ///     .x_label("origin")
    ///     .y_label("cars")
    ///     .bars("cars", [0.0, 1.0, 2.0], [245.0, 68.0, 79.0])
    ///     .x_ticks([(0.0, "America"), (1.0, "Europe"), (2.0, "Japan")])
    ///     .alt("Bars: 245 cars from America, 68 from Europe, 79 from Japan")
    ///     .draw()?;
    /// assert!(figure.to_html().contains("Europe"));
    /// # Ok::<(), display::DisplayError>(())
    /// ```
    #[must_use]
    pub fn x_ticks<S: Into<String>>(mut self, ticks: impl IntoIterator<Item = (f64, S)>) -> Self {
        self.x_ticks = Some(
            ticks
                .into_iter()
                .map(|(x, label)| (x, label.into()))
                .collect(),
        );
        self
    }

    /// Width and height in a wide place; the narrow drawing for phones is derived from it.
    #[must_use]
    pub fn size(mut self, width: u32, height: u32) -> Self {
        self.size = (width, height);
        self
    }

    /// Draws the plot.
    ///
    /// # Errors
    /// [`DisplayError`] if there is no series, one is empty, of unequal lengths or not finite (with
    /// the place), a value on a logarithmic axis is not above zero, a range is empty, an axis label
    /// or the text alternative is missing, or the size is below 160 × 120.
    pub fn draw(self) -> Result<Figure, DisplayError> {
        let title = require("", "title", Some(&self.title), "one to Plot::new")?;
        let alt = require(
            &title,
            "text alternative",
            self.alt.as_ref(),
            ".alt(\"what the picture shows\")",
        )?;
        let x_label = require(
            &title,
            "label of the x axis",
            self.x_label.as_ref(),
            ".x_label(\"quantity (unit)\")",
        )?;
        let y_label = require(
            &title,
            "label of the y axis",
            self.y_label.as_ref(),
            ".y_label(\"quantity (unit)\")",
        )?;
        if self.size.0 < 160 || self.size.1 < 120 {
            let least = "160 × 120".to_owned();
            return Err(DisplayError::TooSmall {
                title,
                width: self.size.0,
                height: self.size.1,
                least,
            });
        }
        if self.series.is_empty() {
            return Err(DisplayError::Empty { title });
        }
        self.check_values()?;
        let labels = (x_label.as_str(), y_label.as_str());
        let (width, height) = (f64::from(self.size.0), f64::from(self.size.1));
        let (wide, area) = self.layout(labels, width, height)?;
        let narrow = if needs_narrow(self.size.0) {
            // Labels take more rows there, so the height is what keeps the area in proportion.
            let (_, tall) = self.layout(labels, NARROW, 700.0)?;
            let wanted = if self.equal {
                (tall.width * area.height / area.width).clamp(120.0, 420.0)
            } else {
                (NARROW * height / width * 0.75).clamp(150.0, 300.0)
            };
            let (drawing, _) =
                self.layout(labels, NARROW, (700.0 - tall.height + wanted).ceil())?;
            Some(drawing)
        } else {
            None
        };
        Ok(Figure::new(title, alt, self.caption, wide, narrow))
    }

    fn check_values(&self) -> Result<(), DisplayError> {
        for series in &self.series {
            let name = || series.name.clone();
            if series.ys.is_empty() && series.xs.is_empty() {
                return Err(DisplayError::EmptySeries { name: name() });
            }
            let second = if series.kind == Kind::Band {
                "lower"
            } else {
                "ys"
            };
            let edges = usize::from(series.kind == Kind::Histogram);
            if series.ys.len() + edges != series.xs.len() {
                let (expected, found) = (series.xs.len() - edges, series.ys.len());
                return Err(DisplayError::LengthMismatch {
                    name: name(),
                    what: second,
                    expected,
                    found,
                });
            }
            if series.kind == Kind::Band && series.upper.len() != series.xs.len() {
                let (expected, found) = (series.xs.len(), series.upper.len());
                return Err(DisplayError::LengthMismatch {
                    name: name(),
                    what: "upper",
                    expected,
                    found,
                });
            }
            let sequences = [
                ("xs", &series.xs, 'x', self.log_x),
                (second, &series.ys, 'y', self.log_y),
                ("upper", &series.upper, 'y', self.log_y),
            ];
            for (what, values, axis, log) in sequences {
                for (index, &value) in values.iter().enumerate() {
                    if !value.is_finite() {
                        return Err(DisplayError::NotFinite {
                            name: name(),
                            what,
                            index: index.to_string(),
                            value,
                        });
                    }
                    // A bar without height is drawn as nothing, on a logarithmic axis too.
                    let nothing = value == 0.0
                        && axis == 'y'
                        && matches!(series.kind, Kind::Bars | Kind::Histogram);
                    if log && value <= 0.0 && !nothing {
                        return Err(DisplayError::NotPositive {
                            name: name(),
                            what,
                            index,
                            value,
                            axis,
                        });
                    }
                }
            }
            for (i, (&low, &high)) in series.ys.iter().zip(&series.upper).enumerate() {
                if low > high {
                    return Err(DisplayError::EmptyRange {
                        what: format!("the band `{}` at {i}", series.name),
                        low,
                        high,
                    });
                }
            }
        }
        for reference in &self.references {
            let (axis, log) = if reference.vertical {
                ('x', self.log_x)
            } else {
                ('y', self.log_y)
            };
            let (name, what, value) = (
                reference.label.clone(),
                if reference.vertical { "vline" } else { "hline" },
                reference.at,
            );
            if !value.is_finite() {
                return Err(DisplayError::NotFinite {
                    name,
                    what,
                    index: "0".to_owned(),
                    value,
                });
            }
            if log && value <= 0.0 {
                return Err(DisplayError::NotPositive {
                    name,
                    what,
                    index: 0,
                    value,
                    axis,
                });
            }
        }
        for (x, y, text) in &self.notes {
            for (value, axis, log) in [(*x, 'x', self.log_x), (*y, 'y', self.log_y)] {
                let (name, what) = (text.clone(), "note");
                if !value.is_finite() {
                    let index = axis.to_string();
                    return Err(DisplayError::NotFinite {
                        name,
                        what,
                        index,
                        value,
                    });
                }
                if log && value <= 0.0 {
                    return Err(DisplayError::NotPositive {
                        name,
                        what,
                        index: 0,
                        value,
                        axis,
                    });
                }
            }
        }
        for (x, label) in self.x_ticks.iter().flatten() {
            if !x.is_finite() {
                return Err(DisplayError::NotFinite {
                    name: label.clone(),
                    what: "x_ticks",
                    index: "0".to_owned(),
                    value: *x,
                });
            }
        }
        for (what, range, log) in [
            ("x_range", self.x_range, self.log_x),
            ("y_range", self.y_range, self.log_y),
        ] {
            if let Some((low, high)) = range {
                let valid = low < high && (high - low).is_finite() && (!log || low > 0.0);
                if !valid {
                    return Err(DisplayError::EmptyRange {
                        what: what.to_owned(),
                        low,
                        high,
                    });
                }
            }
        }
        Ok(())
    }

    /// Half the width of a bar, or 0 without bars.
    fn bar_half_width(&self) -> f64 {
        let mut xs: Vec<f64> = self
            .series
            .iter()
            .filter(|series| series.kind == Kind::Bars)
            .flat_map(|series| series.xs.iter().copied())
            .collect();
        if xs.is_empty() {
            return 0.0;
        }
        xs.sort_by(f64::total_cmp);
        xs.dedup();
        let gap = xs
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .fold(f64::INFINITY, f64::min);
        0.4 * if gap.is_finite() { gap } else { 1.0 }
    }

    fn has_bars(&self) -> bool {
        self.series
            .iter()
            .any(|series| matches!(series.kind, Kind::Bars | Kind::Histogram))
    }

    fn axes(&self) -> (Axis, Axis) {
        let half = self.bar_half_width();
        let has_bars = self.has_bars();
        let reference = |vertical: bool| {
            self.references
                .iter()
                .filter(move |r| r.vertical == vertical)
                .map(|r| r.at)
        };
        let xs = self.series.iter().flat_map(|series| {
            let half = if series.kind == Kind::Bars && !self.log_x {
                half
            } else {
                0.0
            };
            series.xs.iter().flat_map(move |&x| [x - half, x + half])
        });
        let ys = self
            .series
            .iter()
            .flat_map(|series| series.ys.iter().chain(&series.upper).copied());
        let ys = ys.filter(|&y| !self.log_y || y > 0.0);
        let x = Axis::over(
            xs.chain(reference(true)),
            self.x_range,
            self.log_x,
            0.025,
            false,
        );
        let y = Axis::over(
            ys.chain(reference(false)),
            self.y_range,
            self.log_y,
            0.05,
            has_bars,
        );
        (x, y)
    }

    fn palette_index(&self, i: usize) -> usize {
        self.series[i].colour.unwrap_or(i) % PALETTE.len()
    }

    /// Lays out and draws everything at one size.
    fn layout(
        &self,
        labels: (&str, &str),
        width: f64,
        height: f64,
    ) -> Result<(Drawing, Area), DisplayError> {
        let axes = self.axes();
        let mut laid = self.layout_over(axes, labels, width, height)?;
        if self.equal {
            // The labels of other ticks change the area a little, so more than once.
            for _ in 0..3 {
                let axes = equalised(axes, &laid.1);
                laid = self.layout_over(axes, labels, width, height)?;
            }
        }
        Ok(laid)
    }

    /// Lays out and draws everything at one size, over given axes.
    fn layout_over(
        &self,
        (x, y): (Axis, Axis),
        (x_label, y_label): (&str, &str),
        width: f64,
        height: f64,
    ) -> Result<(Drawing, Area), DisplayError> {
        let mut svg = Svg::default();
        let mut top = svg.title(&self.title, width);

        // What can be labelled at its end goes to the right of the plot, if there is room.
        let mut ends = self.line_ends(&x, &y);
        let widest = ends.iter().map(|end| end.width()).fold(0.0, f64::max);
        let mut right = if ends.is_empty() { 10.0 } else { widest + 18.0 };
        if right > 0.3 * width {
            for end in &mut ends {
                end.break_lines(0.24 * width);
            }
            right = ends.iter().map(|end| end.width()).fold(0.0, f64::max) + 18.0;
        }
        let needed: f64 = ends.iter().map(End::height).sum();
        if right > 0.3 * width || needed > 0.6 * height {
            ends.clear();
            right = 10.0;
        }

        // All else is named above it.
        let legend = self.legend(&ends);
        if !legend.is_empty() {
            let rows = draw_legend(&mut svg, &legend, top, width);
            top += LINE * rows as f64 + 4.0;
        }

        // The label of the y axis, and those of upright lines, in rows above the plot.
        let y_lines = wrap(y_label, width, TEXT_SIZE);
        let bottom_labels = wrap(x_label, width, TEXT_SIZE);
        let left_of = |ticks: &[Tick]| {
            ticks
                .iter()
                .map(|tick| text_width(&tick.label, TEXT_SIZE))
                .fold(0.0, f64::max)
                + 9.0
        };
        let rough = y.ticks_up(height - top - 80.0);
        let left = left_of(&rough).max(14.0);
        let plot_width = (width - left - right).max(40.0);
        let verticals: Vec<(f64, &Reference)> = self
            .references
            .iter()
            .filter(|reference| reference.vertical)
            .map(|reference| (x.place(reference.at), reference))
            .filter(|(place, _)| (0.0..=1.0).contains(place))
            .map(|(place, reference)| (left + place * plot_width, reference))
            .collect();
        let mut above = Above::new(&y_lines);
        let placed: Vec<(f64, usize, f64, &Reference)> = verticals
            .iter()
            .map(|&(at, reference)| {
                let (middle, row) = above.place(at, text_width(&reference.label, TEXT_SIZE), width);
                (middle, row, at, reference)
            })
            .collect();
        let above_height = LINE * above.rows() as f64;
        let area_top = top + above_height + 10.0;
        for (i, line) in y_lines.iter().enumerate() {
            let row = y_lines.len() - 1 - i;
            svg.text(
                0.0,
                area_top - 14.0 - LINE * row as f64,
                Anchor::Start,
                line,
            );
        }
        for &(middle, row, _, reference) in &placed {
            svg.text(
                middle,
                area_top - 14.0 - LINE * row as f64,
                Anchor::Middle,
                &reference.label,
            );
        }

        // Below: tick labels and the label of the x axis.
        let (x_ticks, slanted, tick_height) = self.bottom_ticks(&x, plot_width, left);
        let area_bottom = height - 8.0 - LINE * bottom_labels.len() as f64 - tick_height - 4.0;
        if area_bottom - area_top < 40.0 {
            return Err(DisplayError::TooSmall {
                title: self.title.clone(),
                width: width as u32,
                height: height as u32,
                least: format!(
                    "{} × {}",
                    width.ceil(),
                    (height + 40.0 - (area_bottom - area_top)).ceil()
                ),
            });
        }
        let plot_height = area_bottom - area_top;
        let area = Area {
            left,
            top: area_top,
            width: plot_width,
            height: plot_height,
        };
        let y_ticks = y.ticks_up(plot_height);
        draw_axes(&mut svg, &area, &x_ticks, &y_ticks, slanted);
        for (i, line) in bottom_labels.iter().enumerate() {
            let baseline = area_bottom + tick_height + 14.0 + LINE * i as f64;
            let middle = (left + plot_width / 2.0)
                .max(text_width(line, TEXT_SIZE) / 2.0)
                .min(width - text_width(line, TEXT_SIZE) / 2.0);
            svg.text(middle, baseline, Anchor::Middle, line);
        }
        svg.body += &self.data_layer(&x, &y, &area)?;
        if self.has_bars() && y.low < 0.0 && y.high > 0.0 && !y.log {
            let base = area_bottom - y.place(0.0) * plot_height;
            svg.line(
                (left, base),
                (left + plot_width, base),
                theme::AXIS,
                " stroke-width=\"1\"",
            );
        }
        // Reference lines lie over bars, which would hide them.
        for &(_, row, at, _) in &placed {
            let upper = area_top - 10.0 - LINE * row as f64;
            svg.line(
                (at, upper.min(area_top)),
                (at, area_bottom),
                theme::TEXT,
                " stroke-width=\"1\" stroke-dasharray=\"2 3\"",
            );
        }
        for reference in self
            .references
            .iter()
            .filter(|reference| !reference.vertical)
        {
            let place = y.place(reference.at);
            if (0.0..=1.0).contains(&place) {
                let at = area_bottom - place * plot_height;
                svg.line(
                    (left, at),
                    (left + plot_width, at),
                    theme::TEXT,
                    " stroke-width=\"1\" stroke-dasharray=\"2 3\"",
                );
            }
        }
        draw_ends(&mut svg, &ends, &area);
        for (at_x, at_y, text) in &self.notes {
            let (a, b) = (x.place(*at_x), y.place(*at_y));
            if (0.0..=1.0).contains(&a) && (0.0..=1.0).contains(&b) {
                let (px, py) = (left + a * plot_width, area_bottom - b * plot_height + 4.3);
                if px + 7.0 + text_width(text, TEXT_SIZE) <= left + plot_width {
                    svg.text(px + 7.0, py, Anchor::Start, text);
                } else {
                    svg.text(px - 7.0, py, Anchor::End, text);
                }
            }
        }
        Ok((Drawing { svg, width, height }, area))
    }

    /// The ends of lines that reach the right edge, and of level lines.
    fn line_ends(&self, x: &Axis, y: &Axis) -> Vec<End> {
        let mut ends = Vec::new();
        let levels = self
            .references
            .iter()
            .filter(|reference| !reference.vertical)
            .count();
        if self.series.len() + levels > 1 {
            for (i, series) in self.series.iter().enumerate() {
                if !matches!(series.kind, Kind::Line | Kind::Steps) {
                    continue;
                }
                let drawn = series
                    .xs
                    .iter()
                    .zip(&series.ys)
                    .map(|(&a, &b)| (x.place(a), y.place(b)));
                let last = drawn
                    .filter(|(a, _)| *a <= 1.0 + 1e-9)
                    .max_by(|a, b| a.0.total_cmp(&b.0));
                if let Some((a, b)) = last.filter(|(a, b)| *a >= 0.88 && (-0.02..=1.02).contains(b))
                {
                    ends.push(End::new(
                        Some(i),
                        &series.name,
                        theme::series(self.palette_index(i)),
                        (a.min(1.0), b.clamp(0.0, 1.0)),
                        series.dashed,
                    ));
                }
            }
        }
        for reference in self
            .references
            .iter()
            .filter(|reference| !reference.vertical && !reference.label.is_empty())
        {
            let place = y.place(reference.at);
            if (0.0..=1.0).contains(&place) {
                ends.push(End::new(
                    None,
                    &reference.label,
                    theme::TEXT.to_owned(),
                    (1.0, place),
                    true,
                ));
            }
        }
        ends
    }

    /// What is named above the plot: every series without a label of its own, unless it is alone.
    fn legend(&self, ends: &[End]) -> Vec<Key> {
        let mut keys = Vec::new();
        for (i, series) in self.series.iter().enumerate() {
            let labelled = ends.iter().any(|end| end.series == Some(i));
            let alone = self.series.len() == 1;
            if !labelled && !alone && !series.name.is_empty() {
                keys.push(Key {
                    name: series.name.clone(),
                    colour: theme::series(self.palette_index(i)),
                    mark: match series.kind {
                        Kind::Points => Mark::Point(self.shape(i)),
                        Kind::Line | Kind::Steps => Mark::Line(series.dashed),
                        Kind::Band => Mark::Area(0.22),
                        Kind::Bars | Kind::Histogram => Mark::Area(0.85),
                    },
                });
            }
        }
        let has_ends = ends.iter().any(|end| end.series.is_none());
        for reference in self
            .references
            .iter()
            .filter(|r| !r.vertical && !r.label.is_empty() && !has_ends)
        {
            keys.push(Key {
                name: reference.label.clone(),
                colour: theme::TEXT.to_owned(),
                mark: Mark::Line(true),
            });
        }
        keys
    }

    /// The shape of the marks of series `i`: every series of points has its own.
    fn shape(&self, i: usize) -> Shape {
        let before = self.series[..i]
            .iter()
            .filter(|series| series.kind == Kind::Points)
            .count();
        [
            Shape::Circle,
            Shape::Square,
            Shape::Triangle,
            Shape::Diamond,
        ][before % 4]
    }

    /// Ticks of the x axis, whether their labels are slanted, and the height they take.
    fn bottom_ticks(&self, x: &Axis, plot_width: f64, left: f64) -> (Vec<Tick>, bool, f64) {
        let Some(named) = &self.x_ticks else {
            return (x.ticks_across(plot_width), false, 20.0);
        };
        let mut ticks: Vec<Tick> = named
            .iter()
            .map(|(at, label)| Tick {
                place: x.place(*at),
                label: label.clone(),
            })
            .filter(|tick| (0.0..=1.0).contains(&tick.place))
            .collect();
        ticks.sort_by(|a, b| a.place.total_cmp(&b.place));
        let widest = ticks
            .iter()
            .map(|tick| text_width(&tick.label, TEXT_SIZE))
            .fold(0.0, f64::max);
        let gap = ticks
            .windows(2)
            .map(|pair| (pair[1].place - pair[0].place) * plot_width)
            .fold(plot_width, f64::min);
        if widest + 8.0 <= gap {
            (ticks, false, 20.0)
        } else {
            // At 40 degrees; no further left than the drawing's edge.
            let reach = widest.min(
                (left + ticks.first().map_or(0.0, |tick| tick.place) * plot_width) / 0.766 + 6.0,
            );
            let lower = ticks
                .iter()
                .map(|tick| text_width(&tick.label, TEXT_SIZE))
                .fold(0.0, f64::max)
                .max(reach);
            (ticks, true, 14.0 + 0.643 * lower)
        }
    }

    /// The data, drawn by plotters on a canvas of its own that is clipped to the plot's area.
    fn data_layer(&self, x: &Axis, y: &Axis, area: &Area) -> Result<String, DisplayError> {
        let mut body = String::new();
        let failed = |error: String| DisplayError::Drawing {
            title: self.title.clone(),
            reason: error,
        };
        {
            let size = ((area.width * FINE) as u32, (area.height * FINE) as u32);
            let root = SvgCanvas::new(&mut body, size, 1.0 / FINE).into_drawing_area();
            let layer = Layer {
                plot: self,
                x,
                y,
                area: root.apply_coord_spec(coordinates(x, y, size)),
                size,
            };
            // Areas first, then bars, lines and points, each in the order given.
            for pass in [
                &[Kind::Band][..],
                &[Kind::Bars, Kind::Histogram],
                &[Kind::Line, Kind::Steps, Kind::Points],
            ] {
                for (i, series) in self.series.iter().enumerate() {
                    if pass.contains(&series.kind) {
                        layer
                            .series(i, series)
                            .map_err(|error| failed(error.to_string()))?;
                    }
                }
            }
        }
        // A few units of room, so that marks at the edge are whole.
        let room = 4.0;
        Ok(format!(
            "<svg x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" viewBox=\"{m} {m} {w} {h}\" overflow=\"hidden\" \
             style=\"width:{w}px;height:{h}px;max-width:none;max-height:none\">\n{body}</svg>\n",
            x = crate::svg::short(area.left - room),
            y = crate::svg::short(area.top - room),
            w = crate::svg::short(area.width + 2.0 * room),
            h = crate::svg::short(area.height + 2.0 * room),
            m = -room,
        ))
    }
}

type Coordinates = Cartesian2d<RangedCoordf64, RangedCoordf64>;
type LayerError = plotters::drawing::DrawingAreaErrorKind<std::convert::Infallible>;

/// The drawn coordinates (logarithms on a logarithmic axis) onto the canvas.
fn coordinates(x: &Axis, y: &Axis, size: (u32, u32)) -> Coordinates {
    let (x_range, y_range) = (x.low..x.high, y.low..y.high);
    Cartesian2d::new(x_range, y_range, (0..size.0 as i32, size.1 as i32..0))
}

struct Layer<'p, 'c> {
    plot: &'p Plot,
    x: &'p Axis,
    y: &'p Axis,
    area: DrawingArea<SvgCanvas<'c>, Coordinates>,
    size: (u32, u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Circle,
    Square,
    Triangle,
    Diamond,
}

impl Layer<'_, '_> {
    /// The drawn coordinates of a value, kept near the area so that plotters' whole numbers hold it.
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let drawn = |axis: &Axis, value: f64| {
            let value = match axis.log {
                true if value <= 0.0 => axis.low,
                true => value.log10(),
                false => value,
            };
            let span = axis.high - axis.low;
            value.clamp(axis.low - 20.0 * span, axis.high + 20.0 * span)
        };
        (drawn(self.x, x), drawn(self.y, y))
    }

    fn series(&self, i: usize, series: &Series) -> Result<(), LayerError> {
        let colour = PALETTE[self.plot.palette_index(i)];
        let points = series
            .xs
            .iter()
            .zip(&series.ys)
            .map(|(&x, &y)| self.at(x, y));
        match series.kind {
            Kind::Points => self.marks(i, points.collect(), series.xs.len()),
            Kind::Line => self.stroke(points.collect(), colour.to_rgba(), series.dashed),
            Kind::Steps => {
                let mut path: Vec<(f64, f64)> = Vec::with_capacity(2 * series.xs.len());
                for (x, y) in points {
                    if let Some(&(_, before)) = path.last() {
                        path.push((x, before));
                    }
                    path.push((x, y));
                }
                self.stroke(path, colour.to_rgba(), series.dashed)
            }
            Kind::Band => {
                let upper = series
                    .xs
                    .iter()
                    .zip(&series.upper)
                    .rev()
                    .map(|(&x, &y)| self.at(x, y));
                self.area.draw(&Polygon::new(
                    points.chain(upper).collect::<Vec<_>>(),
                    colour.mix(0.22),
                ))
            }
            Kind::Bars => {
                let all: Vec<usize> = (0..self.plot.series.len())
                    .filter(|&j| self.plot.series[j].kind == Kind::Bars)
                    .collect();
                let rank = all.iter().position(|&j| j == i).unwrap_or(0) as f64;
                let half = self.plot.bar_half_width();
                let each = 2.0 * half / all.len() as f64;
                for (&x, &y) in series.xs.iter().zip(&series.ys) {
                    let left = x - half + rank * each;
                    self.bar(left, left + each, y, colour.mix(0.85))?;
                }
                Ok(())
            }
            Kind::Histogram => {
                for (edges, &y) in series.xs.windows(2).zip(&series.ys) {
                    self.bar(edges[0], edges[1], y, colour.mix(0.85))?;
                }
                Ok(())
            }
        }
    }

    fn bar(&self, left: f64, right: f64, height: f64, colour: RGBAColor) -> Result<(), LayerError> {
        let base = if self.y.log {
            10_f64.powf(self.y.low)
        } else {
            0.0
        };
        let (from, to) = (self.at(left, base), self.at(right, height));
        // A hair of background between neighbours.
        let hair = 0.5 * FINE * (self.x.high - self.x.low) / f64::from(self.size.0);
        let corners = [
            (from.0 + hair, from.1.max(to.1)),
            (to.0 - hair, from.1.min(to.1)),
        ];
        self.area
            .draw(&Rectangle::new(corners, ShapeStyle::from(colour).filled()))
    }

    fn marks(&self, i: usize, points: Vec<(f64, f64)>, count: usize) -> Result<(), LayerError> {
        let colour = PALETTE[self.plot.palette_index(i)];
        let (radius, opacity) = match count {
            0..=60 => (3.4, 0.9),
            61..=600 => (2.8, 0.7),
            601..=3000 => (2.0, 0.45),
            _ => (1.3, 0.35),
        };
        let radius = if self.size.0 < 3400 {
            0.8 * radius
        } else {
            radius
        };
        let style = ShapeStyle::from(colour.mix(opacity)).filled();
        let inside = |&(x, y): &(f64, f64)| {
            let (dx, dy) = (
                0.02 * (self.x.high - self.x.low),
                0.02 * (self.y.high - self.y.low),
            );
            x >= self.x.low - dx
                && x <= self.x.high + dx
                && y >= self.y.low - dy
                && y <= self.y.high + dy
        };
        for point in points.into_iter().filter(inside) {
            // Corners relative to the middle, in canvas units; the same area for every shape.
            let r = radius * FINE;
            let corner = |dx: f64, dy: f64| {
                let (px, py) = self.area.map_coordinate(&point);
                (px + (dx * r).round() as i32, py + (dy * r).round() as i32)
            };
            let polygon = |corners: Vec<(i32, i32)>| {
                let flat = self.area.strip_coord_spec();
                flat.draw(&Polygon::new(corners, style))
            };
            match self.plot.shape(i) {
                Shape::Circle => {
                    self.area
                        .draw(&Circle::new(point, (radius * FINE) as i32, style))?
                }
                Shape::Square => {
                    polygon(vec![
                        corner(-0.89, -0.89),
                        corner(0.89, -0.89),
                        corner(0.89, 0.89),
                        corner(-0.89, 0.89),
                    ])?;
                }
                Shape::Triangle => polygon(vec![
                    corner(0.0, -1.4),
                    corner(1.25, 0.8),
                    corner(-1.25, 0.8),
                ])?,
                Shape::Diamond => polygon(vec![
                    corner(0.0, -1.3),
                    corner(1.3, 0.0),
                    corner(0.0, 1.3),
                    corner(-1.3, 0.0),
                ])?,
            }
        }
        Ok(())
    }

    fn stroke(
        &self,
        points: Vec<(f64, f64)>,
        colour: RGBAColor,
        dashed: bool,
    ) -> Result<(), LayerError> {
        let style = ShapeStyle::from(colour).stroke_width((1.8 * FINE) as u32);
        let pixels: Vec<(i32, i32)> = points
            .iter()
            .map(|point| self.area.map_coordinate(point))
            .collect();
        let pixels = thin(pixels, self.size.0);
        let flat: DrawingArea<SvgCanvas<'_>, Shift> = self.area.strip_coord_spec();
        if !dashed {
            return flat.draw(&PathElement::new(pixels, style));
        }
        for dash in dashes(&pixels, 6.0 * FINE, 4.0 * FINE) {
            flat.draw(&PathElement::new(dash, style))?;
        }
        Ok(())
    }
}

/// Of a line with very many points, at most four a unit of width: first, lowest, highest, last.
fn thin(pixels: Vec<(i32, i32)>, width: u32) -> Vec<(i32, i32)> {
    let sorted = pixels.windows(2).all(|pair| pair[0].0 <= pair[1].0);
    if pixels.len() <= 4 * (width as usize / FINE as usize).max(1) || !sorted {
        return pixels;
    }
    let mut kept: Vec<(i32, i32)> = Vec::new();
    for column in pixels.chunk_by(|a, b| a.0 / FINE as i32 == b.0 / FINE as i32) {
        let lowest = column
            .iter()
            .enumerate()
            .min_by_key(|(_, pixel)| pixel.1)
            .map_or(0, |(i, _)| i);
        let highest = column
            .iter()
            .enumerate()
            .max_by_key(|(_, pixel)| pixel.1)
            .map_or(0, |(i, _)| i);
        let mut chosen = [0, lowest, highest, column.len() - 1];
        chosen.sort_unstable();
        kept.extend(chosen.map(|i| column[i]));
    }
    kept.dedup();
    kept
}

/// A line cut into dashes of a length with gaps of another.
fn dashes(pixels: &[(i32, i32)], dash: f64, gap: f64) -> Vec<Vec<(i32, i32)>> {
    let mut cut = Vec::new();
    let mut current: Vec<(i32, i32)> = pixels.first().copied().into_iter().collect();
    let (mut drawing, mut left) = (true, dash);
    for pair in pixels.windows(2) {
        let [(x0, y0), (x1, y1)] = [pair[0], pair[1]].map(|(x, y)| (f64::from(x), f64::from(y)));
        let length = (x1 - x0).hypot(y1 - y0);
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let at = (
                (x0 + (x1 - x0) * done / length).round() as i32,
                (y0 + (y1 - y0) * done / length).round() as i32,
            );
            if drawing {
                current.push(at);
                cut.push(std::mem::take(&mut current));
            } else {
                current = vec![at];
            }
            drawing = !drawing;
            left = if drawing { dash } else { gap };
        }
        left -= length - done;
        if drawing {
            current.push(pair[1]);
        }
    }
    if current.len() > 1 {
        cut.push(current);
    }
    cut
}

/// The axes with more of one of them shown, so that a unit of each has the same length.
fn equalised((mut x, mut y): (Axis, Axis), area: &Area) -> (Axis, Axis) {
    let unit = ((x.high - x.low) / area.width).max((y.high - y.low) / area.height);
    for (axis, length) in [(&mut x, area.width), (&mut y, area.height)] {
        let (middle, half) = (axis.low / 2.0 + axis.high / 2.0, unit * length / 2.0);
        let (low, high) = (middle - half, middle + half);
        // Beyond the largest float there is nothing more to show.
        if low.is_finite() && high.is_finite() {
            (axis.low, axis.high) = (low, high);
        }
    }
    (x, y)
}

/// The rectangle that the axes enclose.
struct Area {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

/// A label at the right end of a line.
struct End {
    series: Option<usize>,
    lines: Vec<String>,
    colour: String,
    /// Place of the line's end in the area, from 0 to 1, upwards.
    at: (f64, f64),
    dashed: bool,
}

impl End {
    fn new(
        series: Option<usize>,
        label: &str,
        colour: String,
        at: (f64, f64),
        dashed: bool,
    ) -> Self {
        End {
            series,
            lines: vec![label.to_owned()],
            colour,
            at,
            dashed,
        }
    }

    fn width(&self) -> f64 {
        self.lines
            .iter()
            .map(|line| text_width(line, TEXT_SIZE))
            .fold(0.0, f64::max)
    }

    fn height(&self) -> f64 {
        15.0 * self.lines.len() as f64 + if self.lines.len() > 1 { 7.0 } else { 3.0 }
    }

    fn break_lines(&mut self, width: f64) {
        self.lines = wrap(&self.lines.join(" "), width, TEXT_SIZE);
    }
}

/// Middles of intervals of these heights, as near as can be to where they want to be, without
/// overlap and within `low..high`. `wanted` and `heights` are in ascending order of `wanted`.
fn spread(wanted: &[f64], heights: &[f64], low: f64, high: f64) -> Vec<f64> {
    // Blocks of intervals that touch: first index, number, sum of wanted tops, total height.
    let mut blocks: Vec<(usize, usize, f64, f64)> = Vec::new();
    let top_of = |block: &(usize, usize, f64, f64)| {
        let mean = block.2 / block.1 as f64;
        mean.min(high - block.3).max(low)
    };
    for (i, (&middle, &height)) in wanted.iter().zip(heights).enumerate() {
        blocks.push((i, 1, middle - height / 2.0, height));
        while let [.., before, last] = blocks.as_slice() {
            if top_of(before) + before.3 <= top_of(last) {
                break;
            }
            // The wanted top of the joined block, seen from each interval in it.
            let joined = (
                before.0,
                before.1 + last.1,
                before.2 + last.2 - last.1 as f64 * before.3,
                before.3 + last.3,
            );
            blocks.truncate(blocks.len() - 2);
            blocks.push(joined);
        }
    }
    let mut middles = Vec::with_capacity(wanted.len());
    for block in &blocks {
        let mut top = top_of(block);
        for height in &heights[block.0..block.0 + block.1] {
            middles.push(top + height / 2.0);
            top += height;
        }
    }
    middles
}

fn draw_ends(svg: &mut Svg, ends: &[End], area: &Area) {
    let mut order: Vec<&End> = ends.iter().collect();
    order.sort_by(|a, b| b.at.1.total_cmp(&a.at.1));
    let level = |end: &End| area.top + (1.0 - end.at.1) * area.height;
    let wanted: Vec<f64> = order.iter().map(|end| level(end)).collect();
    let heights: Vec<f64> = order.iter().map(|end| end.height()).collect();
    let middles = spread(
        &wanted,
        &heights,
        area.top - 8.0,
        area.top + area.height + 8.0,
    );
    let edge = area.left + area.width;
    for (end, middle) in order.into_iter().zip(middles) {
        let from = (area.left + end.at.0 * area.width, level(end));
        let dash = if end.dashed {
            " stroke-dasharray=\"2 2\""
        } else {
            ""
        };
        svg.line(
            from,
            (edge + 12.0, middle),
            &end.colour,
            &format!(" stroke-width=\"1.2\"{dash}"),
        );
        let first = middle - 7.5 * (end.lines.len() as f64 - 1.0) + 4.3;
        for (i, line) in end.lines.iter().enumerate() {
            svg.text(edge + 15.0, first + 15.0 * i as f64, Anchor::Start, line);
        }
    }
}

/// An entry of the legend.
struct Key {
    name: String,
    colour: String,
    mark: Mark,
}

enum Mark {
    Point(Shape),
    Line(bool),
    Area(f64),
}

/// Draws the legend's rows below `top`; returns how many there are.
fn draw_legend(svg: &mut Svg, keys: &[Key], top: f64, width: f64) -> usize {
    let (mut x, mut row) = (0.0, 0);
    for key in keys {
        let (mark_width, gap) = (
            if matches!(key.mark, Mark::Point(_)) {
                9.0
            } else {
                20.0
            },
            6.0,
        );
        let needed = mark_width + gap + text_width(&key.name, TEXT_SIZE);
        if x > 0.0 && x + needed > width {
            (x, row) = (0.0, row + 1);
        }
        let baseline = top + 13.0 + LINE * f64::from(row);
        let middle = baseline - 4.3;
        match key.mark {
            Mark::Point(shape) => {
                let c = |dx: f64, dy: f64| {
                    format!(
                        "{} {}",
                        crate::svg::short(x + 4.5 + dx),
                        crate::svg::short(middle + dy)
                    )
                };
                let data = match shape {
                    Shape::Circle => None,
                    Shape::Square => Some(format!(
                        "M{}L{}L{}L{}z",
                        c(-3.6, -3.6),
                        c(3.6, -3.6),
                        c(3.6, 3.6),
                        c(-3.6, 3.6)
                    )),
                    Shape::Triangle => Some(format!(
                        "M{}L{}L{}z",
                        c(0.0, -5.2),
                        c(4.7, 3.2),
                        c(-4.7, 3.2)
                    )),
                    Shape::Diamond => Some(format!(
                        "M{}L{}L{}L{}z",
                        c(0.0, -4.9),
                        c(4.9, 0.0),
                        c(0.0, 4.9),
                        c(-4.9, 0.0)
                    )),
                };
                let fill = &key.colour;
                svg.body += &match data {
                    None => {
                        format!(
                            "<circle cx=\"{}\" cy=\"{}\" r=\"4\" fill=\"{fill}\"/>\n",
                            crate::svg::short(x + 4.5),
                            crate::svg::short(middle)
                        )
                    }
                    Some(data) => format!("<path d=\"{data}\" fill=\"{fill}\"/>\n"),
                };
            }
            Mark::Line(dashed) => {
                let dash = if dashed {
                    " stroke-dasharray=\"6 4\""
                } else {
                    ""
                };
                svg.line(
                    (x, middle),
                    (x + mark_width, middle),
                    &key.colour,
                    &format!(" stroke-width=\"1.8\"{dash}"),
                );
            }
            Mark::Area(opacity) => {
                svg.rect(
                    (x, middle - 5.0),
                    (mark_width, 10.0),
                    &format!("fill=\"{}\" fill-opacity=\"{opacity}\"", key.colour),
                );
            }
        }
        svg.text(x + mark_width + gap, baseline, Anchor::Start, &key.name);
        x += needed + 20.0;
    }
    row as usize + 1
}

/// Rows of labels above the plot, the first next to it.
struct Above {
    rows: Vec<Vec<(f64, f64)>>,
}

impl Above {
    /// Rows that hold the lines of the y axis' label.
    fn new(y_lines: &[String]) -> Self {
        let rows = y_lines
            .iter()
            .rev()
            .map(|line| vec![(0.0, text_width(line, TEXT_SIZE))])
            .collect();
        Above { rows }
    }

    /// The middle and row of a label of `label_width` that belongs above `at`.
    fn place(&mut self, at: f64, label_width: f64, width: f64) -> (f64, usize) {
        let half = label_width / 2.0;
        let middle = at.min(width - half).max(half);
        let taken = |row: &[(f64, f64)]| {
            row.iter()
                .any(|&(from, to)| middle - half - 10.0 < to && middle + half + 10.0 > from)
        };
        let row = (0..self.rows.len())
            .find(|&row| !taken(&self.rows[row]))
            .unwrap_or_else(|| {
                self.rows.push(Vec::new());
                self.rows.len() - 1
            });
        self.rows[row].push((middle - half, middle + half));
        (middle, row)
    }

    fn rows(&self) -> usize {
        self.rows.len()
    }
}

fn draw_axes(svg: &mut Svg, area: &Area, x_ticks: &[Tick], y_ticks: &[Tick], slanted: bool) {
    let (right, bottom) = (area.left + area.width, area.top + area.height);
    for tick in y_ticks {
        let y = bottom - tick.place * area.height;
        svg.line(
            (area.left, y),
            (right, y),
            theme::GRID,
            " stroke-width=\"1\"",
        );
        svg.text(area.left - 7.0, y + 4.3, Anchor::End, &tick.label);
    }
    svg.line(
        (area.left, area.top),
        (area.left, bottom),
        theme::AXIS,
        " stroke-width=\"1\"",
    );
    svg.line(
        (area.left, bottom),
        (right, bottom),
        theme::AXIS,
        " stroke-width=\"1\"",
    );
    for tick in x_ticks {
        let x = area.left + tick.place * area.width;
        svg.line(
            (x, bottom),
            (x, bottom + 4.0),
            theme::AXIS,
            " stroke-width=\"1\"",
        );
        if slanted {
            let (x, y) = (x + 3.0, bottom + 14.0);
            let turn = format!(
                " transform=\"rotate(-40 {} {})\"",
                crate::svg::short(x),
                crate::svg::short(y)
            );
            svg.styled_text(x, y, Anchor::End, &tick.label, &turn);
        } else {
            svg.text(x, bottom + 17.0, Anchor::Middle, &tick.label);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn labels_are_spread_without_overlap_and_no_further_than_needed(
            mut wanted in prop::collection::vec(0.0_f64..300.0, 1..12),
        ) {
            wanted.sort_by(f64::total_cmp);
            let heights: Vec<f64> = wanted.iter().enumerate().map(|(i, _)| 15.0 + (i % 2) as f64 * 15.0).collect();
            let middles = spread(&wanted, &heights, 0.0, 300.0);
            prop_assert_eq!(middles.len(), wanted.len());
            for i in 1..middles.len() {
                prop_assert!(middles[i] - middles[i - 1] >= (heights[i] + heights[i - 1]) / 2.0 - 1e-9, "{middles:?}");
            }
            if wanted.len() == 1 {
                prop_assert!((middles[0] - wanted[0].clamp(7.5, 292.5)).abs() < 1e-9);
            }
            prop_assert!(middles[0] >= heights[0] / 2.0 - 1e-9);
            prop_assert!(middles.last().unwrap() + heights.last().unwrap() / 2.0 <= 300.0 + 1e-9);
        }

        #[test]
        fn a_thinned_line_keeps_its_extremes(ys in prop::collection::vec(0_i32..1000, 2000..3000)) {
            let pixels: Vec<(i32, i32)> = ys.iter().enumerate().map(|(i, &y)| (i as i32, y)).collect();
            let kept = thin(pixels.clone(), 3000);
            prop_assert!(kept.len() <= 4 * 301);
            let ends = |pixels: &[(i32, i32)]| (pixels.iter().map(|p| p.1).min(), pixels.iter().map(|p| p.1).max());
            prop_assert_eq!(ends(&kept), ends(&pixels));
        }

        #[test]
        fn dashes_cover_their_share_of_a_straight_line(length in 200_i32..5000) {
            let cut = dashes(&[(0, 0), (length / 3, 0), (length, 0)], 60.0, 40.0);
            let drawn: i32 = cut.iter().map(|dash| dash.last().unwrap().0 - dash[0].0).sum();
            prop_assert!((f64::from(drawn) - 0.6 * f64::from(length)).abs() <= 40.0);
        }
    }
}
