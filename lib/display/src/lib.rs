#![doc = include_str!("../README.md")]

mod axis;
mod backend;
#[cfg(feature = "contract")]
pub mod contract;
mod error;
mod figure;
mod html;
mod matrix;
pub mod number;
mod plot;
mod png;
mod show;
mod svg;
mod table;
mod theme;
mod value;

/// The drawing library behind the figures, for [`Figure::from_plotters`].
pub use plotters;

pub use backend::SvgCanvas;
pub use error::DisplayError;
pub use figure::{Canvas, Figure, Untold};
pub use matrix::{Heatmap, Images};
pub use plot::Plot;
pub use show::RESULTS_MIME;
pub use table::{Cell, Results, Row, Table};
pub use theme::PALETTE;
pub use value::{Tolerance, Value};
