//! Images and labels: divided into parts, put into batches, and varied.
//!
//! Everything random takes a generator, so that the same seed gives the same batches.

use crate::DeepError;
use candle_core::{Device, Tensor};
use ndarray::{Array2, Array3, ArrayView2, Axis};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Height and width of an image, in pixels.
pub const SIDE: usize = 28;
/// Number of classes: the digits 0 to 9.
pub const CLASSES: usize = 10;

/// Pictures of digits with their labels. 0 is the paper, 1 the ink.
#[derive(Debug, Clone, PartialEq)]
pub struct Digits {
    pub(crate) images: Array3<f32>, // (n, 28, 28)
    labels: Vec<u8>,
}

impl Digits {
    /// Takes images, a row each, and their labels.
    ///
    /// # Arguments
    /// - `images`: 28 × 28 pixels in reading order, from 0 (paper) to 1 (ink). Shape `(n, 784)`.
    /// - `labels`: the digit that each shows, length `n`.
    ///
    /// # Errors
    /// [`DeepError::ShapeMismatch`], [`DeepError::Pixel`], [`DeepError::Label`], [`DeepError::Empty`].
    ///
    /// # Panics
    /// Never: a checked image has 784 pixels.
    ///
    /// # Examples
    /// ```
    /// use deep::data::Digits;
    ///
    /// let mnist = datasets::mnist()?;
    /// let digits = Digits::new(mnist.images.view(), &mnist.labels)?;
    /// assert_eq!(digits.len(), 5000);
    /// assert_eq!(digits.image(0)?.dim(), (28, 28));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(images: ArrayView2<'_, f64>, labels: &[u8]) -> Result<Digits, DeepError> {
        let op = "Digits::new";
        if images.dim() != (labels.len(), SIDE * SIDE) {
            return Err(DeepError::ShapeMismatch {
                op,
                argument: "images",
                expected: vec![labels.len(), SIDE * SIDE],
                got: images.shape().to_vec(),
            });
        }
        if labels.is_empty() {
            return Err(DeepError::Empty { op });
        }
        let bad = images
            .indexed_iter()
            .find(|(_, value)| !(0.0..=1.0).contains(*value));
        if let Some(((image, pixel), &value)) = bad {
            return Err(DeepError::Pixel {
                op,
                image,
                pixel,
                value,
            });
        }
        if let Some(index) = labels
            .iter()
            .position(|&label| usize::from(label) >= CLASSES)
        {
            return Err(DeepError::Label {
                op,
                index,
                label: labels[index],
            });
        }
        let pixels = images.iter().map(|&value| value as f32).collect();
        let images = Array3::from_shape_vec((labels.len(), SIDE, SIDE), pixels)
            .expect("784 pixels an image");
        Ok(Digits {
            images,
            labels: labels.to_vec(),
        })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images, which [`new`](Self::new) and [`select`](Self::select) refuse.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The digit that each image shows.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Image `i`, for a figure. Shape (28, 28), from 0 (paper) to 1 (ink).
    ///
    /// # Errors
    /// [`DeepError::NoSuchImage`].
    pub fn image(&self, i: usize) -> Result<Array2<f64>, DeepError> {
        self.present("image", i)?;
        Ok(self.images.index_axis(Axis(0), i).mapv(f64::from))
    }

