//! Dense layers, and the non-linearity between layers.

use super::{NetworkError, check};
use ndarray::{Array, Array1, Array2, ArrayView, ArrayView1, ArrayView2, Axis, Dimension, Zip};

/// A dense layer: each output is a weighted sum of all inputs, `Y = X Wᵀ + b`.
///
/// # Arguments
/// - `x`: inputs, shape `(n_samples, n_inputs)`.
/// - `weight`: shape `(n_outputs, n_inputs)`.
/// - `bias`: shape `(n_outputs,)`.
///
/// # Returns
/// Shape `(n_samples, n_outputs)`.
///
/// # Errors
/// [`NetworkError::ShapeMismatch`], [`NetworkError::Empty`], [`NetworkError::NotFinite`].
///
/// # Complexity
/// O(`n_samples` `n_inputs` `n_outputs`).
///
/// # Examples
/// ```
/// use foundations::neural_network::dense;
/// use ndarray::array;
///
/// let y = dense(array![[1.0, 2.0]].view(), array![[3.0, -1.0]].view(), array![0.5].view())?;
/// assert_eq!(y, array![[1.5]]);
/// # Ok::<(), foundations::neural_network::NetworkError>(())
/// ```
///
/// # References
/// Agrees with PyTorch's `linear` to 1e-12 (`lib/deep/tests/golden.rs`).
pub fn dense(
    x: ArrayView2<'_, f64>,
    weight: ArrayView2<'_, f64>,
    bias: ArrayView1<'_, f64>,
) -> Result<Array2<f64>, NetworkError> {
    check::entries("dense", "x", &x)?;
    check::shape("dense", "weight", &weight, &[weight.nrows(), x.ncols()])?;
    check::shape("dense", "bias", &bias, &[weight.nrows()])?;
    Ok(x.dot(&weight.t()) + bias)
}

/// The gradients of a loss with respect to what went into [`dense`].
#[derive(Debug, Clone, PartialEq)]
pub struct DenseGradients {
    /// With respect to the inputs, shape `(n_samples, n_inputs)`.
    pub x: Array2<f64>,
    /// With respect to the weights, shape `(n_outputs, n_inputs)`.
    pub weight: Array2<f64>,
    /// With respect to the biases, shape `(n_outputs,)`.
    pub bias: Array1<f64>,
}

/// The backward pass of [`dense`]: with `G = ∂L/∂Y`, `∂L/∂X = G W`, `∂L/∂W = Gᵀ X` and `∂L/∂b = Σₙ gₙ`.
///
/// # Arguments
/// - `x`, `weight`: as given to [`dense`].
/// - `gradient`: `∂L/∂Y`, shape `(n_samples, n_outputs)`.
///
/// # Returns
/// The three gradients.
///
/// # Errors
/// As [`dense`].
///
/// # Complexity
/// Twice that of the forward pass.
///
/// # Examples
/// ```
/// use foundations::neural_network::dense_backward;
/// use ndarray::array;
///
/// let back = dense_backward(array![[1.0, 2.0]].view(), array![[3.0, -1.0]].view(), array![[2.0]].view())?;
/// assert_eq!(back.x, array![[6.0, -2.0]]);
/// assert_eq!(back.weight, array![[2.0, 4.0]]);
/// assert_eq!(back.bias, array![2.0]);
/// # Ok::<(), foundations::neural_network::NetworkError>(())
/// ```
///
/// # References
/// Agrees with central differences (`tests/neural_network_properties.rs`).
pub fn dense_backward(
    x: ArrayView2<'_, f64>,
    weight: ArrayView2<'_, f64>,
    gradient: ArrayView2<'_, f64>,
) -> Result<DenseGradients, NetworkError> {
    let op = "dense_backward";
    check::entries(op, "x", &x)?;
    check::shape(op, "weight", &weight, &[weight.nrows(), x.ncols()])?;
    check::shape(op, "gradient", &gradient, &[x.nrows(), weight.nrows()])?;
    Ok(DenseGradients {
        x: gradient.dot(&weight),
        weight: gradient.t().dot(&x),
        bias: gradient.sum_axis(Axis(0)),
    })
}

/// The rectifier, entry by entry: `max(x, 0)`.
///
/// # Arguments
/// - `x`: an array of any shape. NaN is passed on.
///
/// # Returns
/// An array of that shape.
///
/// # Complexity
/// One comparison an entry.
///
/// # Examples
/// ```
/// use foundations::neural_network::relu;
/// use ndarray::array;
///
/// assert_eq!(relu(array![-2.0, 3.0].view()), array![0.0, 3.0]);
/// ```
///
/// # References
/// Equal to PyTorch's `relu`.
pub fn relu<D: Dimension>(x: ArrayView<'_, f64, D>) -> Array<f64, D> {
    x.mapv(|value| if value < 0.0 { 0.0 } else { value })
}

/// The backward pass of [`relu`]: a gradient passes where the input was positive, and nowhere else.
///
/// # Arguments
/// - `x`: as given to [`relu`].
/// - `gradient`: `∂L/∂Y`, the same shape.
///
/// # Returns
/// `∂L/∂X`, the same shape.
///
/// # Errors
/// [`NetworkError::ShapeMismatch`], [`NetworkError::Empty`], [`NetworkError::NotFinite`].
///
/// # Complexity
/// One comparison an entry.
///
/// # Examples
/// ```
/// use foundations::neural_network::relu_backward;
/// use ndarray::array;
///
/// let back = relu_backward(array![-2.0, 3.0].view(), array![5.0, 7.0].view())?;
/// assert_eq!(back, array![0.0, 7.0]);
/// # Ok::<(), foundations::neural_network::NetworkError>(())
/// ```
///
/// # References
/// Equal to PyTorch's, the gradient at zero included.
pub fn relu_backward<D: Dimension>(
    x: ArrayView<'_, f64, D>,
    gradient: ArrayView<'_, f64, D>,
) -> Result<Array<f64, D>, NetworkError> {
    check::entries("relu_backward", "x", &x)?;
    check::shape("relu_backward", "gradient", &gradient, x.shape())?;
    let mut back = gradient.to_owned();
    Zip::from(&mut back).and(&x).for_each(|value, &x| {
        if x <= 0.0 {
            *value = 0.0;
        }
    });
    Ok(back)
}
