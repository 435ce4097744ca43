use ndarray::ArrayView2;

use crate::error::DisplayError;
use crate::figure::{Drawing, Figure, require};
use crate::number;
use crate::png;
use crate::svg::{Anchor, Svg, TEXT_SIZE, text_width, wrap};
use crate::theme::{self, PALETTE};

/// Width of the wide and of the narrow drawing.
const WIDE: f64 = 640.0;
const NARROW: f64 = 360.0;

/// An owned matrix, row by row.
#[derive(Debug, Clone, PartialEq)]
struct Matrix {
    label: String,
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

impl Matrix {
    fn new(label: String, view: ArrayView2<'_, f64>) -> Self {
        Matrix {
            label,
            rows: view.nrows(),
            columns: view.ncols(),
            values: view.iter().copied().collect(),
        }
    }

    fn check(&self, name: &str) -> Result<(), DisplayError> {
        if self.values.is_empty() {
            return Err(DisplayError::EmptySeries {
                name: name.to_owned(),
            });
        }
        match self.values.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(i) => Err(DisplayError::NotFinite {
                name: name.to_owned(),
                what: "matrix",
                index: format!("{}, {}", i / self.columns, i % self.columns),
                value: self.values[i],
            }),
        }
    }
}

/// Grey-scale images in a row, each with its label below.
///
/// Values run from 0 (black) to 1 (white), or over [`range`](Images::range); what lies beyond is
/// drawn as the nearer end.
///
/// # Examples
/// ```
/// use display::Images;
/// use ndarray::Array2;
/// let ramp = Array2::from_shape_fn((28, 28), |(_, j)| j as f64 / 27.0);
/// let figure = Images::new("A ramp and its mirror image")
///     .image("ramp", &ramp)
///     .image("mirrored", ramp.slice(ndarray::s![.., ..;-1]))
///     .alt("Two squares, one from black to white, the other from white to black")
///     .draw()?;
/// assert_eq!(figure.to_html().matches("<image").count(), 4);   // two each, for wide and narrow places
/// # Ok::<(), display::DisplayError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Images {
    title: String,
    images: Vec<Matrix>,
    columns: Option<usize>,
    range: (f64, f64),
    alt: Option<String>,
    caption: Option<String>,
}

impl Images {
    /// A figure without images yet.
    pub fn new(title: impl Into<String>) -> Self {
        Images {
            title: title.into(),
            images: Vec::new(),
            columns: None,
            range: (0.0, 1.0),
            alt: None,
            caption: None,
        }
    }

