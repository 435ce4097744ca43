//! A customer as a service receives them: typed fields, and every fault of a body named by its field.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A customer of the telephone company, as known on the day of the prediction.
///
/// It is the JSON body of a request, with the fields' own names. Every field is required but `total_charges`, which is
/// null or left out while nothing has been charged. A category that training has not seen is no error: see
/// [`Pipeline::predict`](crate::Pipeline::predict).
///
/// # Examples
/// ```
/// use tabular::Customer;
///
/// let customer = Customer::example();
/// let body = serde_json::to_string(&customer)?;
/// assert_eq!(Customer::from_json(&body)?, customer);
/// assert_eq!(customer.tenure, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    /// Whether the customer is a woman.
    pub female: bool,
    /// Whether the customer is 65 or older.
    pub senior_citizen: bool,
    /// Whether the customer has a partner.
    pub partner: bool,
    /// Whether the customer has dependents.
    pub dependents: bool,
    /// Time as a customer, in months, 0 to 1200.
    pub tenure: u32,
    /// Whether there is a telephone line.
    pub phone_service: bool,
    /// Whether there is more than one: `No`, `Yes`, `No phone service`.
    pub multiple_lines: String,
    /// Internet access: `DSL`, `Fiber optic`, `No`.
    pub internet_service: String,
    /// `No`, `Yes`, `No internet service`, as for the five fields that follow.
    pub online_security: String,
    /// An addition to the internet access.
    pub online_backup: String,
    /// An addition to the internet access.
    pub device_protection: String,
    /// An addition to the internet access.
    pub tech_support: String,
    /// Use of the internet access.
    pub streaming_tv: String,
    /// Use of the internet access.
    pub streaming_movies: String,
    /// Term of the contract: `Month-to-month`, `One year`, `Two year`.
    pub contract: String,
    /// Whether bills are sent without paper.
    pub paperless_billing: bool,
    /// How bills are paid, such as `Electronic check`.
    pub payment_method: String,
    /// The charge for the last month, in US dollars, 0 to 1000.
    pub monthly_charges: f64,
    /// The charges since the first month, in US dollars, 0 to 1,000,000; none while nothing has been charged.
    #[serde(default)]
    pub total_charges: Option<f64>,
}

/// The fields of [`Customer`] that are categories, in its order.
pub const CATEGORIES: [&str; 10] = [
    "multiple_lines",
    "internet_service",
    "online_security",
    "online_backup",
    "device_protection",
    "tech_support",
    "streaming_tv",
    "streaming_movies",
    "contract",
    "payment_method",
];

/// The fields of [`Customer`] that are true or false, in its order.
pub const FLAGS: [&str; 6] = [
    "female",
    "senior_citizen",
    "partner",
    "dependents",
    "phone_service",
    "paperless_billing",
];

const LONGEST_TENURE: u32 = 1200;
const HIGHEST_MONTHLY: f64 = 1000.0;
const HIGHEST_TOTAL: f64 = 1e6;
/// Characters of a category, so that a body cannot fill the logs.
const LONGEST_CATEGORY: usize = 64;

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The name of the field.
    pub field: String,
    /// What is wrong, with what was expected.
    pub problem: String,
}

/// A customer that cannot be judged, with all fields at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}", sentence(.errors))]
pub struct InvalidCustomer {
    /// The faults, in the order of the fields; never empty.
    pub errors: Vec<FieldError>,
}

fn sentence(errors: &[FieldError]) -> String {
    let each: Vec<String> = errors
        .iter()
        .map(|e| format!("{}: {}", e.field, e.problem))
        .collect();
    each.join("; ")
}

impl Customer {
    /// A customer of the data: two months with the company, fibre, month to month, electronic check.
    pub fn example() -> Self {
        let no = || "No".to_owned();
        Customer {
            female: true,
            senior_citizen: false,
            partner: false,
            dependents: false,
            tenure: 2,
            phone_service: true,
            multiple_lines: no(),
            internet_service: "Fiber optic".to_owned(),
            online_security: no(),
            online_backup: no(),
            device_protection: no(),
            tech_support: no(),
            streaming_tv: no(),
            streaming_movies: no(),
            contract: "Month-to-month".to_owned(),
            paperless_billing: true,
            payment_method: "Electronic check".to_owned(),
            monthly_charges: 70.7,
            total_charges: Some(151.65),
        }
    }

    /// Reads a JSON object, and says of every field at fault what is wrong with it.
    ///
    /// # Errors
    /// [`InvalidCustomer`] with each field that is missing, unknown, of the wrong type or out of range. A text that is
    /// no JSON object is a fault of the field `body`.
    ///
    /// # Examples
    /// ```
    /// let error = tabular::Customer::from_json(r#"{"tenure": -3, "age": 40}"#).unwrap_err();
    /// let of = |field: &str| error.errors.iter().find(|e| e.field == field).map(|e| e.problem.as_str());
    /// assert_eq!(of("tenure"), Some("is -3, expected whole months, 0 to 1200"));
    /// assert_eq!(of("age"), Some("is not a field of a customer"));
    /// assert_eq!(of("contract"), Some("is missing"));
    /// ```
    pub fn from_json(text: &str) -> Result<Self, InvalidCustomer> {
        let value: Value = serde_json::from_str(text).map_err(|error| InvalidCustomer {
            errors: vec![fault("body", format!("is not JSON: {error}"))],
        })?;
        Customer::from_value(&value)
    }

