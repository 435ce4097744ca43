//! Training: epochs of batches, a learning rate that changes, and when to stop.

use crate::DeepError;
use crate::cnn::{Cnn, CnnConfig};
use crate::data::{Augment, Digits, batches, parameter};
use crate::evaluate::Evaluation;
use crate::optimiser::AdamW;
use candle_core::{Device, Tensor};
use candle_nn::loss::cross_entropy;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// How the learning rate changes in the course of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// Not at all.
    Constant,
    /// Up from 0 in the first epoch, then down to 0 at the last along half a cosine.
    WarmCosine,
}

/// Everything that a training run depends on, but for the data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainConfig {
    /// The size of the network.
    pub model: CnnConfig,
    /// Number of times that every image is used.
    pub epochs: usize,
    /// Images a step.
    pub batch_size: usize,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// How it changes.
    pub schedule: Schedule,
    /// Weight decay of [`AdamW`].
    pub weight_decay: f64,
    /// Number of epochs without a lower validation loss after which training stops.
    pub patience: usize,
    /// Whether each epoch takes the images in a new random order.
    pub shuffle: bool,
    /// How images are varied before each use.
    pub augment: Augment,
    /// Of weights, order, variation and dropout.
    pub seed: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        TrainConfig {
            model: CnnConfig::default(),
            epochs: 30,
            batch_size: 50,
            learning_rate: 2e-3,
            schedule: Schedule::WarmCosine,
            weight_decay: 1e-2,
            patience: 8,
            shuffle: true,
            augment: Augment::handwriting(),
            seed: 1998,
        }
    }
}

impl TrainConfig {
    pub(crate) fn check(&self) -> Result<(), DeepError> {
        self.model.check()?;
        self.augment.check()?;
        for (name, value) in [
            ("epochs", self.epochs),
            ("batch_size", self.batch_size),
            ("patience", self.patience),
        ] {
            if value == 0 {
                return Err(parameter(name, value, "at least 1"));
            }
        }
        for (name, value) in [
            ("learning_rate", self.learning_rate),
            ("weight_decay", self.weight_decay),
        ] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(parameter(name, value, "a finite number, not negative"));
            }
        }
        Ok(())
    }

    /// The learning rate at a moment of the run.
    ///
    /// # Arguments
    /// - `at`: epochs done so far, with their fraction: 0 at the beginning, `epochs` at the end.
    ///
    /// # Examples
    /// ```
    /// use deep::train::TrainConfig;
    ///
    /// let config = TrainConfig { epochs: 21, learning_rate: 1e-3, ..TrainConfig::default() };
    /// assert_eq!(config.learning_rate_at(0.5), 0.5e-3);               // half way up
    /// assert!((config.learning_rate_at(11.0) - 0.5e-3).abs() < 1e-12); // half way down
    /// assert!(config.learning_rate_at(21.0) < 1e-12);
    /// ```
    pub fn learning_rate_at(&self, at: f64) -> f64 {
        match self.schedule {
            Schedule::Constant => self.learning_rate,
            Schedule::WarmCosine if at < 1.0 => self.learning_rate * at,
            Schedule::WarmCosine => {
                let done = (at - 1.0) / (self.epochs as f64 - 1.0).max(1.0);
                self.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * done.min(1.0)).cos())
            }
        }
    }
}

/// What is known after an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Epoch {
    /// Its number, from 1.
    pub epoch: usize,
    /// The learning rate of its last batch.
    pub learning_rate: f64,
    /// Mean loss of its batches, as they were trained on: varied, and with dropout. In nats.
    pub train_loss: f64,
    /// Loss on the validation images after it, in nats.
    pub validation_loss: f64,
    /// Share of the validation images that are read rightly after it.
    pub validation_accuracy: f64,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// There are epochs left.
    Paused,
    /// All epochs are done.
    Finished,
    /// The validation loss has not fallen for as many epochs as patience allows.
    StoppedEarly,
}

/// A training run that can be left and taken up again.
///
/// # Examples
/// ```
/// use deep::data::{Digits, split};
/// use deep::train::{Progress, TrainConfig, Trainer};
///
/// let mnist = datasets::mnist()?;
/// let digits = Digits::new(mnist.images.view(), &mnist.labels)?;
/// let parts = split(&digits, 0.02, 0.96, 1)?; // 100 images to learn from
/// let config = TrainConfig { epochs: 2, ..TrainConfig::default() };
/// let mut trainer = Trainer::new(config, &deep::device()?)?;
/// let progress = trainer.run(&parts.train, &parts.validation, 1, |epoch| println!("{}", epoch.train_loss))?;
/// assert_eq!(progress, Progress::Paused);
/// assert_eq!(trainer.run(&parts.train, &parts.validation, 1, |_| ())?, Progress::Finished);
/// assert_eq!(trainer.history().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Trainer {
    pub(crate) config: TrainConfig,
    pub(crate) model: Cnn,
    pub(crate) optimiser: AdamW,
    pub(crate) rng: ChaCha8Rng,
    pub(crate) history: Vec<Epoch>,
    pub(crate) best: Vec<Tensor>,
}

impl Trainer {
    /// A run that has not begun.
    ///
    /// # Errors
    /// [`DeepError::Parameter`].
    pub fn new(config: TrainConfig, device: &Device) -> Result<Trainer, DeepError> {
        config.check()?;
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        let model = Cnn::new(config.model, &mut rng, device)?;
        let optimiser = AdamW::new(model.parameters(), config.weight_decay)?;
        let best = copies(&model)?;
        Ok(Trainer {
            config,
            model,
            optimiser,
            rng,
            history: Vec::new(),
            best,
        })
    }

