use ndarray::{Array1, Array2, Axis};

use crate::{DatasetError, catalogue, table};

/// Ten measurements of 442 patients, and the progression of their diabetes a year later.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Diabetes {
    /// The measurements as taken, shape (442, 10), in the order of [`Diabetes::FEATURES`].
    pub data: Array2<f64>,
    /// Progression one year later, 25 to 346, without unit. Shape (442).
    pub target: Array1<f64>,
}

const COLUMNS: [&str; 11] = [
    "age",
    "sex",
    "bmi",
    "bp",
    "s1",
    "s2",
    "s3",
    "s4",
    "s5",
    "s6",
    "progression",
];

/// Reads the diabetes data.
///
/// # Errors
/// [`DatasetError`] if the file is missing, altered or malformed.
///
/// # Examples
/// ```
/// let diabetes = datasets::diabetes()?;
/// assert_eq!(diabetes.data.dim(), (442, 10));
/// assert!((diabetes.target.mean().unwrap() - 152.1335).abs() < 1e-4);
/// # Ok::<(), datasets::DatasetError>(())
/// ```
///
/// # References
/// Efron, Hastie, Johnstone and Tibshirani, *Least angle regression* (2004).
pub fn diabetes() -> Result<Diabetes, DatasetError> {
    let set = catalogue::find("diabetes")?;
    let [features @ .., target] = table::parse(&set.path(), &set.read()?, COLUMNS, None)?.numbers;
    let data = Array2::from_shape_fn((target.len(), features.len()), |(i, j)| features[j][i]);
    Ok(Diabetes {
        data,
        target: Array1::from(target),
    })
}

impl Diabetes {
    /// Names of the ten features: age (years), sex (1 or 2), body mass index (kg/m²), mean blood
    /// pressure (mm Hg), and six of blood serum: total cholesterol, low- and high-density
    /// lipoproteins, their ratio, log of triglycerides, blood sugar.
    pub const FEATURES: [&'static str; 10] = [
        "age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6",
    ];

    /// The measurements with each column centred and scaled to length one, as scikit-learn's
    /// `load_diabetes` gives them.
    ///
    /// # Returns
    /// Shape (442, 10): columns of mean 0 whose squares add up to 1.
    ///
    /// # Examples
    /// ```
    /// let x = datasets::diabetes()?.scaled();
    /// assert!((x[[0, 0]] - 0.038_075_906_4).abs() < 1e-9);
    /// # Ok::<(), datasets::DatasetError>(())
    /// ```
    pub fn scaled(&self) -> Array2<f64> {
        let mut x = self.data.clone();
        for mut column in x.axis_iter_mut(Axis(1)) {
            let mean = column.sum() / column.len() as f64;
            column.mapv_inplace(|value| value - mean);
            let length = column.iter().map(|value| value * value).sum::<f64>().sqrt();
            column.mapv_inplace(|value| value / length);
        }
        x
    }
}
