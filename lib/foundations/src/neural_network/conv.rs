//! The convolution of images with a bank of kernels.

use super::{NetworkError, check};
use ndarray::{Array1, Array4, ArrayView1, ArrayView4, s};

/// Convolves images with kernels, at every place where a kernel fits.
///
/// `yₙₒᵣₛ = bₒ + Σ_c Σᵢ Σⱼ wₒ_cᵢⱼ xₙ_c,ᵣ₊ᵢ,ₛ₊ⱼ`
///
/// The kernel is not turned round, which makes this a cross-correlation to a mathematician and a
/// convolution to everybody who trains networks. The code adds up whole images: output channel `o`
/// is the sum of the input channels, each shifted by `(i, j)` and weighted by one entry of the
/// kernel.
///
/// # Arguments
/// - `x`: images, shape `(n_samples, channels_in, height, width)`.
/// - `weight`: kernels, shape `(channels_out, channels_in, kernel_height, kernel_width)`.
/// - `bias`: one number an output channel, shape `(channels_out,)`.
///
/// # Returns
/// Feature maps, shape `(n_samples, channels_out, height − kernel_height + 1, width − kernel_width + 1)`.
///
/// # Errors
/// [`NetworkError::ShapeMismatch`], [`NetworkError::KernelTooLarge`], [`NetworkError::Empty`],
/// [`NetworkError::NotFinite`].
///
/// # Complexity
/// One multiplication for each entry of the output and each entry of a kernel.
///
/// # Examples
/// ```
/// use foundations::neural_network::conv2d;
/// use ndarray::{array, Array4};
///
/// // an edge, and a kernel that looks for one
/// let x = Array4::from_shape_fn((1, 1, 1, 4), |(_, _, _, s)| if s < 2 { 0.0 } else { 1.0 });
/// let weight = Array4::from_shape_vec((1, 1, 1, 2), vec![-1.0, 1.0])?;
/// let y = conv2d(x.view(), weight.view(), array![0.0].view())?;
/// assert_eq!(y.iter().copied().collect::<Vec<_>>(), [0.0, 1.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// LeCun, Bottou, Bengio and Haffner, *Proceedings of the IEEE* 86 (1998), 2278–2324, section II.
/// Chapter *Convolutional networks*, section *From scratch*. Agrees with PyTorch's `conv2d`
/// to 1e-12, and with candle's to 2e-6 in single precision (`lib/deep/tests/golden.rs`).
pub fn conv2d(
    x: ArrayView4<'_, f64>,
    weight: ArrayView4<'_, f64>,
    bias: ArrayView1<'_, f64>,
) -> Result<Array4<f64>, NetworkError> {
    let [height, width] = output_size("conv2d", &x, &weight)?;
    let (n_samples, channels_in, _, _) = x.dim();
    let (channels_out, _, kernel_height, kernel_width) = weight.dim();
    check::shape("conv2d", "bias", &bias, &[channels_out])?;
    let mut y = Array4::zeros((n_samples, channels_out, height, width));
    for n in 0..n_samples {
        for o in 0..channels_out {
            let mut map = y.slice_mut(s![n, o, .., ..]);
            map.fill(bias[o]);
            for c in 0..channels_in {
                for i in 0..kernel_height {
                    for j in 0..kernel_width {
                        let shifted = x.slice(s![n, c, i..i + height, j..j + width]);
                        map.scaled_add(weight[[o, c, i, j]], &shifted);
                    }
                }
            }
        }
    }
    Ok(y)
}

/// The gradients of a loss with respect to what went into [`conv2d`].
#[derive(Debug, Clone, PartialEq)]
pub struct Conv2dGradients {
    /// With respect to the images, shape `(n_samples, channels_in, height, width)`.
    pub x: Array4<f64>,
    /// With respect to the kernels, shape `(channels_out, channels_in, kernel_height, kernel_width)`.
    pub weight: Array4<f64>,
    /// With respect to the biases, shape `(channels_out,)`.
    pub bias: Array1<f64>,
}