    /// Adds an image of shape (rows, columns).
    #[must_use]
    pub fn image<'a>(
        mut self,
        label: impl Into<String>,
        matrix: impl Into<ArrayView2<'a, f64>>,
    ) -> Self {
        self.images.push(Matrix::new(label.into(), matrix.into()));
        self
    }

    /// Number of images in a row of the wide drawing; otherwise all stand in one row, up to eight.
    #[must_use]
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = Some(columns.max(1));
        self
    }

    /// The values drawn as black and as white.
    #[must_use]
    pub fn range(mut self, black: f64, white: f64) -> Self {
        self.range = (black, white);
        self
    }

    /// Says in words what the pictures show, for those who cannot see them.
    #[must_use]
    pub fn alt(mut self, alt: impl Into<String>) -> Self {
        self.alt = Some(alt.into());
        self
    }

    /// What to see in the images, below them.
    #[must_use]
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = Some(caption.into());
        self
    }

    /// Draws the images.
    ///
    /// # Errors
    /// [`DisplayError`] if there is no image, one is empty or not finite (with the place), the range
    /// is empty, or the title or text alternative is missing.
    pub fn draw(self) -> Result<Figure, DisplayError> {
        let title = require("", "title", Some(&self.title), "one to Images::new")?;
        let alt = require(
            &title,
            "text alternative",
            self.alt.as_ref(),
            ".alt(\"what the images show\")",
        )?;
        if self.images.is_empty() {
            return Err(DisplayError::Empty { title });
        }
        for image in &self.images {
            image.check(&image.label)?;
        }
        let (black, white) = self.range;
        if !(black.is_finite() && white.is_finite() && black != white) {
            return Err(DisplayError::EmptyRange {
                what: "range".to_owned(),
                low: black,
                high: white,
            });
        }
        let columns = self
            .columns
            .unwrap_or(self.images.len().min(8))
            .min(self.images.len());
        let wide = self.layout(columns, WIDE);
        let few = columns.min(if columns <= 3 { columns } else { 3 });
        let narrow = self.layout(few, NARROW);
        Ok(Figure::new(title, alt, self.caption, wide, Some(narrow)))
    }

    fn layout(&self, columns: usize, width: f64) -> Drawing {
        let gap = 14.0;
        let side = ((width - gap * (columns as f64 - 1.0)) / columns as f64).min(170.0);
        let mut svg = Svg::default();
        let mut top = svg.title(&self.title, width) + 4.0;
        for row in self.images.chunks(columns) {
            let tallest = row
                .iter()
                .map(|image| side * image.rows as f64 / image.columns as f64)
                .fold(0.0, f64::max);
            let mut lines = 0;
            for (j, image) in row.iter().enumerate() {
                let left = j as f64 * (side + gap);
                let height = side * image.rows as f64 / image.columns as f64;
                let (black, white) = self.range;
                let pixels: Vec<u8> = image
                    .values
                    .iter()
                    .map(|value| {
                        (255.0 * (value - black) / (white - black))
                            .round()
                            .clamp(0.0, 255.0) as u8
                    })
                    .collect();
                let data = png::grey(image.columns, image.rows, &pixels);
                picture(&mut svg, (left, top), (side, height), &data);
                svg.rect(
                    (left, top),
                    (side, height),
                    &format!("fill=\"none\" stroke=\"{}\"", theme::AXIS),
                );
                let label = wrap(&image.label, side + gap - 4.0, TEXT_SIZE);
                lines = lines.max(label.len());
                for (k, line) in label.iter().enumerate() {
                    svg.text(
                        left + side / 2.0,
                        top + height + 16.0 + 16.0 * k as f64,
                        Anchor::Middle,
                        line,
                    );
                }
            }
            top += tallest + 16.0 * lines as f64 + 16.0;
        }
        Drawing {
            svg,
            width,
            height: top - 6.0,
        }
    }
}

fn picture(svg: &mut Svg, at: (f64, f64), size: (f64, f64), data: &str) {
    use crate::svg::short;
    svg.body += &format!(
        "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
         style=\"image-rendering:pixelated\" href=\"{data}\"/>\n",
        short(at.0),
        short(at.1),
        short(size.0),
        short(size.1)
    );
}

/// A matrix as coloured cells: zero is the page, larger magnitudes deeper in colour, blue above zero
/// and vermilion below.
///
/// # Examples
/// ```
/// use display::Heatmap;
/// let confusion = ndarray::arr2(&[[48.0, 2.0], [5.0, 45.0]]);
/// let figure = Heatmap::new("Confusion matrix")
///     .matrix(&confusion)
///     .row_labels(["cat", "dog"])
///     .column_labels(["cat", "dog"])
///     .x_label("predicted")
///     .y_label("actual")
///     .values(0)
///     .alt("48 cats and 45 dogs are right, 7 wrong")
///     .draw()?;
/// assert!(figure.to_html().contains(">48<"));
/// # Ok::<(), display::DisplayError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Heatmap {
    title: String,
    matrix: Option<Matrix>,
    row_labels: Vec<String>,
    column_labels: Vec<String>,
    x_label: Option<String>,
    y_label: Option<String>,
    decimals: Option<usize>,
    range: Option<(f64, f64)>,
    alt: Option<String>,
    caption: Option<String>,
}

impl Heatmap {
    /// A heat map without a matrix yet.
    pub fn new(title: impl Into<String>) -> Self {
        Heatmap {
            title: title.into(),
            matrix: None,
            row_labels: Vec::new(),
            column_labels: Vec::new(),
            x_label: None,
            y_label: None,
            decimals: None,
            range: None,
            alt: None,
            caption: None,
        }
    }

