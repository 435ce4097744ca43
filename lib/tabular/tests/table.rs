//! Files that are no table of customers, each with an error that names the file and the line.
#![cfg(feature = "train")]

mod support;

use std::path::PathBuf;
use tabular::schema::TableError;
use tabular::{Table, encode};

/// The first three customers of the data, as lines; the header first.
fn lines() -> Vec<String> {
    let text = std::fs::read_to_string(datasets::churn().expect("the data").path).expect("a text");
    text.lines().take(4).map(str::to_owned).collect()
}

fn read(text: &str) -> (Result<Table, TableError>, PathBuf) {
    let folder = support::Folder::new();
    let path = folder.path().join("customers.csv");
    std::fs::write(&path, text).expect("a file");
    (Table::read(&path), path)
}

#[track_caller]
fn refused(text: &str, message: &str) {
    let (result, path) = read(text);
    let error = result.expect_err("the file is refused");
    assert_eq!(error.to_string(), format!("{}{message}", path.display()));
}

/// The lines with one field replaced.
fn with(line: usize, column: &str, value: &str) -> String {
    let mut lines = lines();
    let place = lines[0]
        .split(',')
        .position(|name| name == column)
        .expect("a column");
    let mut fields: Vec<&str> = lines[line].split(',').collect();
    fields[place] = value;
    lines[line] = fields.join(",");
    lines.join("\n")
}

#[test]
fn three_customers_are_a_table() {
    let (table, _) = read(&lines().join("\n"));
    let table = table.expect("a table");
    assert_eq!((table.len(), table.x.dim()), (3, (3, 23)));
}

#[test]
fn a_file_that_is_missing_or_empty_is_told() {
    let error = Table::read("no-such.csv").expect_err("no file");
    assert!(
        error.to_string().starts_with("no-such.csv: cannot be read"),
        "{error}"
    );
    let nobody = ": no customers: expected a header line and a line for each customer";
    refused("", nobody);
    refused("\n", nobody);
    refused(&lines()[0], nobody);
}

#[test]
fn missing_columns_are_all_named() {
    let text = lines()
        .join("\n")
        .replacen("contract", "kontrakt", 1)
        .replacen("tenure", "months", 1);
    refused(&text, ":1: no column tenure, contract");
}

#[test]
fn a_line_of_another_length_is_named() {
    let mut longer = lines();
    longer[2].push_str(",7");
    refused(
        &longer.join("\n"),
        ":3: 22 fields, expected 21 as in the header",
    );
    let mut shorter = lines();
    shorter[3] = "6,No,1".to_owned();
    refused(
        &shorter.join("\n"),
        ":4: 3 fields, expected 21 as in the header",
    );
}

#[test]
fn a_value_of_another_kind_is_named_with_line_and_column() {
    refused(
        &with(2, "tenure", "two"),
        ":3: tenure is \"two\", expected months, a whole number from 0",
    );
    refused(
        &with(2, "tenure", "-2"),
        ":3: tenure is \"-2\", expected months, a whole number from 0",
    );
    refused(
        &with(1, "female", "f"),
        ":2: female is \"f\", expected 0 or 1",
    );
    refused(
        &with(1, "female", ""),
        ":2: female is blank, expected 0 or 1",
    );
    let dollars = "expected US dollars, a number from 0";
    refused(
        &with(3, "monthly_charges", ""),
        &format!(":4: monthly_charges is blank, {dollars}"),
    );
    refused(
        &with(3, "monthly_charges", "NaN"),
        &format!(":4: monthly_charges is \"NaN\", {dollars}"),
    );
    refused(
        &with(3, "total_charges", "lots"),
        &format!(":4: total_charges is \"lots\", {dollars}, or blank"),
    );
}

#[test]
fn the_first_line_at_fault_is_the_one_that_is_named() {
    let mut text = with(3, "female", "f");
    let tenure = with(2, "tenure", "two");
    let line = tenure.lines().nth(2).expect("a line");
    text = text
        .lines()
        .enumerate()
        .map(|(i, l)| if i == 2 { line } else { l })
        .collect::<Vec<_>>()
        .join("\n");
    refused(
        &text,
        ":3: tenure is \"two\", expected months, a whole number from 0",
    );
}

#[test]
fn a_level_that_the_columns_do_not_know_stops_training() {
    let expected = "expected one of Month-to-month, One year, Two year";
    refused(
        &with(3, "contract", "Three year"),
        &format!(":4: contract is \"Three year\", {expected}"),
    );
}

#[test]
fn a_blank_total_is_no_charge_yet() {
    for blank in ["", " "] {
        let (table, _) = read(&with(2, "total_charges", blank));
        let table = table.expect("a table");
        assert_eq!(table.customers[1].total_charges, None);
        assert_eq!(table.x[(1, 2)], 0.0, "no change of price");
        assert!(table.customers[0].total_charges.is_some());
    }
}

#[test]
fn columns_may_stand_in_another_order_and_others_beside_them() {
    let swapped: Vec<String> = lines()
        .iter()
        .map(|line| {
            let fields: Vec<&str> = line.split(',').rev().collect();
            format!("{},x", fields.join(","))
        })
        .collect();
    let (swapped, _) = read(&swapped.join("\n"));
    let (plain, _) = read(&lines().join("\n"));
    let (swapped, plain) = (swapped.expect("a table"), plain.expect("a table"));
    assert_eq!((swapped.x, swapped.customers), (plain.x, plain.customers));
}

/// What polars computes on the table is what a service computes on one customer, and what a plain reader reads.
#[test]
fn the_expressions_and_the_service_see_the_same_columns() {
    let table = Table::read(&support::table().path).expect("a table");
    for (row, customer) in table.x.rows().into_iter().zip(&table.customers) {
        assert_eq!(row.to_vec(), encode(customer), "{customer:?}");
    }
    assert!(
        table == *support::table(),
        "polars and a plain reader differ"
    );
}

#[test]
fn rows_are_taken_in_their_order_and_none_beyond_the_end() {
    let raw = tabular::schema::scan(datasets::churn().expect("the data").path).expect("a scan");
    let clean = tabular::churn::clean(raw);
    let few = tabular::churn::take(clean.clone(), &[4999, 0, 4999]).expect("three rows");
    let few = few.collect().expect("a frame");
    let lines = few.column(tabular::schema::LINE).expect("lines");
    let lines: Vec<_> = lines.u32().expect("numbers").into_iter().collect();
    assert_eq!(lines, [Some(5001), Some(2), Some(5001)]);
    assert!(tabular::churn::take(clean, &[5000]).is_err());
}
