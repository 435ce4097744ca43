//! What a file of customers must hold, and errors that name its lines.

use polars::io::RowIndex;
use polars::prelude::{
    Expr, LazyCsvReader, LazyFileListReader, LazyFrame, NULL, PolarsError, col, lit, when,
};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Why a file is not a table of customers. Lines are counted from 1, the header being the first.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The file could not be read.
    #[error("{}: cannot be read: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds no customer.
    #[error("{}: no customers: expected a header line and a line for each customer", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Columns are missing from the header.
    #[error("{}:1: no column {}", .path.display(), .missing.join(", "))]
    MissingColumns {
        /// The file.
        path: PathBuf,
        /// The columns that are not there, in the order of [`SCHEMA`].
        missing: Vec<String>,
    },
    /// A line has more or fewer fields than the header.
    #[error("{}:{line}: {found} fields, expected {expected} as in the header", .path.display())]
    Fields {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// Fields of the header.
        expected: usize,
        /// Fields of the line.
        found: usize,
    },
    /// A value is not of its column's kind.
    #[error("{}:{line}: {column} is {}, expected {expected}", .path.display(), shown(.value))]
    Value {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The column.
        column: &'static str,
        /// What stands there; none for a blank.
        value: Option<String>,
        /// What may stand there.
        expected: String,
    },
    /// polars refused the file for another reason.
    #[error("{}: {source}", .path.display())]
    Polars {
        /// The file.
        path: PathBuf,
        /// What polars said.
        source: PolarsError,
    },
}

fn shown(value: &Option<String>) -> String {
    match value {
        Some(text) => format!("{text:?}"),
        None => "blank".to_owned(),
    }
}

/// The kind of a column, and what may stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number that names the customer.
    Id,
    /// 0 or 1.
    Flag,
    /// Months, a whole number of at least 0.
    Months,
    /// US dollars, at least 0.
    Dollars,
    /// US dollars, at least 0, or blank.
    DollarsOrBlank,
    /// One of these texts.
    Level(&'static [&'static str]),
}

/// The columns that a table needs, with their kinds. Others are not read.
///
/// Levels are listed, since a level that [`encode`](crate::encode) has no column for would be taken for another: a new
/// one stops training until somebody decides what it means.
pub const SCHEMA: [(&str, Kind); 21] = {
    use Kind::{Dollars, DollarsOrBlank, Flag, Id, Level, Months};
    const WITH_INTERNET: Kind = Level(&["No", "Yes", "No internet service"]);
    [
        ("customer", Id),
        ("churn", Level(&["No", "Yes"])),
        ("female", Flag),
        ("senior_citizen", Flag),
        ("partner", Flag),
        ("dependents", Flag),
        ("tenure", Months),
        ("phone_service", Flag),
        ("multiple_lines", Level(&["No", "Yes", "No phone service"])),
        ("internet_service", Level(&["DSL", "Fiber optic", "No"])),
        ("online_security", WITH_INTERNET),
        ("online_backup", WITH_INTERNET),
        ("device_protection", WITH_INTERNET),
        ("tech_support", WITH_INTERNET),
        ("streaming_tv", WITH_INTERNET),
        ("streaming_movies", WITH_INTERNET),
        (
            "contract",
            Level(&["Month-to-month", "One year", "Two year"]),
        ),
        ("paperless_billing", Flag),
        (
            "payment_method",
            Level(&[
                "Bank transfer (automatic)",
                "Credit card (automatic)",
                "Electronic check",
                "Mailed check",
            ]),
        ),
        ("monthly_charges", Dollars),
        ("total_charges", DollarsOrBlank),
    ]
};

/// The column that [`scan`] adds: the line of the file, from 2.
pub const LINE: &str = "line";

impl Kind {
    fn expected(self) -> String {
        match self {
            Kind::Id => "a whole number".to_owned(),
            Kind::Flag => "0 or 1".to_owned(),
            Kind::Months => "months, a whole number from 0".to_owned(),
            Kind::Dollars => "US dollars, a number from 0".to_owned(),
            Kind::DollarsOrBlank => "US dollars, a number from 0, or blank".to_owned(),
            Kind::Level(levels) => format!("one of {}", levels.join(", ")),
        }
    }

    /// Whether the text of a column is none of this kind, as an expression.
    fn fault(self, name: &str) -> Expr {
        use polars::prelude::DataType;
        let text = col(name);
        let number = || text.clone().cast(DataType::Float64);
        let amount = || {
            number()
                .is_null()
                .or(number().lt(lit(0.0)))
                .or(number().is_infinite())
                .or(number().is_nan())
        };
        let whole = || text.clone().cast(DataType::Int64);
        match self {
            Kind::Id => whole().is_null(),
            Kind::Months => whole().is_null().or(whole().lt(lit(0))),
            Kind::Dollars => amount(),
            Kind::DollarsOrBlank => text
                .clone()
                .is_not_null()
                .and(text.clone().neq(lit(" ")))
                .and(amount()),
            Kind::Flag => none_of(&text, &["0", "1"]),
            Kind::Level(levels) => none_of(&text, levels),
        }
    }
}

