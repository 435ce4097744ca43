use std::fmt;

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};

use crate::backend::SvgCanvas;
use crate::error::DisplayError;
use crate::html::escape;
use crate::svg::Svg;
use crate::value::{NamedResults, names_results};

/// Width below which a figure shows its narrow drawing.
const NARROW_BELOW: u32 = 500;

/// The rules that choose between the wide and the narrow drawing by the room there is.
const CHOICE: &str = "<style>.course-figure{container-type:inline-size}\
    @container (max-width:499px){.course-figure .fig-wide{display:none!important}\
    .course-figure .fig-narrow{display:block!important}}</style>";

/// What plotters draws on, in [`Figure::from_plotters`].
pub type Canvas<'a> = DrawingArea<SvgCanvas<'a>, Shift>;

/// A finished figure: an SVG drawing with its text alternative, caption and named results.
///
/// [`Plot`](crate::Plot), [`Images`](crate::Images) and [`Heatmap`](crate::Heatmap) draw the common
/// ones; [`from_plotters`](Figure::from_plotters) takes anything that plotters can draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    title: String,
    alt: String,
    caption: Option<String>,
    content: Content,
    pub(crate) results: NamedResults,
}

#[derive(Debug, Clone, PartialEq)]
enum Content {
    /// SVG for a wide place, and for a narrow one.
    Drawing {
        wide: String,
        narrow: Option<String>,
    },
    Panels(Vec<Figure>),
}

names_results!(Figure);

/// One drawing at one size, without its `<svg>` element.
pub(crate) struct Drawing {
    pub(crate) svg: Svg,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// A drawing by plotters that still needs its text alternative: [`alt`](Untold::alt) makes it a [`Figure`].
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Untold {
    title: String,
    size: (u32, u32),
    body: String,
}

impl Untold {
    /// Says in words what the picture shows, for those who cannot see it.
    pub fn alt(self, alt: impl Into<String>) -> Figure {
        let alt = alt.into();
        let (width, height) = (f64::from(self.size.0), f64::from(self.size.1));
        let drawing = Drawing {
            svg: Svg { body: self.body },
            width,
            height,
        };
        Figure::new(self.title, alt, None, drawing, None)
    }
}

impl Figure {
    pub(crate) fn new(
        title: String,
        alt: String,
        caption: Option<String>,
        wide: Drawing,
        narrow: Option<Drawing>,
    ) -> Figure {
        let hidden = "display:none";
        let element = |drawing: Drawing, class: &str, style: &str| {
            drawing
                .svg
                .finish(drawing.width, drawing.height, class, &alt, style)
        };
        let class = if narrow.is_some() {
            "fig-wide"
        } else {
            "fig-only"
        };
        let content = Content::Drawing {
            wide: element(wide, class, "display:block"),
            narrow: narrow.map(|drawing| element(drawing, "fig-narrow", hidden)),
        };
        Figure {
            title,
            alt,
            caption,
            content,
            results: NamedResults::default(),
        }
    }

    /// Draws with plotters on a canvas of `size`, in the theme's colours: black is drawn in the
    /// text's colour, [`PALETTE`](crate::PALETTE) in that of the theme, and a white background is
    /// left out.
    ///
    /// There is one drawing for every width, so that text stays legible on a phone only where the
    /// canvas is narrow: up to 420 wide with text of 12 or more.
    ///
    /// # Errors
    /// [`DisplayError::Drawing`] with the error of `draw`; [`DisplayError::TooSmall`] below 50 × 50.
    ///
    /// # Examples
    /// ```
    /// use display::plotters::prelude::*;
    /// let figure = display::Figure::from_plotters("A parabola", (400, 300), |root| {
    ///     let mut chart = ChartBuilder::on(root)
    ///         .set_all_label_area_size(30)
    ///         .build_cartesian_2d(-1.0..1.0, 0.0..1.0)?;
    ///     chart.configure_mesh().draw()?;
    ///     let points = (0..=20).map(|i| f64::from(i) / 10.0 - 1.0);
    ///     chart.draw_series(LineSeries::new(points.map(|x| (x, x * x)), &display::PALETTE[0]))?;
    ///     Ok(())
    /// })?
    /// .alt("A parabola through the origin, 1 at both ends");
    /// assert!(figure.to_html().contains("var(--fig-1,#0072b2)"));
    /// # Ok::<(), display::DisplayError>(())
    /// ```
    pub fn from_plotters<F>(
        title: impl Into<String>,
        size: (u32, u32),
        draw: F,
    ) -> Result<Untold, DisplayError>
    where
        F: FnOnce(&Canvas<'_>) -> Result<(), Box<dyn std::error::Error>>,
    {
        let title = title.into();
        if size.0 < 50 || size.1 < 50 {
            let least = "50 × 50".to_owned();
            return Err(DisplayError::TooSmall {
                title,
                width: size.0,
                height: size.1,
                least,
            });
        }
        let mut body = String::new();
        let drawn = {
            let root = SvgCanvas::new(&mut body, size, 1.0).into_drawing_area();
            draw(&root)
        };
        match drawn {
            Ok(()) => Ok(Untold { title, size, body }),
            Err(error) => Err(DisplayError::Drawing {
                title,
                reason: error.to_string(),
            }),
        }
    }

    /// Figures side by side, one below the other where there is no room.
    ///
    /// # Examples
    /// ```
    /// use display::{Figure, Plot};
    /// let plot = |title: &str| {
    ///     Plot::new(title).x_label("x").y_label("y").line("f", [0.0, 1.0], [0.0, 1.0]).alt("A line").draw()
    /// };
    /// let pair = Figure::beside(vec![plot("Before")?, plot("After")?]).caption("Before and after");
    /// assert_eq!(pair.to_html().matches("<figure").count(), 3);
    /// # Ok::<(), display::DisplayError>(())
    /// ```
    ///
    /// # Panics
    /// If two of the figures name the same result.
    pub fn beside(mut figures: Vec<Figure>) -> Figure {
        let mut results = NamedResults::default();
        for figure in &mut figures {
            for named in std::mem::take(&mut figure.results).0 {
                results.add(named.name, named.value, named.tolerance);
            }
        }
        let join =
            |text: fn(&Figure) -> &str| figures.iter().map(text).collect::<Vec<_>>().join("; ");
        Figure {
            title: join(|figure| &figure.title),
            alt: join(|figure| &figure.title),
            caption: None,
            content: Content::Panels(figures),
            results,
        }
    }

    /// What to see in the figure, below it.
    #[must_use]
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = Some(caption.into());
        self
    }