    /// As [`from_json`](Self::from_json), of a value that has been parsed.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    pub fn from_value(value: &Value) -> Result<Self, InvalidCustomer> {
        let Value::Object(object) = value else {
            let errors = vec![fault("body", "is not a JSON object".to_owned())];
            return Err(InvalidCustomer { errors });
        };
        let mut errors = faults_of_type(object);
        if errors.is_empty() {
            match serde_json::from_value::<Customer>(value.clone()) {
                Ok(customer) => return customer.validate().map(|()| customer),
                Err(error) => errors.push(fault("body", error.to_string())),
            }
        }
        Err(InvalidCustomer { errors })
    }

    /// Checks the ranges: months, dollars, and that no category is empty.
    ///
    /// # Errors
    /// [`InvalidCustomer`] with each field that is out of range or not finite.
    pub fn validate(&self) -> Result<(), InvalidCustomer> {
        let mut errors = Vec::new();
        if self.tenure > LONGEST_TENURE {
            errors.push(months(&self.tenure.to_string()));
        }
        for field in CATEGORIES {
            let value = self.category(field);
            if value.trim().is_empty() {
                errors.push(fault(field, "is empty, expected a name".to_owned()));
            } else if value.chars().count() > LONGEST_CATEGORY {
                let problem = format!("is longer than {LONGEST_CATEGORY} characters");
                errors.push(fault(field, problem));
            }
        }
        errors.extend(dollars(
            "monthly_charges",
            self.monthly_charges,
            HIGHEST_MONTHLY,
        ));
        if let Some(total) = self.total_charges {
            errors.extend(dollars("total_charges", total, HIGHEST_TOTAL));
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(InvalidCustomer { errors })
        }
    }

    /// The value of a field of [`CATEGORIES`].
    ///
    /// # Panics
    /// On another name.
    pub fn category(&self, field: &str) -> &str {
        match field {
            "multiple_lines" => &self.multiple_lines,
            "internet_service" => &self.internet_service,
            "online_security" => &self.online_security,
            "online_backup" => &self.online_backup,
            "device_protection" => &self.device_protection,
            "tech_support" => &self.tech_support,
            "streaming_tv" => &self.streaming_tv,
            "streaming_movies" => &self.streaming_movies,
            "contract" => &self.contract,
            "payment_method" => &self.payment_method,
            other => panic!("{other} is not a category of a customer"),
        }
    }

    /// The value of a field of [`FLAGS`].
    ///
    /// # Panics
    /// On another name.
    pub fn flag(&self, field: &str) -> bool {
        match field {
            "female" => self.female,
            "senior_citizen" => self.senior_citizen,
            "partner" => self.partner,
            "dependents" => self.dependents,
            "phone_service" => self.phone_service,
            "paperless_billing" => self.paperless_billing,
            other => panic!("{other} is not a flag of a customer"),
        }
    }
}

fn fault(field: &str, problem: String) -> FieldError {
    FieldError {
        field: field.to_owned(),
        problem,
    }
}

fn months(got: &str) -> FieldError {
    let problem = format!("is {got}, expected whole months, 0 to {LONGEST_TENURE}");
    fault("tenure", problem)
}

fn dollars(field: &str, value: f64, highest: f64) -> Option<FieldError> {
    let within = value.is_finite() && (0.0..=highest).contains(&value);
    let problem = format!("is {value}, expected US dollars, 0 to {highest}");
    (!within).then(|| fault(field, problem))
}

/// What serde would say of the first field alone, of all.
fn faults_of_type(object: &Map<String, Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut check =
        |field: &str, fits: &dyn Fn(&Value) -> bool, expected: &str| match object.get(field) {
            None => errors.push(fault(field, "is missing".to_owned())),
            Some(value) if !fits(value) => {
                errors.push(fault(
                    field,
                    format!("is {}, expected {expected}", short(value)),
                ));
            }
            Some(_) => {}
        };
    for field in FLAGS {
        check(field, &Value::is_boolean, "true or false");
    }
    let whole = |v: &Value| v.as_u64().is_some_and(|m| m <= u64::from(LONGEST_TENURE));
    check(
        "tenure",
        &whole,
        &format!("whole months, 0 to {LONGEST_TENURE}"),
    );
    for field in CATEGORIES {
        check(field, &Value::is_string, "a text");
    }
    check(
        "monthly_charges",
        &Value::is_number,
        "a number of US dollars",
    );
    if object.contains_key("total_charges") {
        let number_or_null = |v: &Value| v.is_number() || v.is_null();
        check(
            "total_charges",
            &number_or_null,
            "a number of US dollars, or null",
        );
    }
    let known = |name: &str| {
        FLAGS.contains(&name)
            || CATEGORIES.contains(&name)
            || ["tenure", "monthly_charges", "total_charges"].contains(&name)
    };
    for name in object.keys().filter(|name| !known(name)) {
        let name: String = name.chars().take(LONGEST_CATEGORY).collect();
        errors.push(fault(&name, "is not a field of a customer".to_owned()));
    }
    errors
}

/// A value as JSON, cut where it is long.
fn short(value: &Value) -> String {
    let text = value.to_string();
    let cut: String = text.chars().take(40).collect();
    if cut.len() < text.len() {
        format!("{cut}…")
    } else {
        cut
    }
}