    /// The matrix to show, of shape (rows, columns).
    #[must_use]
    pub fn matrix<'a>(mut self, matrix: impl Into<ArrayView2<'a, f64>>) -> Self {
        self.matrix = Some(Matrix::new(String::new(), matrix.into()));
        self
    }

    /// A name a row.
    #[must_use]
    pub fn row_labels<S: Into<String>>(mut self, labels: impl IntoIterator<Item = S>) -> Self {
        self.row_labels = labels.into_iter().map(Into::into).collect();
        self
    }

    /// A name a column.
    #[must_use]
    pub fn column_labels<S: Into<String>>(mut self, labels: impl IntoIterator<Item = S>) -> Self {
        self.column_labels = labels.into_iter().map(Into::into).collect();
        self
    }

    /// What the columns are.
    #[must_use]
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.x_label = Some(label.into());
        self
    }

    /// What the rows are.
    #[must_use]
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.y_label = Some(label.into());
        self
    }

    /// Writes each value in its cell, with so many decimals, where there is room for it.
    #[must_use]
    pub fn values(mut self, decimals: usize) -> Self {
        self.decimals = Some(decimals);
        self
    }

    /// The values at the two ends of the scale, in place of the smallest and largest.
    #[must_use]
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    /// Says in words what the picture shows, for those who cannot see it.
    #[must_use]
    pub fn alt(mut self, alt: impl Into<String>) -> Self {
        self.alt = Some(alt.into());
        self
    }

    /// What to see in the heat map, below it.
    #[must_use]
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = Some(caption.into());
        self
    }

    /// Draws the heat map.
    ///
    /// # Errors
    /// [`DisplayError`] if there is no matrix, it is empty or not finite (with the place), the
    /// labels are not one a row or column, the range is empty, or the title or text alternative is
    /// missing.
    pub fn draw(self) -> Result<Figure, DisplayError> {
        let title = require("", "title", Some(&self.title), "one to Heatmap::new")?;
        let alt = require(
            &title,
            "text alternative",
            self.alt.as_ref(),
            ".alt(\"what the matrix shows\")",
        )?;
        let Some(matrix) = &self.matrix else {
            return Err(DisplayError::Empty { title });
        };
        matrix.check(&title)?;
        for (what, labels, expected) in [
            ("row_labels", &self.row_labels, matrix.rows),
            ("column_labels", &self.column_labels, matrix.columns),
        ] {
            if !labels.is_empty() && labels.len() != expected {
                return Err(DisplayError::LengthMismatch {
                    name: title,
                    what,
                    expected,
                    found: labels.len(),
                });
            }
        }
        let scale = Scale::over(&matrix.values, self.range)?;
        let wide = self.layout(matrix, &scale, WIDE);
        let narrow = self.layout(matrix, &scale, NARROW);
        Ok(Figure::new(
            title,
            alt,
            self.caption.clone(),
            wide,
            Some(narrow),
        ))
    }

    fn layout(&self, matrix: &Matrix, scale: &Scale, width: f64) -> Drawing {
        let mut svg = Svg::default();
        let mut top = svg.title(&self.title, width) + 2.0;
        let text = |label: &String| text_width(label, TEXT_SIZE);
        let left = self.row_labels.iter().map(text).fold(0.0, f64::max)
            + if self.row_labels.is_empty() { 0.0 } else { 8.0 };
        let left = left.min(0.4 * width);
        let ends = scale.ends();
        let bar = 34.0
            + ends
                .iter()
                .map(|(_, label)| text_width(label, TEXT_SIZE))
                .fold(0.0, f64::max);
        // Cells are square unless there are too many columns or rows for it.
        let cell_width = ((width - left - bar) / matrix.columns as f64).min(64.0);
        let tallest: f64 = 420.0;
        let cell_height = cell_width.min(tallest / matrix.rows as f64);
        let cell_width = if matrix.columns > 3 * matrix.rows {
            cell_width
        } else {
            cell_width.min(cell_height * 2.0)
        };
        let (area_width, area_height) = (
            cell_width * matrix.columns as f64,
            cell_height * matrix.rows as f64,
        );
        if let Some(label) = &self.y_label {
            for line in wrap(label, width, TEXT_SIZE) {
                svg.text(0.0, top + 13.0, Anchor::Start, &line);
                top += 17.0;
            }
            top += 4.0;
        }
        // Column labels stand above the columns, upright where they are too wide.
        if !self.column_labels.is_empty() {
            let widest = self.column_labels.iter().map(text).fold(0.0, f64::max);
            let turned = widest + 4.0 > cell_width;
            let height = if turned { widest + 8.0 } else { 18.0 };
            let every = ((15.0 / cell_width).ceil() as usize).max(1);
            for (j, label) in
                self.column_labels
                    .iter()
                    .enumerate()
                    .step_by(if turned { every } else { 1 })
            {
                let x = left + (j as f64 + 0.5) * cell_width;
                let y = top + height - 5.0;
                if turned {
                    let (x, y) = (x + 4.3, y);
                    let turn = format!(
                        " transform=\"rotate(-90 {} {})\"",
                        crate::svg::short(x),
                        crate::svg::short(y)
                    );
                    svg.styled_text(x, y, Anchor::Start, label, &turn);
                } else {
                    svg.text(x, y, Anchor::Middle, label);
                }
            }
            top += height;
        }
        let every = ((15.0 / cell_height).ceil() as usize).max(1);
        for (i, label) in self.row_labels.iter().enumerate().step_by(every) {
            svg.text(
                left - 8.0,
                top + (i as f64 + 0.5) * cell_height + 4.3,
                Anchor::End,
                label,
            );
        }
        if matrix.values.len() <= 600 {
            for (k, &value) in matrix.values.iter().enumerate() {
                let (i, j) = ((k / matrix.columns) as f64, (k % matrix.columns) as f64);
                let at = (left + j * cell_width, top + i * cell_height);
                svg.rect(
                    at,
                    (cell_width - 1.0, cell_height - 1.0),
                    &scale.fill(value),
                );
            }
        } else {
            let pixels: Vec<u8> = matrix
                .values
                .iter()
                .map(|&value| scale.index(value))
                .collect();
            let data = png::indexed(matrix.columns, matrix.rows, &pixels, &Scale::palette());
            picture(&mut svg, (left, top), (area_width, area_height), &data);
            let frame = format!("fill=\"none\" stroke=\"{}\"", theme::AXIS);
            svg.rect((left, top), (area_width, area_height), &frame);
        }
        if let Some(decimals) = self.decimals {
            let texts: Vec<String> = matrix
                .values
                .iter()
                .map(|&value| number::fixed(value, decimals))
                .collect();
            let widest = texts.iter().map(text).fold(0.0, f64::max);
            if widest + 2.0 <= cell_width && cell_height >= 15.0 {
                for (k, label) in texts.iter().enumerate() {
                    let (i, j) = (
                        (k / matrix.columns) as f64 + 0.5,
                        (k % matrix.columns) as f64 + 0.5,
                    );
                    svg.text(
                        left + j * cell_width,
                        top + i * cell_height + 4.3,
                        Anchor::Middle,
                        label,
                    );
                }
            }
        }
        // The scale at the right.
        let (bar_left, bar_height) = (left + area_width + 16.0, area_height.clamp(60.0, 180.0));
        let slices = 24;
        let slice = bar_height / f64::from(slices);
        for k in 0..slices {
            let value =
                scale.high + (scale.low - scale.high) * (f64::from(k) + 0.5) / f64::from(slices);
            svg.rect(
                (bar_left, top + f64::from(k) * slice),
                (12.0, slice + 0.2),
                &scale.fill(value),
            );
        }
        svg.rect(
            (bar_left, top),
            (12.0, bar_height),
            &format!("fill=\"none\" stroke=\"{}\"", theme::AXIS),
        );
        for (value, label) in ends {
            let y = top + (scale.high - value) / (scale.high - scale.low) * bar_height;
            let down = if value == scale.high {
                9.0
            } else if value == scale.low {
                0.0
            } else {
                4.3
            };
            svg.text(bar_left + 17.0, y + down, Anchor::Start, &label);
        }
        let mut bottom = top + area_height.max(bar_height);
        if let Some(label) = &self.x_label {
            bottom = bottom.max(top + area_height);
            for line in wrap(label, width, TEXT_SIZE) {
                let half = text_width(&line, TEXT_SIZE) / 2.0;
                let middle = (left + area_width / 2.0).max(half);
                svg.text(middle, top + area_height + 17.0, Anchor::Middle, &line);
                bottom = bottom.max(top + area_height + 17.0);
            }
        }
        Drawing {
            svg,
            width,
            height: bottom + 8.0,
        }
    }
}