/// The backward pass of [`conv2d`].
///
/// With `G = ∂L/∂Y`: `∂L/∂wₒ_cᵢⱼ = Σₙ Σᵣ Σₛ gₙₒᵣₛ xₙ_c,ᵣ₊ᵢ,ₛ₊ⱼ`, and `∂L/∂bₒ = Σₙ Σᵣ Σₛ gₙₒᵣₛ`. In `∂L/∂X`,
/// every entry of `G` goes back to the pixels that it was made of, each by its weight: the shifted
/// images of the forward pass, with the two sides of the assignment exchanged.
///
/// # Arguments
/// - `x`, `weight`: as given to [`conv2d`].
/// - `gradient`: `∂L/∂Y`, the shape of what [`conv2d`] returned.
///
/// # Returns
/// The three gradients, in the unit of the loss per unit of what they belong to.
///
/// # Errors
/// As [`conv2d`].
///
/// # Complexity
/// Twice that of the forward pass.
///
/// # Examples
/// ```
/// use foundations::neural_network::conv2d_backward;
/// use ndarray::Array4;
///
/// let x = Array4::from_shape_vec((1, 1, 1, 3), vec![1.0, 2.0, 5.0])?;
/// let weight = Array4::from_shape_vec((1, 1, 1, 2), vec![3.0, -1.0])?;
/// // the loss is the sum of both outputs
/// let gradients = conv2d_backward(x.view(), weight.view(), Array4::ones((1, 1, 1, 2)).view())?;
/// assert_eq!(gradients.weight.iter().copied().collect::<Vec<_>>(), [1.0 + 2.0, 2.0 + 5.0]);
/// assert_eq!(gradients.x.iter().copied().collect::<Vec<_>>(), [3.0, -1.0 + 3.0, -1.0]);
/// assert_eq!(gradients.bias[0], 2.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// Chapter *Convolutional networks*, section *The way back*. Agrees with central differences
/// (`tests/neural_network_properties.rs`), with PyTorch to 1e-12, and with candle to
/// 2e-6 in single precision (`lib/deep/tests/golden.rs`).
pub fn conv2d_backward(
    x: ArrayView4<'_, f64>,
    weight: ArrayView4<'_, f64>,
    gradient: ArrayView4<'_, f64>,
) -> Result<Conv2dGradients, NetworkError> {
    let [height, width] = output_size("conv2d_backward", &x, &weight)?;
    let (n_samples, channels_in, _, _) = x.dim();
    let (channels_out, _, kernel_height, kernel_width) = weight.dim();
    let expected = [n_samples, channels_out, height, width];
    check::shape("conv2d_backward", "gradient", &gradient, &expected)?;
    let mut back = Conv2dGradients {
        x: Array4::zeros(x.raw_dim()),
        weight: Array4::zeros(weight.raw_dim()),
        bias: Array1::zeros(channels_out),
    };
    for n in 0..n_samples {
        for o in 0..channels_out {
            let map = gradient.slice(s![n, o, .., ..]);
            back.bias[o] += map.sum();
            for c in 0..channels_in {
                for i in 0..kernel_height {
                    for j in 0..kernel_width {
                        let window = s![n, c, i..i + height, j..j + width];
                        back.weight[[o, c, i, j]] += (&map * &x.slice(window)).sum();
                        back.x
                            .slice_mut(window)
                            .scaled_add(weight[[o, c, i, j]], &map);
                    }
                }
            }
        }
    }
    Ok(back)
}

/// Checks images and kernels, and gives height and width of the output.
fn output_size(
    op: &'static str,
    x: &ArrayView4<'_, f64>,
    weight: &ArrayView4<'_, f64>,
) -> Result<[usize; 2], NetworkError> {
    let (_, channels_in, height, width) = x.dim();
    let (channels_out, _, kernel_height, kernel_width) = weight.dim();
    check::entries(op, "x", x)?;
    let expected = [channels_out, channels_in, kernel_height, kernel_width];
    check::shape(op, "weight", weight, &expected)?;
    if kernel_height > height || kernel_width > width {
        return Err(NetworkError::KernelTooLarge {
            op,
            kernel: [kernel_height, kernel_width],
            image: [height, width],
        });
    }
    Ok([height - kernel_height + 1, width - kernel_width + 1])
}
