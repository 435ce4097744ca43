//! A customer as a JSON body: every field at fault is named, with what was expected.

use serde_json::{Value, json};
use tabular::{Customer, InvalidCustomer};

fn body() -> Value {
    serde_json::to_value(Customer::example()).expect("a customer is JSON")
}

fn changed(field: &str, value: Value) -> Result<Customer, InvalidCustomer> {
    let mut body = body();
    body[field] = value;
    Customer::from_value(&body)
}

#[track_caller]
fn refused(field: &str, value: Value, problem: &str) {
    let error = changed(field, value).expect_err("the value is refused");
    assert_eq!(error.to_string(), format!("{field}: {problem}"));
    assert_eq!(error.errors.len(), 1);
}

#[test]
fn a_body_comes_back_as_the_customer() {
    assert_eq!(Customer::from_value(&body()), Ok(Customer::example()));
    assert_eq!(
        Customer::from_json(&body().to_string()),
        Ok(Customer::example())
    );
}

#[test]
fn a_wrong_type_is_named_with_the_value_and_what_was_expected() {
    refused("female", json!("yes"), "is \"yes\", expected true or false");
    refused("contract", json!(12), "is 12, expected a text");
    refused(
        "tenure",
        json!(2.5),
        "is 2.5, expected whole months, 0 to 1200",
    );
    refused(
        "tenure",
        json!(-1),
        "is -1, expected whole months, 0 to 1200",
    );
    refused(
        "monthly_charges",
        json!("70.7"),
        "is \"70.7\", expected a number of US dollars",
    );
    refused(
        "total_charges",
        json!(" "),
        "is \" \", expected a number of US dollars, or null",
    );
}

#[test]
fn a_number_in_another_unit_is_out_of_range() {
    // in cents, in days, below nothing
    refused(
        "monthly_charges",
        json!(7070),
        "is 7070, expected US dollars, 0 to 1000",
    );
    refused(
        "tenure",
        json!(2190),
        "is 2190, expected whole months, 0 to 1200",
    );
    refused(
        "total_charges",
        json!(-0.5),
        "is -0.5, expected US dollars, 0 to 1000000",
    );
}

#[test]
fn a_number_that_is_none_is_refused() {
    let customer = Customer {
        monthly_charges: f64::NAN,
        ..Customer::example()
    };
    let error = customer.validate().expect_err("NaN is refused");
    assert_eq!(
        error.to_string(),
        "monthly_charges: is NaN, expected US dollars, 0 to 1000"
    );
    let customer = Customer {
        total_charges: Some(f64::INFINITY),
        ..Customer::example()
    };
    assert!(customer.validate().is_err());
    // JSON has no NaN: the text is refused as a whole.
    let text = body().to_string().replace("70.7", "NaN");
    let error = Customer::from_json(&text).expect_err("not JSON");
    assert!(
        error.to_string().starts_with("body: is not JSON"),
        "{error}"
    );
}

#[test]
fn charges_may_be_missing_and_nothing_else() {
    let mut without = body();
    without
        .as_object_mut()
        .expect("an object")
        .remove("total_charges");
    assert_eq!(
        Customer::from_value(&without)
            .expect("a customer")
            .total_charges,
        None
    );
    assert_eq!(
        changed("total_charges", Value::Null)
            .expect("a customer")
            .total_charges,
        None
    );
    for field in body()
        .as_object()
        .expect("an object")
        .keys()
        .filter(|f| *f != "total_charges")
    {
        let mut without = body();
        without.as_object_mut().expect("an object").remove(field);
        let error = Customer::from_value(&without).expect_err("a field is missing");
        assert_eq!(error.to_string(), format!("{field}: is missing"));
        assert!(changed(field, Value::Null).is_err(), "{field}: null");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let error = Customer::from_value(&json!({"tenure": "long", "age": 40})).expect_err("refused");
    assert_eq!(error.errors.len(), 19);
    assert!(
        error
            .to_string()
            .contains("age: is not a field of a customer")
    );
}

#[test]
fn categories_may_be_new_but_not_empty_or_endless() {
    assert!(changed("contract", json!("Three year")).is_ok());
    refused("contract", json!("  "), "is empty, expected a name");
    refused(
        "contract",
        json!("x".repeat(65)),
        "is longer than 64 characters",
    );
    // An error does not repeat a long value.
    let error = changed("female", json!("x".repeat(10_000))).expect_err("refused");
    assert!(error.to_string().len() < 200);
}

#[test]
fn a_body_that_is_no_object_is_told() {
    for text in ["", "[]", "3", "{\"tenure\": 2"] {
        let error = Customer::from_json(text).expect_err("refused");
        assert_eq!(error.errors[0].field, "body", "{text}");
    }
}