/// From a value to its colour.
struct Scale {
    low: f64,
    high: f64,
}

/// The deepest colour lets this much of the page through, so that text on it stays legible.
const DEEPEST: f64 = 0.75;

impl Scale {
    fn over(values: &[f64], range: Option<(f64, f64)>) -> Result<Scale, DisplayError> {
        if let Some((low, high)) = range {
            if !(low < high && (high - low).is_finite()) {
                return Err(DisplayError::EmptyRange {
                    what: "range".to_owned(),
                    low,
                    high,
                });
            }
            return Ok(Scale { low, high });
        }
        let (low, high) = values.iter().fold((0.0_f64, 0.0_f64), |(low, high), &x| {
            (low.min(x), high.max(x))
        });
        let most = low.abs().max(high.abs());
        let most = if most == 0.0 { 1.0 } else { most };
        Ok(Scale {
            low: if low < 0.0 { -most } else { 0.0 },
            high: most,
        })
    }

    /// From -1 (deepest below zero) to 1 (deepest above).
    fn depth(&self, value: f64) -> f64 {
        if self.low < 0.0 && self.high > 0.0 {
            (value / self.low.abs().max(self.high)).clamp(-1.0, 1.0)
        } else if self.high <= 0.0 {
            -((self.high - value) / (self.high - self.low)).clamp(0.0, 1.0)
        } else {
            ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
        }
    }

