//! Colours that follow the page's theme.

use plotters::style::RGBColor;

/// The palette of Okabe and Ito, in the order in which series take it: readers who cannot tell red
/// from green can tell these apart. Drawn with plotters, each follows the page's theme.
pub const PALETTE: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xb2), // blue
    RGBColor(0xd5, 0x5e, 0x00), // vermilion
    RGBColor(0x00, 0x9e, 0x73), // bluish green
    RGBColor(0xcc, 0x79, 0xa7), // reddish purple
    RGBColor(0xe6, 0x9f, 0x00), // orange
    RGBColor(0x56, 0xb4, 0xe9), // sky blue
    RGBColor(0x80, 0x80, 0x80), // grey
];

/// Text, axes and marks in the page's own text colour.
pub(crate) const TEXT: &str = "var(--fig-text,currentColor)";
/// Axis lines.
pub(crate) const AXIS: &str = "var(--fig-axis,color-mix(in srgb,currentColor 55%,transparent))";
/// Grid lines.
pub(crate) const GRID: &str = "var(--fig-grid,color-mix(in srgb,currentColor 14%,transparent))";
/// Font of every text in a figure.
pub(crate) const FONT: &str =
    "var(--fig-font,system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif)";
/// Cells of a heat map above zero, and below: the same in every theme, since the page shows through
/// them and text must be legible on them.
pub(crate) const HEAT: &str = "#0072b2";
pub(crate) const COLD: &str = "#d55e00";

/// Colour number `index` of the palette, from 0, round and round.
pub(crate) fn series(index: usize) -> String {
    let index = index % PALETTE.len();
    let RGBColor(r, g, b) = PALETTE[index];
    format!("var(--fig-{},#{r:02x}{g:02x}{b:02x})", index + 1)
}

/// The CSS colour for a colour that plotters draws in: black is the text's colour, white the
/// page's, and those of the palette follow the theme.
pub(crate) fn from_rgb(rgb: (u8, u8, u8)) -> String {
    match rgb {
        (0, 0, 0) => TEXT.to_owned(),
        (255, 255, 255) => "var(--fig-paper,Canvas)".to_owned(),
        (r, g, b) => match PALETTE
            .iter()
            .position(|&RGBColor(x, y, z)| (x, y, z) == rgb)
        {
            Some(index) => series(index),
            None => format!("#{r:02x}{g:02x}{b:02x}"),
        },
    }
}
