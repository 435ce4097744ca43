//! The network as our own layers, to compare with.

use crate::DeepError;
use crate::cnn::{Cnn, PARAMETERS};
use crate::data::{Digits, SIDE};
use candle_core::backprop::GradStore;
use candle_core::{DType, Tensor};
use foundations::neural_network::ConvNet;
use ndarray::{Array, Array4, Dimension};

impl Cnn {
    /// The same weights as a network of [`foundations::neural_network`], in double precision.
    ///
    /// # Errors
    /// [`DeepError::Candle`].
    ///
    /// # Examples
    /// ```
    /// # use deep::cnn::{Cnn, CnnConfig};
    /// # use rand::SeedableRng;
    /// # let net = Cnn::new(CnnConfig::default(), &mut rand_chacha::ChaCha8Rng::seed_from_u64(1), &deep::device()?)?;
    /// # let mnist = datasets::mnist()?;
    /// # let digits = deep::data::Digits::new(mnist.images.view(), &mnist.labels)?;
    /// let three = digits.select(&[0, 1, 2])?;
    /// let ours = net.layers()?.logits(three.pixels().view())?;
    /// let candles = net.logits(&three.tensors(net.device())?.0)?.to_vec2::<f32>()?;
    /// assert!((ours[[2, 9]] - f64::from(candles[2][9])).abs() < 1e-6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn layers(&self) -> Result<ConvNet, DeepError> {
        conv_net(self.parameters().iter().map(|p| p.as_tensor().clone()))
    }

    /// The gradient of a loss with respect to each parameter, in the same form as [`layers`](Self::layers).
    ///
    /// # Arguments
    /// - `graph`: what candle's `backward()` gave for a loss that depends on this network.
    ///
    /// # Errors
    /// [`DeepError::Parameter`] if the loss does not depend on each parameter, [`DeepError::Candle`].
    ///
    /// # Examples
    /// ```
    /// # use deep::cnn::{Cnn, CnnConfig};
    /// # use rand::SeedableRng;
    /// # let net = Cnn::new(CnnConfig::default(), &mut rand_chacha::ChaCha8Rng::seed_from_u64(1), &deep::device()?)?;
    /// # let mnist = datasets::mnist()?;
    /// # let digits = deep::data::Digits::new(mnist.images.view(), &mnist.labels)?;
    /// let three = digits.select(&[0, 1, 2])?;
    /// let (x, labels) = three.tensors(net.device())?;
    /// let candles = net.gradients(&deep::train::loss(&net, &x, &labels)?.backward()?)?;
    /// let (_, ours) = net.layers()?.loss_and_gradient(three.pixels().view(), three.labels())?;
    /// assert!((candles.dense2_bias[0] - ours.dense2_bias[0]).abs() < 1e-6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn gradients(&self, graph: &GradStore) -> Result<ConvNet, DeepError> {
        let mut gradients = Vec::with_capacity(PARAMETERS.len());
        for (parameter, name) in self.parameters().iter().zip(PARAMETERS) {
            let gradient = graph.get(parameter).ok_or_else(|| {
                crate::data::parameter(
                    "graph",
                    format!("without {name}"),
                    "that of a loss of this network",
                )
            })?;
            gradients.push(gradient.clone());
        }
        conv_net(gradients.into_iter())
    }
}

impl Digits {
    /// The images as [`foundations::neural_network`] takes them, from 0 (paper) to 1 (ink). Shape `(n, 1, 28, 28)`.
    ///
    /// # Panics
    /// Never: an image has 784 pixels.
    pub fn pixels(&self) -> Array4<f64> {
        self.images
            .mapv(f64::from)
            .into_shape_with_order((self.len(), 1, SIDE, SIDE))
            .expect("784 pixels an image")
    }
}

/// Eight tensors in the order of [`PARAMETERS`] as arrays.
fn conv_net(mut tensors: impl Iterator<Item = Tensor>) -> Result<ConvNet, DeepError> {
    let mut next = || tensors.next().expect("eight tensors");
    Ok(ConvNet {
        conv1_weight: array(&next())?,
        conv1_bias: array(&next())?,
        conv2_weight: array(&next())?,
        conv2_bias: array(&next())?,
        dense1_weight: array(&next())?,
        dense1_bias: array(&next())?,
        dense2_weight: array(&next())?,
        dense2_bias: array(&next())?,
    })
}

fn array<D: Dimension>(tensor: &Tensor) -> Result<Array<f64, D>, DeepError> {
    let values = tensor
        .flatten_all()?
        .to_dtype(DType::F64)?
        .to_vec1::<f64>()?;
    let array = Array::from_shape_vec(tensor.dims(), values).expect("as many as the shape says");
    Ok(array
        .into_dimensionality::<D>()
        .expect("a parameter has the rank of its layer"))
}