    /// Some of the images, in that order.
    ///
    /// # Errors
    /// [`DeepError::NoSuchImage`], [`DeepError::Empty`].
    ///
    /// # Examples
    /// ```
    /// # let mnist = datasets::mnist()?;
    /// # let digits = deep::data::Digits::new(mnist.images.view(), &mnist.labels)?;
    /// let three = digits.select(&[4999, 0, 500])?;
    /// assert_eq!(three.labels(), [9, 0, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn select(&self, indices: &[usize]) -> Result<Digits, DeepError> {
        if indices.is_empty() {
            return Err(DeepError::Empty { op: "select" });
        }
        for &i in indices {
            self.present("select", i)?;
        }
        Ok(Digits {
            images: self.images.select(Axis(0), indices),
            labels: indices.iter().map(|&i| self.labels[i]).collect(),
        })
    }

    /// The same images in the order of their labels, as a database may return them.
    pub fn sorted(&self) -> Digits {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by_key(|&i| self.labels[i]);
        Digits {
            images: self.images.select(Axis(0), &order),
            labels: order.iter().map(|&i| self.labels[i]).collect(),
        }
    }

    /// The same images, each turned by `degrees` (anticlockwise) about its centre.
    ///
    /// # Errors
    /// [`DeepError::Parameter`] if the angle is not finite.
    ///
    /// # Examples
    /// ```
    /// # let mnist = datasets::mnist()?;
    /// # let digits = deep::data::Digits::new(mnist.images.view(), &mnist.labels)?;
    /// let upside_down = digits.rotated(180.0)?;
    /// let (before, after) = (digits.image(0)?, upside_down.image(0)?);
    /// assert!((before[[10, 5]] - after[[17, 22]]).abs() < 1e-5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rotated(&self, degrees: f64) -> Result<Digits, DeepError> {
        if !degrees.is_finite() {
            return Err(parameter("degrees", degrees, "a finite number"));
        }
        let warp = Warp {
            angle: degrees.to_radians() as f32,
            ..Warp::NONE
        };
        let mut images = Array3::zeros(self.images.raw_dim());
        for (from, mut to) in self.images.outer_iter().zip(images.outer_iter_mut()) {
            to.assign(&warp.apply(from));
        }
        Ok(Digits {
            images,
            labels: self.labels.clone(),
        })
    }

    /// Images and labels as candle takes them: shapes `(n, 1, 28, 28)` (f32) and `(n,)` (u32).
    ///
    /// # Errors
    /// [`DeepError::Candle`] if the device has no room for them.
    pub fn tensors(&self, device: &Device) -> Result<(Tensor, Tensor), DeepError> {
        let order: Vec<usize> = (0..self.len()).collect();
        self.batch(
            &order,
            &Augment::none(),
            &mut ChaCha8Rng::seed_from_u64(0),
            device,
        )
    }

    /// A batch: the images of those numbers, each varied by `augment`, and their labels.
    ///
    /// # Returns
    /// Shapes `(n, 1, 28, 28)` (f32) and `(n,)` (u32).
    ///
    /// # Errors
    /// [`DeepError::NoSuchImage`], [`DeepError::Candle`].
    pub fn batch(
        &self,
        indices: &[usize],
        augment: &Augment,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<(Tensor, Tensor), DeepError> {
        let mut pixels: Vec<f32> = Vec::with_capacity(indices.len() * SIDE * SIDE);
        let mut labels: Vec<u32> = Vec::with_capacity(indices.len());
        for &i in indices {
            self.present("batch", i)?;
            let image = self.images.index_axis(Axis(0), i);
            match augment.draw(rng) {
                None => pixels.extend(image.iter()),
                Some(warp) => pixels.extend(warp.apply(image).iter()),
            }
            labels.push(u32::from(self.labels[i]));
        }
        let images = Tensor::from_vec(pixels, (indices.len(), 1, SIDE, SIDE), device)?;
        Ok((images, Tensor::from_vec(labels, indices.len(), device)?))
    }

    fn present(&self, op: &'static str, index: usize) -> Result<(), DeepError> {
        if index < self.len() {
            return Ok(());
        }
        Err(DeepError::NoSuchImage {
            op,
            index,
            len: self.len(),
        })
    }
}

/// Three parts of a data set that have no image in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// What the weights are fitted to.
    pub train: Digits,
    /// What choices are made by: when to stop, which settings, which threshold.
    pub validation: Digits,
    /// What the final figure comes from. Look once.
    pub test: Digits,
}

/// Divides digits by lot, each digit by itself, so that every part has the same mixture.
///
/// # Arguments
/// - `validation`, `test`: the share of each digit's images that goes there. What is left is for training.
/// - `seed`: of the lot.
///
/// # Returns
/// The three parts, each in random order. A share of a digit's images is rounded to the nearest whole number.
///
/// # Errors
/// [`DeepError::Parameter`] if a share is not between 0 and 1, or nothing is left;
/// [`DeepError::Empty`] if a part would have no images.
///
/// # Examples
/// ```
/// use deep::data::{Digits, split};
///
/// let mnist = datasets::mnist()?;
/// let digits = Digits::new(mnist.images.view(), &mnist.labels)?;
/// let parts = split(&digits, 0.1, 0.2, 1)?;
/// assert_eq!([parts.train.len(), parts.validation.len(), parts.test.len()], [3500, 500, 1000]);
/// assert_eq!(parts.test.labels().iter().filter(|&&label| label == 7).count(), 100);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn split(digits: &Digits, validation: f64, test: f64, seed: u64) -> Result<Split, DeepError> {
    for (name, share) in [
        ("validation", validation),
        ("test", test),
        ("validation + test", validation + test),
    ] {
        if !(0.0..1.0).contains(&share) {
            return Err(parameter(name, share, "a share from 0 to below 1"));
        }
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut parts: [Vec<usize>; 3] = Default::default();
    for class in 0..CLASSES as u8 {
        let mut members: Vec<usize> = (0..digits.len())
            .filter(|&i| digits.labels[i] == class)
            .collect();
        members.shuffle(&mut rng);
        let count = |share: f64| (share * members.len() as f64).round() as usize;
        let (n_validation, n_test) = (count(validation), count(test));
        parts[1].extend(&members[..n_validation]);
        parts[2].extend(&members[n_validation..n_validation + n_test]);
        parts[0].extend(&members[n_validation + n_test..]);
    }
    for part in &mut parts {
        part.shuffle(&mut rng);
    }
    Ok(Split {
        train: digits.select(&parts[0])?,
        validation: digits.select(&parts[1])?,
        test: digits.select(&parts[2])?,
    })
}

