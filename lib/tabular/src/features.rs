//! A customer as numbers: the same columns as the polars expressions of [`churn`](crate::churn), one row at a time.

use crate::Customer;

/// The names of the model's columns, in order.
///
/// | column | meaning |
/// |---|---|
/// | `log_tenure` | `ln(1 + tenure)`, tenure in months |
/// | `monthly_charges` | US dollars a month |
/// | `price_change` | the last month's charge less the mean charge so far, US dollars; 0 if nothing has been charged |
/// | six flags | 1 for true |
/// | seven additions | 1 for `Yes` |
/// | `field=level` | 1 if the field has that level; a level of each field is left out, to compare with |
pub const COLUMNS: [&str; 23] = [
    "log_tenure",
    "monthly_charges",
    "price_change",
    "female",
    "senior_citizen",
    "partner",
    "dependents",
    "phone_service",
    "paperless_billing",
    "multiple_lines",
    "online_security",
    "online_backup",
    "device_protection",
    "tech_support",
    "streaming_tv",
    "streaming_movies",
    "internet_service=Fiber optic",
    "internet_service=No",
    "contract=One year",
    "contract=Two year",
    "payment_method=Credit card (automatic)",
    "payment_method=Electronic check",
    "payment_method=Mailed check",
];

/// The field of [`Customer`] that a column comes from.
pub(crate) fn field_of(column: &str) -> &str {
    match column {
        "log_tenure" => "tenure",
        "price_change" => "total_charges",
        column => column.split('=').next().unwrap_or(column),
    }
}

/// The columns of a customer before they are standardised, in the order of [`COLUMNS`].
///
/// A level that is not among the columns gives zeros, as the level left out does: [`Preprocessor`](crate::Preprocessor)
/// tells the two apart.
///
/// # Examples
/// ```
/// use tabular::{Customer, encode};
///
/// let row = encode(&Customer::example());
/// assert!((row[0] - 3.0_f64.ln()).abs() < 1e-15);          // two months
/// assert!((row[2] - (70.7 - 151.65 / 2.0)).abs() < 1e-12); // the price has fallen by 5.13 dollars
/// ```
pub fn encode(customer: &Customer) -> [f64; COLUMNS.len()] {
    let c = customer;
    let is = |field: &str, level: &str| f64::from(c.category(field) == level);
    let price_change = match c.total_charges {
        Some(total) if c.tenure > 0 => c.monthly_charges - total / f64::from(c.tenure),
        _ => 0.0,
    };
    [
        f64::from(c.tenure).ln_1p(),
        c.monthly_charges,
        price_change,
        f64::from(c.female),
        f64::from(c.senior_citizen),
        f64::from(c.partner),
        f64::from(c.dependents),
        f64::from(c.phone_service),
        f64::from(c.paperless_billing),
        is("multiple_lines", "Yes"),
        is("online_security", "Yes"),
        is("online_backup", "Yes"),
        is("device_protection", "Yes"),
        is("tech_support", "Yes"),
        is("streaming_tv", "Yes"),
        is("streaming_movies", "Yes"),
        is("internet_service", "Fiber optic"),
        is("internet_service", "No"),
        is("contract", "One year"),
        is("contract", "Two year"),
        is("payment_method", "Credit card (automatic)"),
        is("payment_method", "Electronic check"),
        is("payment_method", "Mailed check"),
    ]
}