    /// Trains for up to `epochs` more epochs, fewer if the run ends before.
    ///
    /// # Arguments
    /// - `train`: what the weights are fitted to.
    /// - `validation`: what decides which epoch was the best, and when to stop.
    /// - `report`: called after each epoch.
    ///
    /// # Errors
    /// [`DeepError::Diverged`] if the loss is no longer a number; [`DeepError::Candle`].
    pub fn run(
        &mut self,
        train: &Digits,
        validation: &Digits,
        epochs: usize,
        mut report: impl FnMut(&Epoch),
    ) -> Result<Progress, DeepError> {
        for _ in 0..epochs {
            if self.progress() != Progress::Paused {
                break;
            }
            let epoch = self.epoch(train, validation)?;
            let is_best = self
                .history
                .iter()
                .all(|other| epoch.validation_loss < other.validation_loss);
            self.history.push(epoch);
            if is_best {
                self.best = copies(&self.model)?;
            }
            report(&epoch);
        }
        Ok(self.progress())
    }

    fn epoch(&mut self, train: &Digits, validation: &Digits) -> Result<Epoch, DeepError> {
        let epoch = self.history.len() + 1;
        let order = batches(
            train.len(),
            self.config.batch_size,
            self.config.shuffle.then_some(&mut self.rng),
        );
        let (mut total, mut learning_rate) = (0.0, 0.0);
        for (i, batch) in order.iter().enumerate() {
            let at = (epoch - 1) as f64 + (i as f64 + 0.5) / order.len() as f64;
            learning_rate = self.config.learning_rate_at(at);
            let (x, y) = train.batch(
                batch,
                &self.config.augment,
                &mut self.rng,
                self.model.device(),
            )?;
            let loss = cross_entropy(&self.model.training_logits(&x, &mut self.rng)?, &y)?;
            let value = f64::from(loss.to_scalar::<f32>()?);
            if !value.is_finite() {
                return Err(DeepError::Diverged {
                    epoch,
                    batch: i + 1,
                    loss: value,
                    learning_rate,
                });
            }
            self.optimiser
                .step(self.model.parameters(), &loss.backward()?, learning_rate)?;
            total += value * batch.len() as f64;
        }
        let seen = Evaluation::of(&self.model, validation)?;
        let (validation_loss, validation_accuracy) = (seen.loss(), seen.accuracy());
        let train_loss = total / train.len() as f64;
        Ok(Epoch {
            epoch,
            learning_rate,
            train_loss,
            validation_loss,
            validation_accuracy,
        })
    }

    /// Where the run stands.
    pub fn progress(&self) -> Progress {
        let since_best = self.history.len() - self.best_epoch().unwrap_or(0);
        if self.history.len() >= self.config.epochs {
            Progress::Finished
        } else if !self.history.is_empty() && since_best >= self.config.patience {
            Progress::StoppedEarly
        } else {
            Progress::Paused
        }
    }

    /// The settings of the run.
    pub fn config(&self) -> TrainConfig {
        self.config
    }

    /// What is known of each epoch so far.
    pub fn history(&self) -> &[Epoch] {
        &self.history
    }

    /// The epoch with the lowest validation loss, from 1, if there was one.
    pub fn best_epoch(&self) -> Option<usize> {
        self.history
            .iter()
            .min_by(|a, b| a.validation_loss.total_cmp(&b.validation_loss))
            .map(|epoch| epoch.epoch)
    }

    /// The network as it stands.
    pub fn model(&self) -> &Cnn {
        &self.model
    }

    /// The network as it was after the best epoch.
    ///
    /// # Errors
    /// [`DeepError::Candle`].
    pub fn best_model(&self) -> Result<Cnn, DeepError> {
        Cnn::from_tensors(self.config.model, &self.best, self.model.device())
    }
}

/// Copies of the parameters, which later steps do not change.
fn copies(model: &Cnn) -> Result<Vec<Tensor>, DeepError> {
    let copy = |p: &candle_core::Var| p.as_detached_tensor().copy();
    Ok(model
        .parameters()
        .iter()
        .map(copy)
        .collect::<Result<_, _>>()?)
}

/// The mean cross-entropy of labelled images, as a node of candle's graph: `backward()` differentiates it.
///
/// `L = −(1/n) Σₙ ln pₙ,label(n)`, without dropout.
///
/// # Arguments
/// - `x`: images, shape `(n, 1, 28, 28)`, f32.
/// - `labels`: shape `(n,)`, u32.
///
/// # Returns
/// One number, in nats.
///
/// # Errors
/// [`DeepError::ShapeMismatch`], [`DeepError::Candle`].
///
/// # Examples
/// ```
/// # use deep::cnn::{Cnn, CnnConfig};
/// # use rand::SeedableRng;
/// # let net = Cnn::new(CnnConfig::default(), &mut rand_chacha::ChaCha8Rng::seed_from_u64(1), &deep::device()?)?;
/// # let mnist = datasets::mnist()?;
/// # let digits = deep::data::Digits::new(mnist.images.view(), &mnist.labels)?;
/// let (x, labels) = digits.select(&[0, 500, 1000])?.tensors(net.device())?;
/// let loss = deep::train::loss(&net, &x, &labels)?;
/// assert!((loss.to_scalar::<f32>()? - 10f32.ln()).abs() < 0.2); // an untrained network knows nothing
/// assert!(loss.backward()?.get(&net.parameters()[0]).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn loss(model: &Cnn, x: &Tensor, labels: &Tensor) -> Result<Tensor, DeepError> {
    Ok(cross_entropy(&model.logits(x)?, labels)?)
}
