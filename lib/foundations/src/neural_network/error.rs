//! What can go wrong in [`neural_network`](crate::neural_network), with the values that went wrong.

/// Why a layer gave no result. Samples, channels, rows and columns are counted from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// Two inputs do not fit together.
    #[error("{op}: {argument} has shape {got:?}, expected {expected:?}")]
    ShapeMismatch {
        /// The layer, or its backward pass.
        op: &'static str,
        /// The argument at fault.
        argument: &'static str,
        /// The shape that the other arguments ask for.
        expected: Vec<usize>,
        /// The shape that was given.
        got: Vec<usize>,
    },
    /// An input has no entries.
    #[error("{op}: {argument} has shape {shape:?}, and so no entries")]
    Empty {
        /// The layer, or its backward pass.
        op: &'static str,
        /// The argument at fault.
        argument: &'static str,
        /// The shape that was given.
        shape: Vec<usize>,
    },
    /// An entry is NaN or infinite.
    #[error("{op}: {argument}{index:?} is {value}, expected a finite number")]
    NotFinite {
        /// The layer, or its backward pass.
        op: &'static str,
        /// The argument at fault.
        argument: &'static str,
        /// Place of the first such entry.
        index: Vec<usize>,
        /// The entry.
        value: f64,
    },
    /// The kernel reaches beyond the image wherever it is laid.
    #[error("{op}: a kernel of {kernel:?} does not fit into an image of {image:?}")]
    KernelTooLarge {
        /// The layer.
        op: &'static str,
        /// Height and width of the kernel.
        kernel: [usize; 2],
        /// Height and width of the image.
        image: [usize; 2],
    },
    /// The image cannot be cut into windows of that size.
    #[error("{op}: an image of {image:?} cannot be cut into windows of {size} × {size}")]
    Windows {
        /// The layer, or its backward pass.
        op: &'static str,
        /// Side of a window.
        size: usize,
        /// Height and width of the image.
        image: [usize; 2],
    },
    /// A label names no class.
    #[error("{op}: label {index} is {label}, but there are {classes} classes, counted from 0")]
    Label {
        /// The loss, or its backward pass.
        op: &'static str,
        /// Place of the first such label.
        index: usize,
        /// The label.
        label: u8,
        /// Number of classes.
        classes: usize,
    },
}
