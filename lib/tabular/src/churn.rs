//! The table of customers as polars plans: scanned, cleaned, and turned into the model's columns.

use crate::schema::{self, TableError};
use crate::{CATEGORIES, COLUMNS, Customer, FLAGS, Table, file};
use ndarray::{Array1, Array2};

use polars::prelude::{
    Column, DataFrame, DataType, Expr, IdxCa, IdxSize, IntoLazy, LazyFrame, NULL, PolarsError,
    PolarsResult, col, lit, when,
};
use std::path::Path;

/// Gives the text columns of [`schema::scan`] their types: `churn` and the flags become booleans, months and dollars
/// numbers, and a blank charge a null.
///
/// The eleven blank `total_charges` of the data are customers in their first month: nothing has been charged yet. They
/// are null here, neither 0 nor the mean, and [`columns`] says what a null means.
pub fn clean(raw: LazyFrame) -> LazyFrame {
    let flags = FLAGS.iter().map(|name| col(*name).eq(lit("1")));
    let blank = || col("total_charges").eq(lit(" "));
    let typed = [
        col("customer").cast(DataType::UInt32),
        col("churn").eq(lit("Yes")),
        col("tenure").cast(DataType::UInt32),
        col("monthly_charges").cast(DataType::Float64),
        when(blank())
            .then(lit(NULL))
            .otherwise(col("total_charges"))
            .cast(DataType::Float64)
            .alias("total_charges"),
    ];
    raw.with_columns(flags.chain(typed).collect::<Vec<Expr>>())
}

/// The model's columns as expressions of a cleaned table, in the order of [`COLUMNS`].
///
/// They say the same as [`encode`](crate::encode), which a service runs on one customer; a test compares the two on
/// every customer.
pub fn columns() -> Vec<Expr> {
    let number = |name: &str| col(name).cast(DataType::Float64);
    let mean_charge = col("total_charges") / number("tenure");
    let charged = col("tenure")
        .gt(lit(0))
        .and(col("total_charges").is_not_null());
    let mut columns = vec![
        number("tenure").log1p().alias("log_tenure"),
        col("monthly_charges"),
        when(charged)
            .then(col("monthly_charges") - mean_charge)
            .otherwise(lit(0.0))
            .alias("price_change"),
    ];
    columns.extend(FLAGS.iter().map(|name| number(name)));
    for name in &COLUMNS[9..] {
        let (field, level) = name.split_once('=').unwrap_or((name, "Yes"));
        let is_level = col(field).eq(lit(level)).cast(DataType::Float64);
        columns.push(is_level.alias(*name));
    }
    columns
}

/// The customers of these rows, counted from 0, in their order: the training customers, say.
///
/// The table is collected for it.
///
/// # Errors
/// What polars says of the table, or of a row beyond its end.
///
/// # Examples
/// ```
/// use tabular::churn;
///
/// let clean = churn::clean(tabular::schema::scan(datasets::churn()?.path)?);
/// let few = churn::take(clean, &[0, 1, 4])?;
/// let rates = churn::rates(few, "contract")?;
/// assert_eq!(rates.iter().map(|rate| rate.customers).sum::<u32>(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn take(clean: LazyFrame, rows: &[usize]) -> PolarsResult<LazyFrame> {
    let rows = rows.iter().map(|&row| row as IdxSize).collect();
    let rows = IdxCa::from_vec("row".into(), rows);
    Ok(clean.collect()?.take(&rows)?.lazy())
}

/// The rate of leaving in each group of a cleaned table.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    /// The group's name.
    pub level: String,
    /// Its customers.
    pub customers: u32,
    /// The share of them who left, from 0 to 1.
    pub left: f64,
}

/// The rate of leaving for each level of a category, the highest first.
///
/// # Errors
/// What polars says, if the column is not of text.
///
/// # Examples
/// ```
/// let raw = tabular::schema::scan(datasets::churn()?.path)?;
/// let rates = tabular::churn::rates(tabular::churn::clean(raw), "contract")?;
/// assert_eq!(rates[0].level, "Month-to-month");
/// assert!((rates[0].left - 0.427).abs() < 5e-3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn rates(clean: LazyFrame, field: &str) -> PolarsResult<Vec<Rate>> {
    let groups = clean
        .group_by([col(field)])
        .agg([
            col("churn").count().alias("customers"),
            col("churn").cast(DataType::Float64).mean().alias("left"),
        ])
        .collect()?;
    let (level, customers, left) = (
        groups.column(field)?.str()?,
        groups.column("customers")?.u32()?,
        groups.column("left")?.f64()?,
    );
    let mut rates: Vec<Rate> = (0..groups.height())
        .map(|i| Rate {
            level: level.get(i).unwrap_or("(blank)").to_owned(),
            customers: customers.get(i).unwrap_or(0),
            left: left.get(i).unwrap_or(f64::NAN),
        })
        .collect();
    rates.sort_by(|a, b| b.left.total_cmp(&a.left));
    Ok(rates)
}

