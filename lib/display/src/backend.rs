//! A plotters backend that writes SVG in theme colours, in tenths of a unit where asked.

use std::convert::Infallible;
use std::fmt::Write;

use plotters::backend::DrawingBackend;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind, FontStyle,
    FontTransform,
};

use crate::html::escape;
use crate::svg::{short, text_width};
use crate::theme;

/// Above so many circles of one style, they are written as dots of one path: a fifth of the text.
const MANY: usize = 1500;

/// What plotters draws on: SVG whose colours follow the page's theme.
///
/// Black becomes the text's colour, white the page's, and the colours of [`PALETTE`](crate::PALETTE)
/// those of the theme; a white background is left out.
pub struct SvgCanvas<'a> {
    target: &'a mut String,
    size: (u32, u32),
    scale: f64,
    open: Option<Group>,
}

/// Shapes of one style, not yet written.
struct Group {
    attributes: String,
    shapes: Shapes,
}

enum Shapes {
    /// Data of one path.
    Path(String),
    /// Centres and radius.
    Circles(Vec<(f64, f64)>, f64, BackendColor),
    Other(String),
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl<'a> SvgCanvas<'a> {
    /// A canvas of `size`, each unit of which is `scale` units of the drawing.
    pub(crate) fn new(target: &'a mut String, size: (u32, u32), scale: f64) -> Self {
        SvgCanvas {
            target,
            size,
            scale,
            open: None,
        }
    }

    fn unit(&self, x: i32) -> f64 {
        f64::from(x) * self.scale
    }

    fn at(&self, (x, y): BackendCoord) -> (f64, f64) {
        (self.unit(x), self.unit(y))
    }

    fn fill<S: BackendStyle>(style: &S) -> String {
        let color = style.color();
        format!(
            "fill=\"{}\"{}",
            theme::from_rgb(color.rgb),
            opacity("fill-opacity", color.alpha)
        )
    }

    fn stroke<S: BackendStyle>(&self, style: &S) -> String {
        let color = style.color();
        let width = short(f64::from(style.stroke_width()) * self.scale);
        format!(
            "fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"{}",
            theme::from_rgb(color.rgb),
            opacity("stroke-opacity", color.alpha)
        )
    }

    /// The open group if it has that style, else a new one.
    fn group(&mut self, attributes: String, new: impl FnOnce() -> Shapes) -> &mut Shapes {
        if self
            .open
            .as_ref()
            .is_none_or(|group| group.attributes != attributes)
        {
            self.flush();
        }
        &mut self
            .open
            .get_or_insert_with(|| Group {
                attributes,
                shapes: new(),
            })
            .shapes
    }

    fn other(&mut self, attributes: String, shape: &str) {
        let shapes = self.group(attributes, || Shapes::Other(String::new()));
        if let Shapes::Other(text) = shapes {
            text.push_str(shape);
        }
    }

    /// Adds to a path of one style. Shapes that let others through stay paths of their own, since
    /// where they overlap they must add up.
    fn path(&mut self, attributes: String, alpha: f64, data: &str) {
        if alpha < 1.0 {
            return self.other(attributes, &format!("<path d=\"{data}\"/>"));
        }
        let attributes = format!("{attributes} ");
        if let Shapes::Path(path) = self.group(attributes, || Shapes::Path(String::new())) {
            path.push_str(data);
        }
    }

    /// Writes the open group.
    fn flush(&mut self) {
        let Some(Group { attributes, shapes }) = self.open.take() else {
            return;
        };
        let attributes = attributes.trim_end();
        let _ = match shapes {
            Shapes::Path(data) => writeln!(self.target, "<path d=\"{data}\" {attributes}/>"),
            Shapes::Other(text) => writeln!(self.target, "<g {attributes}>{text}</g>"),
            Shapes::Circles(centres, radius, color) if centres.len() > MANY => {
                let dots: String = centres
                    .iter()
                    .map(|(x, y)| format!("M{} {}h0", short(*x), short(*y)))
                    .collect();
                writeln!(
                    self.target,
                    "<path d=\"{dots}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linecap=\"round\"{}/>",
                    theme::from_rgb(color.rgb),
                    short(2.0 * radius),
                    opacity("stroke-opacity", color.alpha)
                )
            }
            Shapes::Circles(centres, radius, _) => {
                let radius = short(radius);
                let circles: String = centres
                    .iter()
                    .map(|(x, y)| {
                        format!(
                            "<circle cx=\"{}\" cy=\"{}\" r=\"{radius}\"/>",
                            short(*x),
                            short(*y)
                        )
                    })
                    .collect();
                writeln!(self.target, "<g {attributes}>{circles}</g>")
            }
        };
    }

    /// Path data through these points, in steps relative to the point before.
    fn data(&self, points: impl IntoIterator<Item = BackendCoord>) -> String {
        let mut data = String::new();
        let mut before: Option<BackendCoord> = None;
        for (x, y) in points {
            match before {
                None => {
                    let _ = write!(data, "M{} {}", short(self.unit(x)), short(self.unit(y)));
                }
                Some(at) if at == (x, y) => continue,
                Some((x0, y0)) => {
                    let (dx, dy) = (short(self.unit(x - x0)), short(self.unit(y - y0)));
                    let gap = if dy.starts_with('-') { "" } else { " " };
                    let _ = write!(data, "l{dx}{gap}{dy}");
                }
            }
            before = Some((x, y));
        }
        data
    }
}

fn opacity(name: &str, alpha: f64) -> String {
    if alpha >= 1.0 {
        String::new()
    } else {
        format!(" {name}=\"{}\"", short(alpha))
    }
}

impl Drop for SvgCanvas<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}

