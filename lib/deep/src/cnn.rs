//! The network: two convolutions and two dense layers, of LeNet's kind.
//!
//! ```text
//! (n, 1, 28, 28) conv1 5 × 5 → (n, a, 24, 24) pool, relu → (n, a, 12, 12)
//!                conv2 5 × 5 → (n, b, 8, 8)   pool, relu → (n, b, 4, 4) flatten → (n, 16 b)
//!                dense1 → (n, h) relu, dropout → dense2 → (n, 10) logits
//! ```

use crate::DeepError;
use crate::data::{CLASSES, Digits, SIDE, parameter};
use candle_core::{DType, Device, Module, Tensor, Var};
use candle_nn::{Linear, ops};
use ndarray::Array2;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Side of the kernels, in pixels.
pub const KERNEL: usize = 5;
/// Images that go through the network at once when it is asked, not trained.
const CHUNK: usize = 250;

/// Names of the parameters, as PyTorch would call them, in the order of the layers.
pub const PARAMETERS: [&str; 8] = [
    "conv1.weight",
    "conv1.bias",
    "conv2.weight",
    "conv2.bias",
    "dense1.weight",
    "dense1.bias",
    "dense2.weight",
    "dense2.bias",
];

/// The size of a network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CnnConfig {
    /// Feature maps of the first and of the second convolution.
    pub channels: [usize; 2],
    /// Units of the first dense layer.
    pub hidden: usize,
    /// Share of these units that is left out, drawn anew for each image, while training.
    pub dropout: f64,
}

impl Default for CnnConfig {
    /// 16 and 32 feature maps, 64 units, dropout of 0.25: 46,730 parameters.
    fn default() -> Self {
        CnnConfig {
            channels: [16, 32],
            hidden: 64,
            dropout: 0.25,
        }
    }
}

impl CnnConfig {
    pub(crate) fn check(&self) -> Result<(), DeepError> {
        let sizes = [
            ("channels[0]", self.channels[0]),
            ("channels[1]", self.channels[1]),
            ("hidden", self.hidden),
        ];
        for (name, size) in sizes {
            if !(1..=4096).contains(&size) {
                return Err(parameter(name, size, "a whole number from 1 to 4096"));
            }
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(parameter(
                "dropout",
                self.dropout,
                "a share from 0 to below 1",
            ));
        }
        Ok(())
    }

    /// The shape of each parameter, in the order of [`PARAMETERS`].
    pub fn shapes(&self) -> [Vec<usize>; 8] {
        let ([a, b], h) = (self.channels, self.hidden);
        let after = |side: usize| (side - (KERNEL - 1)) / 2; // a convolution, then a pooling
        let side = after(after(SIDE)); // 28 → 24 → 12 → 8 → 4
        [
            vec![a, 1, KERNEL, KERNEL],
            vec![a],
            vec![b, a, KERNEL, KERNEL],
            vec![b],
            vec![h, b * side * side],
            vec![h],
            vec![CLASSES, h],
            vec![CLASSES],
        ]
    }
}

/// A convolutional network for digits of 28 × 28 pixels.
#[derive(Debug)]
pub struct Cnn {
    config: CnnConfig,
    parameters: Vec<Var>,
    device: Device,
}

impl Cnn {
    /// A network with random weights, each drawn evenly from `±1/√(number of inputs of its unit)`.
    ///
    /// The generator is the caller's, since candle's own cannot be seeded on the processor.
    ///
    /// # Errors
    /// [`DeepError::Parameter`] if a size is 0 or dropout is not a share.
    ///
    /// # Examples
    /// ```
    /// use deep::cnn::{Cnn, CnnConfig};
    /// use rand::SeedableRng;
    /// use rand_chacha::ChaCha8Rng;
    ///
    /// let mut rng = ChaCha8Rng::seed_from_u64(1);
    /// let net = Cnn::new(CnnConfig::default(), &mut rng, &deep::device()?)?;
    /// assert_eq!(net.n_parameters(), 46_730);
    /// # Ok::<(), deep::DeepError>(())
    /// ```
    pub fn new(config: CnnConfig, rng: &mut ChaCha8Rng, device: &Device) -> Result<Cnn, DeepError> {
        config.check()?;
        let shapes = config.shapes();
        let mut values = Vec::with_capacity(shapes.len());
        for pair in shapes.chunks(2) {
            let inputs: usize = pair[0][1..].iter().product();
            let bound = 1.0 / (inputs as f32).sqrt();
            for shape in pair {
                let n: usize = shape.iter().product();
                let drawn: Vec<f32> = (0..n).map(|_| rng.gen_range(-bound..bound)).collect();
                values.push(Tensor::from_vec(drawn, shape.as_slice(), device)?);
            }
        }
        Cnn::from_tensors(config, &values, device)
    }

