//! The layers chained: a network of two convolutions and two dense layers.

use super::{
    NetworkError, check, conv2d, conv2d_backward, cross_entropy, cross_entropy_backward, dense,
    dense_backward, max_pool2d, max_pool2d_backward, relu, relu_backward,
};
use ndarray::{Array1, Array2, Array4, ArrayView4};

/// A convolutional network of LeNet's kind, by its parameters.
///
/// Twice convolution, pooling of 2 × 2 and rectifier, then a dense layer, a rectifier, and a dense
/// layer that gives one logit a class. Its gradient is of the same type: one number a parameter.
///
/// ```text
/// (n, 1, 28, 28) conv1 → (n, a, 24, 24) pool, relu → (n, a, 12, 12)
///                conv2 → (n, b, 8, 8)   pool, relu → (n, b, 4, 4) flatten → (n, 16 b)
///                dense1 → (n, h) relu → dense2 → (n, 10)
/// ```
///
/// # Examples
/// ```
/// use foundations::neural_network::ConvNet;
/// use ndarray::{Array1, Array2, Array4};
///
/// let mut net = ConvNet {
///     conv1_weight: Array4::from_elem((2, 1, 3, 3), 0.1),
///     conv1_bias: Array1::zeros(2),
///     conv2_weight: Array4::from_elem((3, 2, 3, 3), 0.1),
///     conv2_bias: Array1::zeros(3),
///     dense1_weight: Array2::from_shape_fn((4, 12), |(i, j)| 0.1 * (i as f64 - j as f64 / 4.0)),
///     dense1_bias: Array1::zeros(4),
///     dense2_weight: Array2::from_shape_fn((2, 4), |(i, j)| 0.3 * (i as f64 - j as f64)),
///     dense2_bias: Array1::zeros(2),
/// };
/// let x = Array4::ones((1, 1, 14, 14));
/// let (before, gradient) = net.loss_and_gradient(x.view(), &[0])?;
/// net.dense2_bias.scaled_add(-0.5, &gradient.dense2_bias);        // a step downhill
/// let (after, _) = net.loss_and_gradient(x.view(), &[0])?;
/// assert!(after < before);
/// # Ok::<(), foundations::neural_network::NetworkError>(())
/// ```
///
/// # References
/// LeCun, Bottou, Bengio and Haffner, *Proceedings of the IEEE* 86 (1998), 2278–2324. Chapter
/// *Convolutional networks*. Loss and gradient agree with PyTorch and candle (`lib/deep/tests/golden.rs`).
#[derive(Debug, Clone, PartialEq)]
pub struct ConvNet {
    /// Kernels of the first convolution, shape `(a, channels, k, k)`.
    pub conv1_weight: Array4<f64>,
    /// Biases of the first convolution, shape `(a,)`.
    pub conv1_bias: Array1<f64>,
    /// Kernels of the second convolution, shape `(b, a, k, k)`.
    pub conv2_weight: Array4<f64>,
    /// Biases of the second convolution, shape `(b,)`.
    pub conv2_bias: Array1<f64>,
    /// Weights of the first dense layer, shape `(h, pixels of all maps)`.
    pub dense1_weight: Array2<f64>,
    /// Biases of the first dense layer, shape `(h,)`.
    pub dense1_bias: Array1<f64>,
    /// Weights of the second dense layer, shape `(n_classes, h)`.
    pub dense2_weight: Array2<f64>,
    /// Biases of the second dense layer, shape `(n_classes,)`.
    pub dense2_bias: Array1<f64>,
}

/// Side of a pooling window.
const POOL: usize = 2;

/// What the backward pass needs of the forward pass: the input of each layer.
struct Trace {
    conv1: Array4<f64>,
    pool1: Array4<f64>,
    relu1: Array4<f64>,
    conv2: Array4<f64>,
    pool2: Array4<f64>,
    flat: Array2<f64>,
    dense1: Array2<f64>,
    relu3: Array2<f64>,
    logits: Array2<f64>,
}