/// The numbers 0 to `n - 1` in batches, in random order if there is a generator. The last batch may be smaller.
///
/// # Panics
/// If `size` is 0.
///
/// # Examples
/// ```
/// assert_eq!(deep::data::batches(5, 2, None), [vec![0, 1], vec![2, 3], vec![4]]);
/// ```
pub fn batches(n: usize, size: usize, rng: Option<&mut ChaCha8Rng>) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..n).collect();
    if let Some(rng) = rng {
        order.shuffle(rng);
    }
    order.chunks(size).map(<[usize]>::to_vec).collect()
}

/// By how much images are varied before each use, so that the network hardly ever sees the same twice.
///
/// Each image is turned, sheared, scaled and shifted by amounts that are drawn evenly between minus and plus the limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Augment {
    /// Largest angle, in degrees.
    pub rotate: f64,
    /// Largest shear: how far the top goes sideways, as a share of its distance from the middle.
    pub shear: f64,
    /// Largest change of size, as a share: 0.1 means from 0.9 to 1.1 times.
    pub scale: f64,
    /// Largest shift, in pixels, in each direction.
    pub shift: f64,
}

impl Augment {
    /// Images as they are.
    pub const fn none() -> Augment {
        Augment {
            rotate: 0.0,
            shear: 0.0,
            scale: 0.0,
            shift: 0.0,
        }
    }

    /// Changes that leave a digit what it is: as much as handwriting varies, and no more.
    pub const fn handwriting() -> Augment {
        Augment {
            rotate: 10.0,
            shear: 0.15,
            scale: 0.1,
            shift: 2.0,
        }
    }

    pub(crate) fn check(&self) -> Result<(), DeepError> {
        let limits = [
            ("augment.rotate", self.rotate, 180.0),
            ("augment.shear", self.shear, 1.0),
            ("augment.scale", self.scale, 0.9),
            ("augment.shift", self.shift, SIDE as f64),
        ];
        match limits
            .into_iter()
            .find(|(_, value, most)| !(0.0..=*most).contains(value))
        {
            None => Ok(()),
            Some((name, value, _)) => Err(parameter(
                name,
                value,
                "0 or more, and at most 180°, 1, 0.9 and 28 pixels for rotate, shear, scale and shift",
            )),
        }
    }

    /// A change within the limits, or nothing if they are all 0.
    fn draw(&self, rng: &mut ChaCha8Rng) -> Option<Warp> {
        if *self == Augment::none() {
            return None;
        }
        let mut within = |limit: f64| (limit * rng.gen_range(-1.0..1.0)) as f32;
        Some(Warp {
            angle: within(self.rotate.to_radians()),
            shear: within(self.shear),
            scale: 1.0 + within(self.scale),
            shift: [within(self.shift), within(self.shift)],
        })
    }
}

/// One change of an image.
#[derive(Debug, Clone, Copy)]
struct Warp {
    angle: f32,
    shear: f32,
    scale: f32,
    shift: [f32; 2],
}

impl Warp {
    const NONE: Warp = Warp {
        angle: 0.0,
        shear: 0.0,
        scale: 1.0,
        shift: [0.0; 2],
    };

    /// The changed image. Each pixel looks up where it comes from, and mixes the four pixels there by their nearness.
    fn apply(&self, image: ArrayView2<'_, f32>) -> Array2<f32> {
        let middle = (SIDE as f32 - 1.0) / 2.0;
        let (sin, cos) = self.angle.sin_cos();
        let at = |r: isize, s: isize| -> f32 {
            match (usize::try_from(r), usize::try_from(s)) {
                (Ok(r), Ok(s)) => image.get((r, s)).copied().unwrap_or(0.0),
                _ => 0.0,
            }
        };
        Array2::from_shape_fn(image.raw_dim(), |(r, s)| {
            let down = (r as f32 - middle - self.shift[0]) / self.scale;
            let right = (s as f32 - middle - self.shift[1]) / self.scale + self.shear * down;
            let (row, column) = (
                cos * down + sin * right + middle,
                cos * right - sin * down + middle,
            );
            let (top, left) = (row.floor(), column.floor());
            let (below, beside) = (row - top, column - left);
            let (i, j) = (top as isize, left as isize);
            (1.0 - below) * ((1.0 - beside) * at(i, j) + beside * at(i, j + 1))
                + below * ((1.0 - beside) * at(i + 1, j) + beside * at(i + 1, j + 1))
        })
    }
}

pub(crate) fn parameter(
    name: &'static str,
    value: impl ToString,
    expected: &'static str,
) -> DeepError {
    DeepError::Parameter {
        name,
        value: value.to_string(),
        expected,
    }
}