impl DrawingBackend for SvgCanvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        self.flush();
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        let corner = (point.0 + 1, point.1 + 1);
        self.draw_rect(point, corner, &color, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let color = style.color();
        let (width, height) = (bottom_right.0 - upper_left.0, bottom_right.1 - upper_left.1);
        let covers = upper_left == (0, 0)
            && i64::from(width) + 1 >= i64::from(self.size.0)
            && i64::from(height) + 1 >= i64::from(self.size.1);
        if color.alpha == 0.0 || (fill && covers && color.rgb == (255, 255, 255)) {
            return Ok(());
        }
        let attributes = if fill {
            Self::fill(style)
        } else {
            self.stroke(style)
        };
        let (x, y) = self.at(upper_left);
        let shape = format!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            short(x),
            short(y),
            short(self.unit(width)),
            short(self.unit(height))
        );
        self.other(attributes, &shape);
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let alpha = style.color().alpha;
        if alpha > 0.0 {
            let data = self.data(path);
            self.path(self.stroke(style), alpha, &data);
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let color = style.color();
        if color.alpha == 0.0 {
            return Ok(());
        }
        let at = self.at(center);
        let radius = f64::from(radius) * self.scale;
        if fill {
            // The radius is part of the style, so that circles of different sizes are kept apart.
            let attributes = format!("{} data-r=\"{}\"", Self::fill(style), short(radius));
            if let Shapes::Circles(centres, ..) =
                self.group(attributes, || Shapes::Circles(Vec::new(), radius, color))
            {
                centres.push(at);
            }
        } else {
            let shape = format!(
                "<circle cx=\"{}\" cy=\"{}\" r=\"{}\"/>",
                short(at.0),
                short(at.1),
                short(radius)
            );
            self.other(self.stroke(style), &shape);
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        vert: I,
        style: &S,
    ) -> Drawn {
        let alpha = style.color().alpha;
        if alpha > 0.0 {
            let data = self.data(vert) + "z";
            self.path(Self::fill(style), alpha, &data);
        }
        Ok(())
    }

    fn draw_text<TStyle: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &TStyle,
        pos: BackendCoord,
    ) -> Drawn {
        let color = style.color();
        if color.alpha == 0.0 {
            return Ok(());
        }
        let size = style.size() * self.scale;
        let (x, y) = self.at(pos);
        let anchor = match style.anchor().h_pos {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        // From the anchor down to the baseline.
        let down = match style.anchor().v_pos {
            VPos::Top => 0.82,
            VPos::Center => 0.34,
            VPos::Bottom => -0.2,
        } * size;
        let turn = match style.transform() {
            FontTransform::None => None,
            FontTransform::Rotate90 => Some(90),
            FontTransform::Rotate180 => Some(180),
            FontTransform::Rotate270 => Some(270),
        };
        let turn = turn.map_or(String::new(), |by| {
            format!(" transform=\"rotate({by} {} {})\"", short(x), short(y))
        });
        let face = match style.style() {
            FontStyle::Normal => "",
            FontStyle::Bold => " font-weight=\"600\"",
            FontStyle::Italic | FontStyle::Oblique => " font-style=\"italic\"",
        };
        let shape = format!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\" font-size=\"{}\"{face}{turn}>{}</text>",
            short(x),
            short(y + down),
            short(size),
            escape(text)
        );
        self.other(Self::fill(&color), &shape);
        Ok(())
    }

    fn estimate_text_size<TStyle: BackendTextStyle>(
        &self,
        text: &str,
        style: &TStyle,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let size = style.size();
        Ok((text_width(text, size).ceil() as u32, size.ceil() as u32))
    }
}