impl ConvNet {
    /// The logits of images.
    ///
    /// # Arguments
    /// - `x`: images, shape `(n_samples, channels, height, width)`.
    ///
    /// # Returns
    /// Shape `(n_samples, n_classes)`.
    ///
    /// # Errors
    /// [`NetworkError`], if a layer's parameters do not fit its input, or an entry is not finite.
    pub fn logits(&self, x: ArrayView4<'_, f64>) -> Result<Array2<f64>, NetworkError> {
        Ok(self.forward(x)?.logits)
    }

    fn forward(&self, x: ArrayView4<'_, f64>) -> Result<Trace, NetworkError> {
        let conv1 = conv2d(x, self.conv1_weight.view(), self.conv1_bias.view())?;
        let pool1 = max_pool2d(conv1.view(), POOL)?;
        let relu1 = relu(pool1.view());
        let conv2 = conv2d(
            relu1.view(),
            self.conv2_weight.view(),
            self.conv2_bias.view(),
        )?;
        let pool2 = max_pool2d(conv2.view(), POOL)?;
        let (n_samples, channels, height, width) = pool2.dim();
        let flat = Array2::from_shape_vec(
            (n_samples, channels * height * width),
            relu(pool2.view()).into_iter().collect(),
        )
        .expect("as many entries as before");
        let dense1 = dense(
            flat.view(),
            self.dense1_weight.view(),
            self.dense1_bias.view(),
        )?;
        let relu3 = relu(dense1.view());
        let logits = dense(
            relu3.view(),
            self.dense2_weight.view(),
            self.dense2_bias.view(),
        )?;
        Ok(Trace {
            conv1,
            pool1,
            relu1,
            conv2,
            pool2,
            flat,
            dense1,
            relu3,
            logits,
        })
    }

    /// The cross-entropy of labels, and its gradient with respect to every parameter.
    ///
    /// # Arguments
    /// - `x`: images, shape `(n_samples, channels, height, width)`.
    /// - `labels`: the class of each, length `n_samples`.
    ///
    /// # Returns
    /// The loss in nats, and the gradient as a network: `∂L/∂W` stands where `W` does.
    ///
    /// # Errors
    /// [`NetworkError`], as the layers.
    ///
    /// # Panics
    /// Never: a reshaped array keeps its number of entries.
    ///
    /// # Complexity
    /// About three times that of [`logits`](Self::logits).
    pub fn loss_and_gradient(
        &self,
        x: ArrayView4<'_, f64>,
        labels: &[u8],
    ) -> Result<(f64, ConvNet), NetworkError> {
        let at = self.forward(x)?;
        check::shape(
            "loss_and_gradient",
            "x",
            &at.logits.view(),
            &[labels.len(), at.logits.ncols()],
        )?;
        let loss = cross_entropy(at.logits.view(), labels)?;

        let logits = cross_entropy_backward(at.logits.view(), labels)?;
        let dense2 = dense_backward(at.relu3.view(), self.dense2_weight.view(), logits.view())?;
        let relu3 = relu_backward(at.dense1.view(), dense2.x.view())?;
        let dense1 = dense_backward(at.flat.view(), self.dense1_weight.view(), relu3.view())?;
        let maps = Array4::from_shape_vec(at.pool2.raw_dim(), dense1.x.into_iter().collect())
            .expect("as many entries as before");
        let relu2 = relu_backward(at.pool2.view(), maps.view())?;
        let pool2 = max_pool2d_backward(at.conv2.view(), POOL, relu2.view())?;
        let conv2 = conv2d_backward(at.relu1.view(), self.conv2_weight.view(), pool2.view())?;
        let relu1 = relu_backward(at.pool1.view(), conv2.x.view())?;
        let pool1 = max_pool2d_backward(at.conv1.view(), POOL, relu1.view())?;
        let conv1 = conv2d_backward(x, self.conv1_weight.view(), pool1.view())?;

        let gradient = ConvNet {
            conv1_weight: conv1.weight,
            conv1_bias: conv1.bias,
            conv2_weight: conv2.weight,
            conv2_bias: conv2.bias,
            dense1_weight: dense1.weight,
            dense1_bias: dense1.bias,
            dense2_weight: dense2.weight,
            dense2_bias: dense2.bias,
        };
        Ok((loss, gradient))
    }
}
