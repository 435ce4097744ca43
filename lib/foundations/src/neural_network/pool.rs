//! Max-pooling: the largest entry of each window.

use super::{NetworkError, check};
use ndarray::{Array4, ArrayView2, ArrayView4, s};

/// The largest entry of each window of `size × size`, the windows side by side.
///
/// `yₙ_cᵣₛ = max over 0 ≤ i, j < size of xₙ_c,size·r+i,size·s+j`
///
/// # Arguments
/// - `x`: feature maps, shape `(n_samples, channels, height, width)`.
/// - `size`: side of a window. Height and width must be multiples of it.
///
/// # Returns
/// Shape `(n_samples, channels, height / size, width / size)`.
///
/// # Errors
/// [`NetworkError::Windows`], [`NetworkError::Empty`], [`NetworkError::NotFinite`].
///
/// # Complexity
/// One comparison an entry of `x`.
///
/// # Examples
/// ```
/// use foundations::neural_network::max_pool2d;
/// use ndarray::Array4;
///
/// let x = Array4::from_shape_vec((1, 1, 2, 4), vec![1., 3., 0., 2., 2., 0., 5., 4.])?;
/// assert_eq!(max_pool2d(x.view(), 2)?.iter().copied().collect::<Vec<_>>(), [3.0, 5.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// Chapter *Convolutional networks*, section *From scratch*. Equal to PyTorch's `max_pool2d` without
/// padding, where the size divides the image.
pub fn max_pool2d(x: ArrayView4<'_, f64>, size: usize) -> Result<Array4<f64>, NetworkError> {
    let shape = pooled("max_pool2d", &x, size)?;
    Ok(Array4::from_shape_fn(shape, |(n, c, r, s)| {
        let window = window(&x, [n, c, r, s], size);
        window[largest(&window)]
    }))
}

/// The backward pass of [`max_pool2d`]: a gradient goes back to the one pixel that won, and to no other.
///
/// Where several pixels of a window are equal, the first in reading order has won. The function is
/// not differentiable there, and any choice that adds up to the whole gradient is as good.
///
/// # Arguments
/// - `x`, `size`: as given to [`max_pool2d`].
/// - `gradient`: `∂L/∂Y`, shape `(n_samples, channels, height / size, width / size)`.
///
/// # Returns
/// `∂L/∂X`, the shape of `x`. Its sum is that of `gradient`.
///
/// # Errors
/// As [`max_pool2d`], and [`NetworkError::ShapeMismatch`].
///
/// # Complexity
/// One comparison an entry of `x`.
///
/// # Examples
/// ```
/// use foundations::neural_network::max_pool2d_backward;
/// use ndarray::Array4;
///
/// let x = Array4::from_shape_vec((1, 1, 2, 2), vec![1., 3., 2., 0.])?;
/// let gradient = Array4::from_elem((1, 1, 1, 1), 7.0);
/// let back = max_pool2d_backward(x.view(), 2, gradient.view())?;
/// assert_eq!(back.iter().copied().collect::<Vec<_>>(), [0.0, 7.0, 0.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// Chapter *Convolutional networks*, section *The way back*. Equal to PyTorch's. candle-core 0.11.1
/// gives `1 / size²` of it: see the chapter, section *Checked against a reference*.
pub fn max_pool2d_backward(
    x: ArrayView4<'_, f64>,
    size: usize,
    gradient: ArrayView4<'_, f64>,
) -> Result<Array4<f64>, NetworkError> {
    let shape = pooled("max_pool2d_backward", &x, size)?;
    check::shape("max_pool2d_backward", "gradient", &gradient, &shape)?;
    let mut back = Array4::zeros(x.raw_dim());
    for ((n, c, r, s), &value) in gradient.indexed_iter() {
        let [i, j] = largest(&window(&x, [n, c, r, s], size));
        back[[n, c, size * r + i, size * s + j]] = value;
    }
    Ok(back)
}

/// The window that output `(n, c, r, s)` is made of.
fn window<'a>(
    x: &'a ArrayView4<'_, f64>,
    [n, c, r, s]: [usize; 4],
    size: usize,
) -> ArrayView2<'a, f64> {
    x.slice(s![n, c, size * r..size * (r + 1), size * s..size * (s + 1)])
}

/// Row and column of the first of the largest entries.
fn largest(window: &ArrayView2<'_, f64>) -> [usize; 2] {
    let mut best = [0, 0];
    for ((i, j), &value) in window.indexed_iter() {
        if value > window[best] {
            best = [i, j];
        }
    }
    best
}

/// Checks the input, and gives the shape of the output.
fn pooled(
    op: &'static str,
    x: &ArrayView4<'_, f64>,
    size: usize,
) -> Result<[usize; 4], NetworkError> {
    check::entries(op, "x", x)?;
    let (n_samples, channels, height, width) = x.dim();
    if size == 0 || height % size != 0 || width % size != 0 {
        let image = [height, width];
        return Err(NetworkError::Windows { op, size, image });
    }
    Ok([n_samples, channels, height / size, width / size])
}
