use ndarray::{Array1, Array2};

use crate::{DatasetError, catalogue, table};

/// Employment in the United States, 1947 to 1962, and six series that nearly determine each other.
///
/// The classic test of a least-squares program: with an intercept the condition number of the
/// design is near 5 × 10⁹, so that solving the normal equations loses most of the digits.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Longley {
    /// Total employment, in thousands: the response. Shape (16).
    pub employed: Array1<f64>,
    /// The six predictors, shape (16, 6), in the order of [`Longley::FEATURES`].
    pub data: Array2<f64>,
}

const COLUMNS: [&str; 7] = [
    "employed",
    "gnp_deflator",
    "gnp",
    "unemployed",
    "armed_forces",
    "population",
    "year",
];

/// Reads the Longley data.
///
/// # Errors
/// [`DatasetError`] if the file is missing, altered or malformed.
///
/// # Examples
/// ```
/// let longley = datasets::longley()?;
/// assert_eq!(longley.data.dim(), (16, 6));
/// assert_eq!(longley.employed[0], 60323.0);
/// # Ok::<(), datasets::DatasetError>(())
/// ```
///
/// # References
/// Longley, *An appraisal of least squares programs for the electronic computer from the point of
/// view of the user* (1967). The National Institute of Standards and Technology certifies its
/// regression to 15 digits (Statistical Reference Datasets).
pub fn longley() -> Result<Longley, DatasetError> {
    let set = catalogue::find("longley")?;
    let [employed, features @ ..] = table::parse(&set.path(), &set.read()?, COLUMNS, None)?.numbers;
    let data = Array2::from_shape_fn((employed.len(), features.len()), |(i, j)| features[j][i]);
    Ok(Longley {
        employed: Array1::from(employed),
        data,
    })
}

impl Longley {
    /// Names of the six predictors: price deflator of the gross national product (1954 = 100), the
    /// product itself (millions of dollars), unemployed and armed forces (thousands), population of
    /// 14 years and over (thousands), year.
    pub const FEATURES: [&'static str; 6] = [
        "gnp_deflator",
        "gnp",
        "unemployed",
        "armed_forces",
        "population",
        "year",
    ];

    /// The design matrix: a column of ones, then the six predictors.
    ///
    /// # Returns
    /// Shape (16, 7).
    pub fn design(&self) -> Array2<f64> {
        let (n, p) = self.data.dim();
        let mut x = Array2::ones((n, p + 1));
        x.slice_mut(ndarray::s![.., 1..]).assign(&self.data);
        x
    }
}