    /// A network with given weights, in the order of [`PARAMETERS`]. They are copied.
    ///
    /// # Errors
    /// [`DeepError::Parameter`], [`DeepError::ShapeMismatch`], [`DeepError::Candle`].
    pub fn from_tensors(
        config: CnnConfig,
        values: &[Tensor],
        device: &Device,
    ) -> Result<Cnn, DeepError> {
        config.check()?;
        let shapes = config.shapes();
        if values.len() != shapes.len() {
            return Err(parameter(
                "number of tensors",
                values.len(),
                "8, a weight and a bias of four layers",
            ));
        }
        let mut parameters = Vec::with_capacity(shapes.len());
        for ((value, shape), argument) in values.iter().zip(&shapes).zip(PARAMETERS) {
            if value.dims() != shape {
                return Err(DeepError::ShapeMismatch {
                    op: "Cnn::from_tensors",
                    argument,
                    expected: shape.clone(),
                    got: value.dims().to_vec(),
                });
            }
            let value = value.to_device(device)?.to_dtype(DType::F32)?;
            parameters.push(Var::from_tensor(&value.detach().copy()?)?);
        }
        Ok(Cnn {
            config,
            parameters,
            device: device.clone(),
        })
    }

    /// The size of the network.
    pub fn config(&self) -> CnnConfig {
        self.config
    }

    /// The device that it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The parameters, in the order of [`PARAMETERS`].
    pub fn parameters(&self) -> &[Var] {
        &self.parameters
    }

    /// Number of weights and biases.
    pub fn n_parameters(&self) -> usize {
        self.parameters.iter().map(|p| p.elem_count()).sum()
    }

    /// The logits of images, as a node of candle's graph, so that it can be differentiated.
    ///
    /// # Arguments
    /// - `x`: images, shape `(n, 1, 28, 28)`, f32.
    ///
    /// # Returns
    /// Shape `(n, 10)`.
    ///
    /// # Errors
    /// [`DeepError::ShapeMismatch`], [`DeepError::Candle`].
    ///
    /// # Examples
    /// ```
    /// # use deep::cnn::{Cnn, CnnConfig};
    /// # use rand::SeedableRng;
    /// # let net = Cnn::new(CnnConfig::default(), &mut rand_chacha::ChaCha8Rng::seed_from_u64(1), &deep::device()?)?;
    /// use candle_core::{DType, Tensor};
    ///
    /// let flat = Tensor::zeros((3, 784), DType::F32, net.device())?;
    /// let error = net.logits(&flat).unwrap_err();
    /// assert_eq!(error.to_string(), "Cnn::logits: x has shape [3, 784], expected [3, 1, 28, 28]");
    /// assert_eq!(net.logits(&flat.reshape((3, 1, 28, 28))?)?.dims(), [3, 10]);
    /// # Ok::<(), deep::DeepError>(())
    /// ```
    pub fn logits(&self, x: &Tensor) -> Result<Tensor, DeepError> {
        self.forward(x, None)
    }

    /// As [`logits`](Self::logits), with the units that `dropout` leaves out.
    ///
    /// # Errors
    /// As [`logits`](Self::logits).
    pub fn training_logits(
        &self,
        x: &Tensor,
        dropout: &mut ChaCha8Rng,
    ) -> Result<Tensor, DeepError> {
        self.forward(x, Some(dropout))
    }

