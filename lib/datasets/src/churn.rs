use std::path::PathBuf;

use crate::{DatasetError, catalogue, fetched};

/// A file of telephone customers: what they had, what they paid, and whether they left.
///
/// A customer a row. Names and values are those of the source, `wa_churn` of the R package modeldata:
/// snake_case, and 0 and 1 where the original table has No and Yes. A blank `total_charges` is a customer
/// who has not been charged yet (`tenure` 0); there are 11 of them, all in [`churn`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Churn {
    /// The CSV file: a header line of the names of [`Churn::COLUMNS`], commas, no quotes.
    pub path: PathBuf,
    /// Number of customers, a line each after the header.
    pub customers: usize,
}

/// A column of [`Churn`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChurnColumn {
    /// Its name in the header.
    pub name: &'static str,
    /// What it tells.
    pub meaning: &'static str,
    /// Its values, or their unit.
    pub values: &'static str,
}

const ZERO_ONE: &str = "0 no, 1 yes";
const NO_YES: &str = "No, Yes";
const WITH_INTERNET: &str = "No, Yes, No internet service";

const fn column(name: &'static str, meaning: &'static str, values: &'static str) -> ChurnColumn {
    ChurnColumn {
        name,
        meaning,
        values,
    }
}

impl Churn {
    /// The columns in the order of the file, with units: tenure in months, charges in US dollars.
    ///
    /// # Examples
    /// ```
    /// let tenure = datasets::Churn::COLUMNS.iter().find(|c| c.name == "tenure").unwrap();
    /// assert_eq!(tenure.values, "months, 0 to 72");
    /// ```
    pub const COLUMNS: [ChurnColumn; 21] = [
        column(
            "customer",
            "row of the original table",
            "1 to 7043; identifies, predicts nothing",
        ),
        column(
            "churn",
            "whether the customer left within the last month: the target",
            NO_YES,
        ),
        column("female", "whether the customer is a woman", ZERO_ONE),
        column(
            "senior_citizen",
            "whether the customer is 65 or older",
            ZERO_ONE,
        ),
        column("partner", "whether the customer has a partner", ZERO_ONE),
        column(
            "dependents",
            "whether the customer has dependents",
            ZERO_ONE,
        ),
        column("tenure", "time as a customer", "months, 0 to 72"),
        column(
            "phone_service",
            "whether there is a telephone line",
            ZERO_ONE,
        ),
        column(
            "multiple_lines",
            "whether there is more than one",
            "No, Yes, No phone service",
        ),
        column(
            "internet_service",
            "kind of internet access",
            "DSL, Fiber optic, No",
        ),
        column(
            "online_security",
            "an addition to the internet access",
            WITH_INTERNET,
        ),
        column(
            "online_backup",
            "an addition to the internet access",
            WITH_INTERNET,
        ),
        column(
            "device_protection",
            "an addition to the internet access",
            WITH_INTERNET,
        ),
        column(
            "tech_support",
            "an addition to the internet access",
            WITH_INTERNET,
        ),
        column("streaming_tv", "use of the internet access", WITH_INTERNET),
        column(
            "streaming_movies",
            "use of the internet access",
            WITH_INTERNET,
        ),
        column(
            "contract",
            "term of the contract",
            "Month-to-month, One year, Two year",
        ),
        column(
            "paperless_billing",
            "whether bills are sent without paper",
            ZERO_ONE,
        ),
        column(
            "payment_method",
            "how bills are paid",
            "Electronic check, Mailed check, Bank transfer (automatic), Credit card (automatic)",
        ),
        column(
            "monthly_charges",
            "charge for the last month",
            "US dollars a month",
        ),
        column(
            "total_charges",
            "charges since the first month",
            "US dollars; blank: none yet",
        ),
    ];
}

/// The churn data: 5,000 of the 7,043 customers, committed with the course.
///
/// The subset is stratified by `churn` and `contract`; 1,327 of the 5,000 left.
///
/// # Errors
/// [`DatasetError`] if the file is missing or altered.
///
/// # Examples
/// ```
/// let churn = datasets::churn()?;
/// let text = std::fs::read_to_string(&churn.path)?;
/// assert_eq!(text.lines().count(), 1 + churn.customers);
/// let left = text.lines().filter(|line| line.split(',').nth(1) == Some("Yes"));
/// assert_eq!(left.count(), 1327);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// IBM's sample data set Telco customer churn, by way of the R package modeldata.
pub fn churn() -> Result<Churn, DatasetError> {
    let set = catalogue::find("churn")?;
    Ok(Churn {
        path: set.verified_path()?,
        customers: set.rows,
    })
}

/// The other 2,043 customers, which are fetched and never committed: a last test set.
///
/// No customer of [`churn`] is among them; 7 are like one of those in every column but `customer`.
/// 542 of the 2,043 left, and none has a blank `total_charges`.
///
/// # Errors
/// [`DatasetError::NotFetched`] with the command that fetches them, or another [`DatasetError`] if the file
/// is altered.
///
/// # Examples
/// ```
/// match datasets::churn_rest() {
///     Ok(rest) => assert_eq!(rest.customers, 2043),
///     Err(error) => assert!(error.to_string().contains("cargo course data fetch churn-rest")),
/// }
/// ```
pub fn churn_rest() -> Result<Churn, DatasetError> {
    let rest = fetched("churn-rest")?;
    Ok(Churn {
        path: rest.file("churn-rest.csv")?.to_owned(),
        customers: 2043,
    })
}
