//! AdamW, with its state in the open, so that a checkpoint can keep it.
//!
//! candle-nn has an `AdamW` of the same formula, whose moments are private: a run that is taken up
//! again with it begins with moments of zero, and goes another way.

use crate::DeepError;
use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};

/// Decay of the mean of gradients.
const BETA1: f64 = 0.9;
/// Decay of the mean of squared gradients.
const BETA2: f64 = 0.999;
/// What keeps the quotient finite where gradients are zero.
const EPSILON: f64 = 1e-8;

/// Adam with decoupled weight decay.
///
/// With gradient `g`, step `t` and learning rate `η`:
///
/// `m ← β₁ m + (1 − β₁) g`, `v ← β₂ v + (1 − β₂) g²`,
/// `θ ← θ − η λ θ − η (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)`
///
/// Weights decay, biases do not.
///
/// # Examples
/// ```
/// use candle_core::{Device, Var};
/// use deep::optimiser::AdamW;
///
/// let theta = Var::new(&[1f32, -2.0], &Device::Cpu)?;
/// let mut adam = AdamW::new(std::slice::from_ref(&theta), 0.0)?;
/// let gradients = theta.sqr()?.sum_all()?.backward()?;
/// adam.step(std::slice::from_ref(&theta), &gradients, 0.1)?;
/// // the first step is the learning rate, whatever the size of the gradient
/// let moved = theta.to_vec1::<f32>()?;
/// assert!((moved[0] - 0.9).abs() < 1e-6 && (moved[1] + 1.9).abs() < 1e-6);
/// # Ok::<(), deep::DeepError>(())
/// ```
///
/// # References
/// Kingma and Ba, *Adam: a method for stochastic optimization*, 2015; Loshchilov and Hutter,
/// *Decoupled weight decay regularization*, 2019. Agrees with PyTorch's `AdamW` (`tests/golden.rs`).
#[derive(Debug, Clone)]
pub struct AdamW {
    pub(crate) weight_decay: f64,
    pub(crate) steps: usize,
    pub(crate) first: Vec<Tensor>,
    pub(crate) second: Vec<Tensor>,
}

impl AdamW {
    /// An optimiser that has made no step.
    ///
    /// # Errors
    /// [`DeepError::Candle`] if the device has no room for the moments.
    pub fn new(parameters: &[Var], weight_decay: f64) -> Result<AdamW, DeepError> {
        let zeros = || {
            parameters
                .iter()
                .map(|p| p.zeros_like())
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(AdamW {
            weight_decay,
            steps: 0,
            first: zeros()?,
            second: zeros()?,
        })
    }

    /// Number of steps made.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Moves the parameters one step against their gradients. One without a gradient stays.
    ///
    /// # Errors
    /// [`DeepError::Candle`] if the parameters are not those that the optimiser was made for.
    pub fn step(
        &mut self,
        parameters: &[Var],
        gradients: &GradStore,
        learning_rate: f64,
    ) -> Result<(), DeepError> {
        self.steps += 1;
        let t = self.steps as i32;
        let (unbias1, unbias2) = (1.0 / (1.0 - BETA1.powi(t)), 1.0 / (1.0 - BETA2.powi(t)));
        for (i, parameter) in parameters.iter().enumerate() {
            let Some(g) = gradients.get(parameter) else {
                continue;
            };
            let m = ((&self.first[i] * BETA1)? + (g * (1.0 - BETA1))?)?;
            let v = ((&self.second[i] * BETA2)? + (g.sqr()? * (1.0 - BETA2))?)?;
            let direction = ((&m * unbias1)? / ((&v * unbias2)?.sqrt()? + EPSILON)?)?;
            let decay = if parameter.rank() > 1 {
                learning_rate * self.weight_decay
            } else {
                0.0
            };
            let moved = ((parameter.as_tensor() * (1.0 - decay))? - (direction * learning_rate)?)?;
            parameter.set(&moved.detach())?;
            (self.first[i], self.second[i]) = (m.detach(), v.detach());
        }
        Ok(())
    }
}