    fn fill(&self, value: f64) -> String {
        let depth = self.depth(value);
        let colour = if depth < 0.0 {
            theme::COLD
        } else {
            theme::HEAT
        };
        format!(
            "fill=\"{colour}\" fill-opacity=\"{}\"",
            crate::svg::short(depth.abs() * DEEPEST)
        )
    }

    /// Index into the [`palette`](Scale::palette).
    fn index(&self, value: f64) -> u8 {
        (self.depth(value) * 127.0).round() as i8 as u8
    }

    /// Colours for -127 to 127 as two's complement.
    fn palette() -> Vec<[u8; 4]> {
        (0..=255_u8)
            .map(|index| {
                let depth = f64::from(index as i8) / 127.0;
                let colour = if depth < 0.0 { PALETTE[1] } else { PALETTE[0] };
                let opacity = (255.0 * DEEPEST * depth.abs().min(1.0)).round() as u8;
                [colour.0, colour.1, colour.2, opacity]
            })
            .collect()
    }

    /// Values named beside the scale.
    fn ends(&self) -> Vec<(f64, String)> {
        let mut values = vec![self.high, self.low];
        if self.low < 0.0 && self.high > 0.0 {
            values.push(0.0);
        }
        values
            .into_iter()
            .map(|value| (value, number::trimmed(value, 3)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_with_both_signs_has_zero_in_the_middle() {
        let scale = Scale::over(&[-4.0, 1.0, 2.0], None).unwrap();
        assert_eq!((scale.low, scale.high), (-4.0, 4.0));
        assert_eq!(
            [-4.0, -1.0, 0.0, 2.0, 9.0].map(|x| scale.depth(x)),
            [-1.0, -0.25, 0.0, 0.5, 1.0]
        );
        assert_eq!(scale.fill(-4.0), "fill=\"#d55e00\" fill-opacity=\"0.75\"");
        assert_eq!(scale.fill(2.0), "fill=\"#0072b2\" fill-opacity=\"0.38\"");
    }

    #[test]
    fn a_scale_of_one_sign_begins_at_zero_or_at_the_range() {
        let scale = Scale::over(&[1.0, 2.0], None).unwrap();
        assert_eq!([0.0, 1.0, 2.0].map(|x| scale.depth(x)), [0.0, 0.5, 1.0]);
        let scale = Scale::over(&[1.0, 2.0], Some((1.0, 3.0))).unwrap();
        assert_eq!(
            [0.0, 1.0, 2.0, 3.0].map(|x| scale.depth(x)),
            [0.0, 0.0, 0.5, 1.0]
        );
        let scale = Scale::over(&[-1.0], Some((-3.0, -1.0))).unwrap();
        assert_eq!(
            [-3.0, -2.0, -1.0].map(|x| scale.depth(x)),
            [-1.0, -0.5, 0.0]
        );
        let zeros = Scale::over(&[0.0, 0.0], None).unwrap();
        assert_eq!(zeros.depth(0.0), 0.0);
    }

    #[test]
    fn a_picture_has_the_colours_of_cells() {
        let scale = Scale::over(&[-1.0, 1.0], None).unwrap();
        let palette = Scale::palette();
        let entry = |value: f64| palette[usize::from(scale.index(value))];
        let deepest = (255.0 * DEEPEST).round() as u8;
        assert_eq!(entry(1.0), [0x00, 0x72, 0xb2, deepest]);
        assert_eq!(entry(-1.0), [0xd5, 0x5e, 0x00, deepest]);
        assert_eq!(entry(0.0)[3], 0);
        assert!(entry(0.5)[3].abs_diff(deepest / 2) <= 1);
    }
}
