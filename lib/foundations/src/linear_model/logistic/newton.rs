//! Newton's method for the penalised negative log-likelihood.

use super::sigmoid;
use crate::linalg::Cholesky;
use ndarray::{Array1, Array2, ArrayView1, Axis};

/// A step that is halved more often than this is lost in rounding.
const HALVINGS: usize = 40;

/// The change of a log-odds in a last step.
const STILL: f64 = 1e-3;

/// What is to be minimised over `β`: `Σ [ln(1 + e^zᵢ) − yᵢ zᵢ] + ½ Σⱼ penaltyⱼ βⱼ²`, with `z = Aβ`.
pub(super) struct Problem<'a> {
    /// The design, shape `(n_samples, p)`.
    pub a: Array2<f64>,
    /// Classes, 0 or 1, shape `(n_samples,)`.
    pub y: ArrayView1<'a, f64>,
    /// The penalty of each parameter, shape `(p,)`.
    pub penalty: Array1<f64>,
}

pub(super) struct Solution {
    pub params: Array1<f64>,
    pub inverse_hessian: Option<Array2<f64>>,
    pub log_likelihood: f64,
    pub converged: bool,
    pub n_iter: usize,
}

impl Problem<'_> {
    pub fn solve(&self, max_iter: usize, tol: f64) -> Solution {
        let mut params: Array1<f64> = Array1::zeros(self.a.ncols());
        let mut value = self.objective(&params);
        let mut converged = false;
        let mut n_iter = 0;
        while n_iter < max_iter && !converged {
            let (gradient, hessian) = self.derivatives(&params);
            let Some(step) = newton_step(&hessian, &gradient) else {
                break;
            };
            // What a quadratic objective would lose by this step. Where a plane separates the classes it also goes to
            // zero, but some log-odds grow by about 1 with each step for ever.
            let promised = 0.5 * gradient.dot(&step);
            let farthest = self
                .a
                .dot(&step)
                .fold(0.0, |most: f64, z| most.max(z.abs()));
            converged = promised <= tol && farthest <= STILL;
            let Some((moved, lower)) = self.line_search(&params, &step, value) else {
                break;
            };
            (params, value) = (moved, lower);
            n_iter += 1;
        }
        // The objective is now flat to rounding, so that no search can tell; a last full step squares what error is left.
        let (gradient, mut hessian) = self.derivatives(&params);
        if let Some(step) = newton_step(&hessian, &gradient).filter(|_| converged) {
            params -= &step;
            (_, hessian) = self.derivatives(&params);
        }
        Solution {
            inverse_hessian: Cholesky::new(hessian.view())
                .and_then(|factor| factor.inverse())
                .ok(),
            log_likelihood: -self.loss(&params),
            params,
            converged,
            n_iter,
        }
    }

    /// The longest of `step`, `step/2`, `step/4`, … that does not raise the objective.
    fn line_search(
        &self,
        params: &Array1<f64>,
        step: &Array1<f64>,
        value: f64,
    ) -> Option<(Array1<f64>, f64)> {
        (0..HALVINGS).find_map(|halvings| {
            let moved = params - &(step * 0.5_f64.powi(halvings as i32));
            let lower = self.objective(&moved);
            (lower <= value).then_some((moved, lower))
        })
    }

    fn objective(&self, params: &Array1<f64>) -> f64 {
        let penalties = &self.penalty * &params.mapv(|b| b * b);
        self.loss(params) + 0.5 * penalties.sum()
    }

    fn loss(&self, params: &Array1<f64>) -> f64 {
        let z = self.a.dot(params);
        // ln(1 + eᶻ) without the exponential of a large number.
        z.iter()
            .zip(&self.y)
            .map(|(&z, &y)| z.max(0.0) + (-z.abs()).exp().ln_1p() - y * z)
            .sum()
    }

    /// Gradient, shape `(p,)`, and Hessian, shape `(p, p)`.
    fn derivatives(&self, params: &Array1<f64>) -> (Array1<f64>, Array2<f64>) {
        let probabilities = self.a.dot(params).mapv_into(sigmoid);
        let gradient = self.a.t().dot(&(&probabilities - &self.y)) + &self.penalty * params;
        let weights = probabilities.mapv(|p| p * (1.0 - p)).insert_axis(Axis(1));
        let mut hessian = self.a.t().dot(&(&self.a * &weights));
        hessian
            .diag_mut()
            .zip_mut_with(&self.penalty, |h, penalty| *h += penalty);
        (gradient, hessian)
    }
}

/// `H⁻¹g`, unless rounding has cost `H` its positive definiteness.
fn newton_step(hessian: &Array2<f64>, gradient: &Array1<f64>) -> Option<Array1<f64>> {
    Cholesky::new(hessian.view())
        .ok()?
        .solve(gradient.view())
        .ok()
}