    fn forward(&self, x: &Tensor, dropout: Option<&mut ChaCha8Rng>) -> Result<Tensor, DeepError> {
        let n = x.dims().first().copied().unwrap_or(0);
        if x.dims() != [n, 1, SIDE, SIDE] {
            return Err(DeepError::ShapeMismatch {
                op: "Cnn::logits",
                argument: "x",
                expected: vec![n, 1, SIDE, SIDE],
                got: x.dims().to_vec(),
            });
        }
        let p = |i: usize| self.parameters[i].as_tensor().clone();
        let conv = |i: usize, x: &Tensor| conv2d(x, &self.parameters[i], &self.parameters[i + 1]);
        let dense = |i: usize| Linear::new(p(i), Some(p(i + 1)));
        let x = max_pool(&conv(0, x)?)?.relu()?; //     (n, a, 12, 12)
        let x = max_pool(&conv(2, &x)?)?.relu()?; //    (n, b, 4, 4)
        let x = dense(4).forward(&x.flatten_from(1)?)?.relu()?; // (n, h)
        let x = match dropout {
            Some(rng) if self.config.dropout > 0.0 => (&x * &self.mask(x.dims2()?, rng)?)?,
            _ => x,
        };
        Ok(dense(6).forward(&x)?)
    }

    /// Zeros where a unit is left out; elsewhere what makes up for those on average.
    fn mask(&self, (n, units): (usize, usize), rng: &mut ChaCha8Rng) -> Result<Tensor, DeepError> {
        let kept = 1.0 - self.config.dropout;
        let mask: Vec<f32> = (0..n * units)
            .map(|_| {
                if rng.gen_bool(kept) {
                    (1.0 / kept) as f32
                } else {
                    0.0
                }
            })
            .collect();
        Ok(Tensor::from_vec(mask, (n, units), &self.device)?)
    }

    /// The probability of each digit for each image. Shape `(n, 10)`, rows adding up to 1.
    ///
    /// # Errors
    /// [`DeepError::Candle`].
    ///
    /// # Panics
    /// Never: there are ten probabilities an image.
    ///
    /// # Examples
    /// ```
    /// # use deep::cnn::{Cnn, CnnConfig};
    /// # use rand::SeedableRng;
    /// # let net = Cnn::new(CnnConfig::default(), &mut rand_chacha::ChaCha8Rng::seed_from_u64(1), &deep::device()?)?;
    /// # let mnist = datasets::mnist()?;
    /// # let digits = deep::data::Digits::new(mnist.images.view(), &mnist.labels)?;
    /// let p = net.probabilities(&digits.select(&[0, 1, 2])?)?;
    /// assert_eq!(p.dim(), (3, 10));
    /// assert!((p.row(0).sum() - 1.0).abs() < 1e-6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn probabilities(&self, digits: &Digits) -> Result<Array2<f64>, DeepError> {
        let order: Vec<usize> = (0..digits.len()).collect();
        let mut probabilities: Vec<f64> = Vec::with_capacity(digits.len() * CLASSES);
        for chunk in order.chunks(CHUNK) {
            let (x, _) = digits.select(chunk)?.tensors(&self.device)?;
            let p = ops::softmax(&self.logits(&x)?.detach().to_dtype(DType::F64)?, 1)?;
            probabilities.extend(p.flatten_all()?.to_vec1::<f64>()?);
        }
        Ok(
            Array2::from_shape_vec((digits.len(), CLASSES), probabilities)
                .expect("ten probabilities an image"),
        )
    }

    /// The kernels of the first convolution, shape (5, 5) each.
    ///
    /// # Errors
    /// [`DeepError::Candle`].
    ///
    /// # Panics
    /// Never: a kernel has 25 entries.
    pub fn filters(&self) -> Result<Vec<Array2<f64>>, DeepError> {
        let kernels = self.parameters[0]
            .flatten_from(1)?
            .to_dtype(DType::F64)?
            .to_vec2::<f64>()?;
        let matrix = |kernel| Array2::from_shape_vec((KERNEL, KERNEL), kernel).expect("25 entries");
        Ok(kernels.into_iter().map(matrix).collect())
    }
}

