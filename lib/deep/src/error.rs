//! What can go wrong in this crate, with the values that went wrong.

use std::path::PathBuf;

use foundations::proportion::ProportionError;

/// What can go wrong with a network, its data, its training and its checkpoints.
///
/// Samples, rows and columns are counted from 0, epochs and batches from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeepError {
    /// Two inputs do not fit together, or one does not fit the network.
    #[error("{op}: {argument} has shape {got:?}, expected {expected:?}")]
    ShapeMismatch {
        /// The operation that was asked for.
        op: &'static str,
        /// The argument at fault.
        argument: &'static str,
        /// The shape that it needs.
        expected: Vec<usize>,
        /// The shape that was given.
        got: Vec<usize>,
    },
    /// A pixel is NaN, infinite, or not between 0 (paper) and 1 (ink).
    #[error("{op}: pixel {pixel} of image {image} is {value}, expected a number from 0 to 1")]
    Pixel {
        /// The operation that was asked for.
        op: &'static str,
        /// The first such image.
        image: usize,
        /// The first such pixel of it, in reading order.
        pixel: usize,
        /// What was given.
        value: f64,
    },
    /// A label is not a digit.
    #[error("{op}: label {index} is {label}, expected a digit from 0 to 9")]
    Label {
        /// The operation that was asked for.
        op: &'static str,
        /// The first such label.
        index: usize,
        /// What was given.
        label: u8,
    },
    /// There are no images.
    #[error("{op}: there are no images")]
    Empty {
        /// The operation that was asked for.
        op: &'static str,
    },
    /// An image was asked for that is not there.
    #[error("{op}: there is no image {index}, there are {len}")]
    NoSuchImage {
        /// The operation that was asked for.
        op: &'static str,
        /// The image that was asked for.
        index: usize,
        /// The number of images.
        len: usize,
    },
    /// A parameter is outside its range.
    #[error("{name} is {value}, expected {expected}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// What was given.
        value: String,
        /// What is allowed, in words.
        expected: &'static str,
    },
    /// The loss is no longer a number. The weights that led to it are not kept.
    #[error(
        "the loss is {loss} in batch {batch} of epoch {epoch}, at learning rate {learning_rate}: try a lower one"
    )]
    Diverged {
        /// The epoch.
        epoch: usize,
        /// The batch of that epoch.
        batch: usize,
        /// The loss.
        loss: f64,
        /// The learning rate of that batch.
        learning_rate: f64,
    },
    /// A share has no interval.
    #[error(transparent)]
    Proportion(#[from] ProportionError),
    /// A checkpoint cannot be read or written.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is something else.
    #[error("{}: not a checkpoint of this library: {reason}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// How that is known.
        reason: String,
    },
    /// The file was written by a newer version of this library.
    #[error("{}: a checkpoint of version {version}, but this library reads versions up to {known}: update it", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version that it states.
        version: u32,
        /// The newest version that can be read.
        known: u32,
    },
    /// The file is a checkpoint, but damaged.
    #[error("{}: a damaged checkpoint: {reason}; go back to an earlier one", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// candle refused.
    #[error("candle: {0}")]
    Candle(#[from] candle_core::Error),
}
