use ndarray::{Array1, Array2};

use crate::{DatasetError, catalogue, table};

/// The cars of Auto: fuel economy, engine, weight, year and origin of 392 models.
///
/// The five cars of the original 397 whose horsepower is not known are left out.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Auto {
    /// Fuel economy in miles per US gallon.
    pub mpg: Array1<f64>,
    /// Number of cylinders, 3 to 8.
    pub cylinders: Array1<f64>,
    /// Engine displacement in cubic inches.
    pub displacement: Array1<f64>,
    /// Engine power in horsepower.
    pub horsepower: Array1<f64>,
    /// Weight in pounds.
    pub weight: Array1<f64>,
    /// Seconds from standstill to 60 miles per hour.
    pub acceleration: Array1<f64>,
    /// Model year less 1900, 70 to 82.
    pub year: Array1<f64>,
    /// Where it was made: 1 America, 2 Europe, 3 Japan.
    pub origin: Array1<f64>,
    /// Make and model.
    pub name: Vec<String>,
}

/// The columns in the order of the file.
const NUMERIC: [&str; 8] = [
    "mpg",
    "cylinders",
    "displacement",
    "horsepower",
    "weight",
    "acceleration",
    "year",
    "origin",
];

/// The columns in SI units that are computed from those.
const DERIVED: [&str; 4] = [
    "consumption_l_per_100km",
    "displacement_l",
    "power_kw",
    "weight_kg",
];

/// Litres that 100 km take at one mile per US gallon: 100 × 3.785411784 / 1.609344.
const L_PER_100KM_AT_1_MPG: f64 = 235.214_583_333_333_33;
/// Litres in a cubic inch.
const L_PER_CUBIC_INCH: f64 = 0.016_387_064;
/// Kilowatts in a mechanical horsepower.
const KW_PER_HP: f64 = 0.745_699_871_582_270_2;
/// Kilograms in a pound.
const KG_PER_POUND: f64 = 0.453_592_37;

/// Reads the Auto data.
///
/// # Errors
/// [`DatasetError`] if the file is missing, altered or malformed.
///
/// # Examples
/// ```
/// let auto = datasets::auto()?;
/// assert_eq!(auto.len(), 392);
/// assert!((auto.mpg.mean().unwrap() - 23.4459).abs() < 1e-4);
/// # Ok::<(), datasets::DatasetError>(())
/// ```
///
/// # References
/// James, Witten, Hastie, Tibshirani and Taylor, *An Introduction to Statistical Learning with
/// Applications in Python* (2023), whose package carries it.
pub fn auto() -> Result<Auto, DatasetError> {
    let set = catalogue::find("auto")?;
    let columns = table::parse(&set.path(), &set.read()?, NUMERIC, Some("name"))?;
    let [
        mpg,
        cylinders,
        displacement,
        horsepower,
        weight,
        acceleration,
        year,
        origin,
    ] = columns.numbers;
    Ok(Auto {
        mpg: Array1::from(mpg),
        cylinders: Array1::from(cylinders),
        displacement: Array1::from(displacement),
        horsepower: Array1::from(horsepower),
        weight: Array1::from(weight),
        acceleration: Array1::from(acceleration),
        year: Array1::from(year),
        origin: Array1::from(origin),
        name: columns.text,
    })
}

impl Auto {
    /// Number of cars.
    pub fn len(&self) -> usize {
        self.mpg.len()
    }

    /// Whether there are no cars.
    pub fn is_empty(&self) -> bool {
        self.mpg.is_empty()
    }

    /// The names that [`column`](Auto::column) and [`design`](Auto::design) take: those of the
    /// file, then those in SI units.
    pub fn columns() -> Vec<&'static str> {
        [&NUMERIC[..], &DERIVED[..]].concat()
    }

    /// One column by its name.
    ///
    /// Beside the file's own there are four in SI units: `consumption_l_per_100km` (litres per
    /// 100 km), `displacement_l` (litres), `power_kw` (kilowatts) and `weight_kg` (kilograms).
    ///
    /// # Returns
    /// Shape (n_samples).
    ///
    /// # Errors
    /// [`DatasetError::UnknownColumn`].
    ///
    /// # Examples
    /// ```
    /// let auto = datasets::auto()?;
    /// let kg = auto.column("weight_kg")?;
    /// assert!((kg[0] - 1589.39).abs() < 0.01);    // 3504 lb
    /// # Ok::<(), datasets::DatasetError>(())
    /// ```
    pub fn column(&self, name: &str) -> Result<Array1<f64>, DatasetError> {
        Ok(match name {
            "mpg" => self.mpg.clone(),
            "cylinders" => self.cylinders.clone(),
            "displacement" => self.displacement.clone(),
            "horsepower" => self.horsepower.clone(),
            "weight" => self.weight.clone(),
            "acceleration" => self.acceleration.clone(),
            "year" => self.year.clone(),
            "origin" => self.origin.clone(),
            "consumption_l_per_100km" => self.mpg.mapv(|mpg| L_PER_100KM_AT_1_MPG / mpg),
            "displacement_l" => &self.displacement * L_PER_CUBIC_INCH,
            "power_kw" => &self.horsepower * KW_PER_HP,
            "weight_kg" => &self.weight * KG_PER_POUND,
            _ => {
                return Err(DatasetError::UnknownColumn {
                    dataset: "auto",
                    column: name.to_owned(),
                    known: Auto::columns(),
                });
            }
        })
    }

    /// The named columns side by side, as a design matrix without an intercept.
    ///
    /// # Returns
    /// Shape (n_samples, n_features), in the order of `names`.
    ///
    /// # Errors
    /// [`DatasetError::UnknownColumn`].
    ///
    /// # Examples
    /// ```
    /// let x = datasets::auto()?.design(&["horsepower", "weight"])?;
    /// assert_eq!(x.dim(), (392, 2));
    /// assert_eq!(x.row(0).to_vec(), [130.0, 3504.0]);
    /// # Ok::<(), datasets::DatasetError>(())
    /// ```
    pub fn design(&self, names: &[&str]) -> Result<Array2<f64>, DatasetError> {
        let mut x = Array2::zeros((self.len(), names.len()));
        for (name, mut column) in names.iter().zip(x.columns_mut()) {
            column.assign(&self.column(name)?);
        }
        Ok(x)
    }

    /// Where car `i` was made: `America`, `Europe` or `Japan`.
    ///
    /// # Panics
    /// If there is no car `i`.
    pub fn origin_name(&self, i: usize) -> &'static str {
        match self.origin[i] as u8 {
            1 => "America",
            2 => "Europe",
            _ => "Japan",
        }
    }
}