    /// Replaces the text alternative.
    #[must_use]
    pub fn alt(mut self, alt: impl Into<String>) -> Self {
        let alt = alt.into();
        if let Content::Drawing { wide, narrow } = &mut self.content {
            let (old, new) = (escape(&self.alt), escape(&alt));
            let (old, new) = (
                format!("aria-label=\"{old}\""),
                format!("aria-label=\"{new}\""),
            );
            *wide = wide.replacen(&old, &new, 1);
            if let Some(narrow) = narrow {
                *narrow = narrow.replacen(&old, &new, 1);
            }
        }
        self.alt = alt;
        self
    }

    /// The figure's text alternative.
    pub fn alt_text(&self) -> &str {
        &self.alt
    }

    /// The figure as HTML: a `<figure>` with inline SVG.
    pub fn to_html(&self) -> String {
        self.html("1em 0")
    }

    fn html(&self, margin: &str) -> String {
        let caption = match &self.caption {
            Some(caption) => format!("<figcaption>{}</figcaption>\n", escape(caption)),
            None => String::new(),
        };
        match &self.content {
            Content::Drawing { wide, narrow: None } => {
                format!(
                    "<figure class=\"course-figure\" style=\"margin:{margin}\">\n{wide}\n{caption}</figure>"
                )
            }
            Content::Drawing {
                wide,
                narrow: Some(narrow),
            } => {
                format!(
                    "<figure class=\"course-figure\" style=\"margin:{margin}\">{CHOICE}\n{wide}\n{narrow}\n{caption}</figure>"
                )
            }
            Content::Panels(figures) => {
                let panels: String = figures
                    .iter()
                    .map(|figure| {
                        format!(
                            "<div style=\"flex:1 1 280px;min-width:0\">{}</div>\n",
                            figure.html("0")
                        )
                    })
                    .collect();
                format!(
                    "<figure class=\"course-panels\" role=\"group\" aria-label=\"{}\" style=\"margin:{margin}\">\n\
                     <div style=\"display:flex;flex-wrap:wrap;gap:1em 1.5rem\">\n{panels}</div>\n{caption}</figure>",
                    escape(&self.alt)
                )
            }
        }
    }
}

impl fmt::Display for Figure {
    /// Title, text alternative and caption.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Content::Drawing { .. } => write!(f, "[Figure: {}]\n{}", self.title, self.alt)?,
            Content::Panels(figures) => {
                for (i, figure) in figures.iter().enumerate() {
                    if i > 0 {
                        writeln!(f)?;
                    }
                    write!(f, "{figure}")?;
                }
            }
        }
        match &self.caption {
            Some(caption) => write!(f, "\n{caption}"),
            None => Ok(()),
        }
    }
}

/// Whether a figure of that width needs a narrow drawing too.
pub(crate) fn needs_narrow(width: u32) -> bool {
    width > 420.min(NARROW_BELOW)
}

/// Title and text alternative, checked.
pub(crate) fn require(
    title: &str,
    what: &'static str,
    text: Option<&String>,
    how: &'static str,
) -> Result<String, DisplayError> {
    match text {
        Some(text) if !text.trim().is_empty() => Ok(text.clone()),
        _ => Err(DisplayError::MissingText {
            title: title.to_owned(),
            what,
            how,
        }),
    }
}