impl Table {
    /// Scans, checks and cleans a file of customers, and computes the model's columns with polars.
    ///
    /// # Errors
    /// [`TableError`] with the file, and the line where there is one.
    ///
    /// # Complexity
    /// `O(n)` time and memory.
    ///
    /// # Examples
    /// ```
    /// let table = tabular::Table::read(datasets::churn()?.path)?;
    /// assert_eq!(table.x.dim(), (5000, 23));
    /// assert_eq!(table.left.sum(), 1327.0);
    /// assert_eq!(table.customers.iter().filter(|c| c.total_charges.is_none()).count(), 11);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(path: impl AsRef<Path>) -> Result<Self, TableError> {
        let path = path.as_ref();
        let raw = schema::scan(path)?;
        schema::check(path, &raw)?;
        let bytes = std::fs::read(path).map_err(|source| TableError::Io {
            path: path.to_owned(),
            source,
        })?;
        let refused = |source: PolarsError| TableError::Polars {
            path: path.to_owned(),
            source,
        };
        let clean = clean(raw);
        let frame = clean.clone().collect().map_err(refused)?;
        let features = clean.select(columns()).collect().map_err(refused)?;
        Ok(Table {
            path: path.to_owned(),
            sha256: file::digest(&bytes),
            customers: customers(&frame).map_err(refused)?,
            left: flags(frame.column("churn").map_err(refused)?)
                .map_err(refused)?
                .map(|v| f64::from(*v)),
            x: matrix(&features).map_err(refused)?,
        })
    }
}

fn flags(column: &Column) -> PolarsResult<Array1<bool>> {
    Ok(column
        .bool()?
        .into_iter()
        .map(|v| v == Some(true))
        .collect())
}

fn matrix(frame: &DataFrame) -> PolarsResult<Array2<f64>> {
    let mut x = Array2::zeros((frame.height(), frame.width()));
    for (mut target, column) in x.columns_mut().into_iter().zip(frame.get_columns()) {
        for (target, value) in target.iter_mut().zip(column.f64()?) {
            *target = value.unwrap_or(f64::NAN);
        }
    }
    Ok(x)
}

fn customers(frame: &DataFrame) -> PolarsResult<Vec<Customer>> {
    let flag = |name: &str| flags(frame.column(name)?);
    let [female, senior, partner, dependents, phone, paperless] = FLAGS.map(flag);
    let (female, senior, partner) = (female?, senior?, partner?);
    let (dependents, phone, paperless) = (dependents?, phone?, paperless?);
    let tenure = frame.column("tenure")?.u32()?;
    let monthly = frame.column("monthly_charges")?.f64()?;
    let total = frame.column("total_charges")?.f64()?;
    let texts = CATEGORIES.map(|name| frame.column(name).and_then(|c| c.str()));
    let texts = texts.into_iter().collect::<PolarsResult<Vec<_>>>()?;
    Ok((0..frame.height())
        .map(|i| {
            let mut category = texts
                .iter()
                .map(|text| text.get(i).unwrap_or_default().to_owned());
            let mut next = || category.next().unwrap_or_default();
            Customer {
                female: female[i],
                senior_citizen: senior[i],
                partner: partner[i],
                dependents: dependents[i],
                tenure: tenure.get(i).unwrap_or_default(),
                phone_service: phone[i],
                multiple_lines: next(),
                internet_service: next(),
                online_security: next(),
                online_backup: next(),
                device_protection: next(),
                tech_support: next(),
                streaming_tv: next(),
                streaming_movies: next(),
                contract: next(),
                paperless_billing: paperless[i],
                payment_method: next(),
                monthly_charges: monthly.get(i).unwrap_or(f64::NAN),
                total_charges: total.get(i),
            }
        })
        .collect())
}

/// The plan that polars makes of the model's columns, as text: what is read, and where columns are dropped.
///
/// # Errors
/// What polars says of the plan.
pub fn explain(raw: LazyFrame) -> PolarsResult<String> {
    clean(raw).select(columns()).explain(true)
}