/// The convolution of images with a bank of kernels, at every place where a kernel fits.
///
/// `yₙₒᵣₛ = bₒ + Σ_c Σᵢ Σⱼ wₒ_cᵢⱼ xₙ_c,ᵣ₊ᵢ,ₛ₊ⱼ`, as one product of matrices: the windows of an image are the columns of
/// one, the kernels the rows of the other. The backward pass is then two products of matrices.
///
/// # Arguments
/// - `x`: shape `(n, c, h, w)`; `weight`: shape `(o, c, k, k)`; `bias`: shape `(o,)`.
///
/// # Returns
/// Shape `(n, o, h − k + 1, w − k + 1)`.
///
/// # Errors
/// [`DeepError::Candle`] if the shapes do not fit.
///
/// # Examples
/// ```
/// use candle_core::{Device, Tensor};
///
/// let x = Tensor::arange(0f32, 9.0, &Device::Cpu)?.reshape((1, 1, 3, 3))?;
/// let (w, b) = (Tensor::ones((1, 1, 2, 2), x.dtype(), x.device())?, Tensor::zeros(1, x.dtype(), x.device())?);
/// let y = deep::cnn::conv2d(&x, &w, &b)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [8.0, 12.0, 20.0, 24.0]);
/// # Ok::<(), deep::DeepError>(())
/// ```
///
/// # References
/// Agrees with PyTorch, and with candle's `conv2d`, to 2e-6 (`tests/golden.rs`).
pub fn conv2d(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor, DeepError> {
    let (n, c, h, w) = x.dims4()?;
    let (o, _, k, l) = weight.dims4()?;
    let (rows, columns) = (h.saturating_sub(k - 1), w.saturating_sub(l - 1));
    let mut shifted = Vec::with_capacity(k * l);
    for i in 0..k {
        let down = x.narrow(2, i, rows)?;
        for j in 0..l {
            shifted.push(down.narrow(3, j, columns)?);
        }
    }
    let windows = Tensor::stack(&shifted, 2)?.reshape((n, c * k * l, rows * columns))?;
    let y = weight.reshape((o, c * k * l))?.broadcast_matmul(&windows)?;
    Ok(y.broadcast_add(&bias.reshape((o, 1))?)?
        .reshape((n, o, rows, columns))?)
}

/// The larger of each two rows, then of each two columns: `(n, c, 2h, 2w)` → `(n, c, h, w)`.
///
/// This is max-pooling by candle's `maximum`, whose gradient is right. That of candle's own
/// `max_pool2d` (candle-core 0.11.1) is a quarter of what it should be; `tests/golden.rs` shows it.
///
/// # Errors
/// [`DeepError::ShapeMismatch`] if a side is odd, [`DeepError::Candle`].
///
/// # Examples
/// ```
/// use candle_core::{Device, Tensor, Var};
///
/// let x = Var::new(&[[[[1f32, 3.0], [2.0, 0.0]]]], &Device::Cpu)?;
/// let y = deep::cnn::max_pool(&x)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [3.0]);
/// let back = y.sum_all()?.backward()?;
/// assert_eq!(back.get(&x).unwrap().flatten_all()?.to_vec1::<f32>()?, [0.0, 1.0, 0.0, 0.0]);
/// # Ok::<(), deep::DeepError>(())
/// ```
pub fn max_pool(x: &Tensor) -> Result<Tensor, DeepError> {
    let (n, c, h, w) = x.dims4()?;
    if h % 2 != 0 || w % 2 != 0 {
        return Err(DeepError::ShapeMismatch {
            op: "max_pool",
            argument: "x",
            expected: vec![n, c, h + h % 2, w + w % 2],
            got: vec![n, c, h, w],
        });
    }
    let rows = x.reshape((n, c, h / 2, 2, w))?;
    let rows = rows.narrow(3, 0, 1)?.maximum(&rows.narrow(3, 1, 1)?)?;
    let columns = rows.reshape((n, c, h / 2, w / 2, 2))?;
    let columns = columns
        .narrow(4, 0, 1)?
        .maximum(&columns.narrow(4, 1, 1)?)?;
    Ok(columns.reshape((n, c, h / 2, w / 2))?)
}
