//! From logits to probabilities, and what a wrong probability costs.

use super::{NetworkError, check};
use ndarray::{Array2, ArrayView2, Axis};

/// Probabilities from logits: `pₙₖ = exp(zₙₖ) / Σⱼ exp(zₙⱼ)`.
///
/// The largest logit of a row is subtracted first, which changes nothing but the size of the
/// numbers: `exp` of what is left cannot overflow.
///
/// # Arguments
/// - `logits`: shape `(n_samples, n_classes)`.
///
/// # Returns
/// Probabilities, each row adding up to 1. Shape `(n_samples, n_classes)`.
///
/// # Errors
/// [`NetworkError::Empty`], [`NetworkError::NotFinite`].
///
/// # Complexity
/// One exponential an entry.
///
/// # Examples
/// ```
/// use foundations::neural_network::softmax;
/// use ndarray::array;
///
/// let p = softmax(array![[1000.0, 1000.0 + 3f64.ln()]].view())?;
/// assert!((p[[0, 1]] - 0.75).abs() < 1e-12);
/// # Ok::<(), foundations::neural_network::NetworkError>(())
/// ```
///
/// # References
/// Chapter *Convolutional networks*, section *The idea*. Agrees with PyTorch's `softmax`.
pub fn softmax(logits: ArrayView2<'_, f64>) -> Result<Array2<f64>, NetworkError> {
    check::entries("softmax", "logits", &logits)?;
    let mut p = logits.to_owned();
    for mut row in p.rows_mut() {
        let largest = row.fold(f64::NEG_INFINITY, |most, &z| most.max(z));
        row.mapv_inplace(|z| (z - largest).exp());
        let total = row.sum();
        row /= total;
    }
    Ok(p)
}

/// The cross-entropy of the labels under the softmax of the logits, averaged over the samples.
///
/// `L = −(1/n) Σₙ ln pₙ,label(n)`: the logarithm of how improbable the model held what is true.
/// It is computed as `ln Σⱼ exp(zⱼ − zₘₐₓ) + zₘₐₓ − z_label`, which is finite for every logit.
///
/// # Arguments
/// - `logits`: shape `(n_samples, n_classes)`.
/// - `labels`: the class of each sample, counted from 0, length `n_samples`.
///
/// # Returns
/// The loss in nats, at least 0. A model that knows nothing has `ln n_classes`.
///
/// # Errors
/// [`NetworkError::ShapeMismatch`], [`NetworkError::Label`], [`NetworkError::Empty`],
/// [`NetworkError::NotFinite`].
///
/// # Complexity
/// One exponential an entry.
///
/// # Examples
/// ```
/// use foundations::neural_network::cross_entropy;
/// use ndarray::Array2;
///
/// let loss = cross_entropy(Array2::zeros((3, 10)).view(), &[0, 4, 9])?;
/// assert!((loss - 10f64.ln()).abs() < 1e-12);
/// # Ok::<(), foundations::neural_network::NetworkError>(())
/// ```
///
/// # References
/// Chapter *Convolutional networks*, section *The idea*. Agrees with PyTorch's `cross_entropy` to
/// 1e-12 (`lib/deep/tests/golden.rs`).
pub fn cross_entropy(logits: ArrayView2<'_, f64>, labels: &[u8]) -> Result<f64, NetworkError> {
    classes("cross_entropy", &logits, labels)?;
    let mut total = 0.0;
    for (row, &label) in logits.rows().into_iter().zip(labels) {
        let largest = row.fold(f64::NEG_INFINITY, |most, &z| most.max(z));
        let sum: f64 = row.iter().map(|z| (z - largest).exp()).sum();
        total += sum.ln() + largest - row[usize::from(label)];
    }
    Ok(total / labels.len() as f64)
}

/// The backward pass of [`cross_entropy`]: `∂L/∂Z = (P − Y) / n_samples`, with `Y` the labels as
/// rows of zeros with a one at the class.
///
/// # Arguments
/// As [`cross_entropy`].
///
/// # Returns
/// Shape `(n_samples, n_classes)`. Each row adds up to 0.
///
/// # Errors
/// As [`cross_entropy`].
///
/// # Complexity
/// One exponential an entry.
///
/// # Examples
/// ```
/// use foundations::neural_network::cross_entropy_backward;
/// use ndarray::array;
///
/// let back = cross_entropy_backward(array![[0.0, 0.0]].view(), &[1])?;
/// assert_eq!(back, array![[0.5, -0.5]]);
/// # Ok::<(), foundations::neural_network::NetworkError>(())
/// ```
///
/// # References
/// Chapter *Convolutional networks*, section *The way back*. Agrees with central differences
/// (`tests/neural_network_properties.rs`).
pub fn cross_entropy_backward(
    logits: ArrayView2<'_, f64>,
    labels: &[u8],
) -> Result<Array2<f64>, NetworkError> {
    classes("cross_entropy_backward", &logits, labels)?;
    let mut back = softmax(logits)?;
    for (mut row, &label) in back.axis_iter_mut(Axis(0)).zip(labels) {
        row[usize::from(label)] -= 1.0;
    }
    Ok(back / labels.len() as f64)
}

/// Checks that there is a label a row, and that each names a class.
fn classes(
    op: &'static str,
    logits: &ArrayView2<'_, f64>,
    labels: &[u8],
) -> Result<(), NetworkError> {
    check::shape(op, "logits", logits, &[labels.len(), logits.ncols()])?;
    let classes = logits.ncols();
    match labels
        .iter()
        .position(|&label| usize::from(label) >= classes)
    {
        None => Ok(()),
        Some(index) => Err(NetworkError::Label {
            op,
            index,
            label: labels[index],
            classes,
        }),
    }
}