fn none_of(text: &Expr, levels: &[&'static str]) -> Expr {
    let other = levels.iter().map(|level| text.clone().neq(lit(*level)));
    let other = other.reduce(Expr::and).expect("a column of levels has one");
    // A blank is equal to nothing and unequal to nothing.
    text.clone().is_null().or(other)
}

/// Plans to read a CSV file: every column as text, with the number of its line in [`LINE`]. Nothing but the header and
/// the number of fields in each line is read yet.
///
/// # Errors
/// [`TableError::Io`], [`TableError::Empty`], [`TableError::MissingColumns`] and [`TableError::Fields`].
///
/// # Complexity
/// `O(1)` memory.
///
/// # References
/// Chapter *Churn pipeline*, section "The customers".
pub fn scan(path: impl AsRef<Path>) -> Result<LazyFrame, TableError> {
    let path = path.as_ref();
    check_lines(path)?;
    LazyCsvReader::new(path)
        .with_has_header(true)
        .with_infer_schema_length(Some(0))
        .with_row_index(Some(RowIndex {
            name: LINE.into(),
            offset: 2,
        }))
        .finish()
        .map_err(|source| TableError::Polars {
            path: path.to_owned(),
            source,
        })
}

/// polars tells neither the line of a fault nor of a line that is too short, so lines are counted here.
fn check_lines(path: &Path) -> Result<(), TableError> {
    let io = |source| TableError::Io {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(io)?;
    let mut lines = BufReader::new(file).lines();
    let empty = || TableError::Empty {
        path: path.to_owned(),
    };
    let header = lines.next().ok_or_else(empty)?.map_err(io)?;
    let names: Vec<&str> = header
        .trim_start_matches('\u{feff}')
        .trim_end()
        .split(',')
        .collect();
    let missing = SCHEMA
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !names.contains(name));
    let missing: Vec<String> = missing.map(str::to_owned).collect();
    if header.trim().is_empty() {
        return Err(empty());
    }
    if !missing.is_empty() {
        return Err(TableError::MissingColumns {
            path: path.to_owned(),
            missing,
        });
    }
    let mut customers = 0;
    for (index, line) in lines.enumerate() {
        let found = line.map_err(io)?.split(',').count();
        if found != names.len() {
            return Err(TableError::Fields {
                path: path.to_owned(),
                line: index + 2,
                expected: names.len(),
                found,
            });
        }
        customers += 1;
    }
    if customers == 0 { Err(empty()) } else { Ok(()) }
}

/// Checks every value of a scanned table against [`SCHEMA`], all columns in one pass.
///
/// # Errors
/// [`TableError::Value`] with the first line at fault, and of that line the first column.
pub fn check(path: impl AsRef<Path>, raw: &LazyFrame) -> Result<(), TableError> {
    let path = path.as_ref();
    let refused = |source| TableError::Polars {
        path: path.to_owned(),
        source,
    };
    let first_faults: Vec<Expr> = SCHEMA
        .iter()
        .map(|(name, kind)| {
            when(kind.fault(name))
                .then(col(LINE))
                .otherwise(lit(NULL))
                .min()
                .alias(*name)
        })
        .collect();
    let first = raw
        .clone()
        .select(first_faults)
        .collect()
        .map_err(refused)?;
    let mut at_fault: Option<(usize, &'static str, Kind)> = None;
    for (name, kind) in SCHEMA {
        let line = first
            .column(name)
            .and_then(|c| c.u32().map(|c| c.get(0)))
            .map_err(refused)?;
        if let Some(line) = line.map(|line| line as usize)
            && at_fault.is_none_or(|(least, ..)| line < least)
        {
            at_fault = Some((line, name, kind));
        }
    }
    let Some((line, column, kind)) = at_fault else {
        return Ok(());
    };
    let value = raw
        .clone()
        .filter(col(LINE).eq(lit(line as u32)))
        .select([col(column)]);
    let value = value.collect().map_err(refused)?;
    let value = value
        .column(column)
        .and_then(|c| c.str().map(|c| c.get(0).map(str::to_owned)));
    Err(TableError::Value {
        path: path.to_owned(),
        line,
        column,
        value: value.map_err(refused)?,
        expected: kind.expected(),
    })
}
