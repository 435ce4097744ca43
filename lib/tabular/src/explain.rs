//! Why one customer gets the probability that they get.

use serde::Serialize;

/// What one field adds to a customer's log-odds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contribution {
    /// The field of the customer.
    pub field: String,
    /// Its value, as text.
    pub value: String,
    /// The log-odds that it adds, against a customer who is average in it.
    pub log_odds: f64,
}

/// One prediction as a sum: `log_odds = baseline + Σ contributions`.
///
/// # References
/// Chapter *Churn pipeline*, section "Explain one prediction".
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The log-odds of a customer whose columns are all at the training mean.
    pub baseline: f64,
    /// What each field adds, the largest first.
    pub contributions: Vec<Contribution>,
    /// The customer's log-odds of leaving.
    pub log_odds: f64,
    /// The customer's probability of leaving, `1 / (1 + exp(−log_odds))`.
    pub probability: f64,
}
