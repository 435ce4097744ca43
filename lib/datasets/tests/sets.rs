//! Each set against figures computed from the packages by Python.

use datasets::{Auto, Churn, DatasetError, Diabetes, Longley};
use ndarray::{Array1, Axis};

fn close(found: f64, expected: f64) {
    // Sums in another order differ in the last digits.
    assert!(
        (found - expected).abs() <= 1e-12 * expected.abs(),
        "{found}, but {expected} is expected"
    );
}

fn mean(values: &Array1<f64>) -> f64 {
    values.sum() / values.len() as f64
}

#[test]
fn auto_is_islps() {
    let auto = datasets::auto().unwrap();
    assert_eq!((auto.len(), auto.name.len()), (392, 392));
    assert!(!auto.is_empty());
    // Mean and standard deviation by Python's statistics module.
    for (name, average, deviation) in [
        ("mpg", 23.445918367346938, 7.805007486571799),
        ("cylinders", 5.471938775510204, 1.7057832474527848),
        ("displacement", 194.41198979591837, 104.64400390890465),
        ("horsepower", 104.46938775510205, 38.49115993282849),
        ("weight", 2977.5841836734694, 849.4025600429493),
        ("acceleration", 15.541326530612245, 2.758864119188082),
        ("year", 75.9795918367347, 3.6837365435778295),
        ("origin", 1.5765306122448979, 0.8055181834183056),
    ] {
        let column = auto.column(name).unwrap();
        close(mean(&column), average);
        close(column.std(1.0), deviation);
    }
    assert_eq!(auto.name[0], "chevrolet chevelle malibu");
    assert_eq!(auto.name[391], "chevy s-10");
    let count = |origin: f64| auto.origin.iter().filter(|&&o| o == origin).count();
    assert_eq!((count(1.0), count(2.0), count(3.0)), (245, 68, 79));
    let first =
        |origin: f64| auto.origin_name(auto.origin.iter().position(|&o| o == origin).unwrap());
    assert_eq!(
        (first(1.0), first(2.0), first(3.0)),
        ("America", "Europe", "Japan")
    );
}

#[test]
fn auto_in_si_units() {
    let auto = datasets::auto().unwrap();
    let first = |name: &str| auto.column(name).unwrap()[0];
    close(first("weight_kg"), 3504.0 * 0.45359237);
    close(first("displacement_l"), 307.0 * 2.54_f64.powi(3) / 1000.0);
    // A mechanical horsepower is 550 foot-pounds a second.
    close(
        first("power_kw"),
        130.0 * 550.0 * 0.3048 * 0.45359237 * 9.80665 / 1000.0,
    );
    // A US gallon is 231 cubic inches.
    close(
        first("consumption_l_per_100km"),
        100.0 * (231.0 * 2.54_f64.powi(3) / 1000.0) / (18.0 * 1.609344),
    );
    assert_eq!(Auto::columns().len(), 12);
    for name in Auto::columns() {
        assert_eq!(auto.column(name).unwrap().len(), 392);
    }
}

#[test]
fn churn_is_modeldatas() {
    let churn = datasets::churn().unwrap();
    let text = std::fs::read_to_string(&churn.path).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = Churn::COLUMNS.iter().map(|column| column.name).collect();
    assert_eq!(lines.next().unwrap(), names.join(","));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), churn.customers);
    let at = |name: &str| names.iter().position(|&n| n == name).unwrap();
    let count = |name: &str, value: &str| rows.iter().filter(|r| r[at(name)] == value).count();
    // Counts and sums by pandas, of the rows that the pickle holds under these numbers.
    assert_eq!((count("churn", "Yes"), count("churn", "No")), (1327, 3673));
    let left = |contract: &str| {
        let has = |r: &&Vec<&str>| r[at("churn")] == "Yes" && r[at("contract")] == contract;
        rows.iter().filter(has).count()
    };
    assert_eq!(
        ["Month-to-month", "One year", "Two year"].map(left),
        [1175, 118, 34]
    );
    let sum = |name: &str| -> f64 {
        let values = rows.iter().map(|r| r[at(name)]).filter(|v| !v.is_empty());
        values.map(|v| v.parse::<f64>().unwrap()).sum()
    };
    close(sum("tenure"), 160233.0);
    close(sum("monthly_charges"), 323867.1);
    close(sum("total_charges"), 11319941.7);
    // All 11 customers without a charge are here, in their first month.
    let blank: Vec<_> = rows
        .iter()
        .filter(|r| r[at("total_charges")].is_empty())
        .collect();
    assert_eq!(blank.len(), 11);
    assert!(blank.iter().all(|r| r[at("tenure")] == "0"));
    // In the order of the original table, none twice.
    let numbers: Vec<u32> = rows
        .iter()
        .map(|r| r[at("customer")].parse().unwrap())
        .collect();
    assert!(numbers.is_sorted_by(|a, b| a < b) && numbers[4999] == 7043);
    // Every value of a category is one that the column's description has.
    for column in Churn::COLUMNS
        .iter()
        .filter(|c| c.values.starts_with("No, "))
    {
        let known: Vec<&str> = column.values.split(", ").collect();
        assert!(
            rows.iter().all(|r| known.contains(&r[at(column.name)])),
            "{column:?}"
        );
    }
}

#[test]
fn an_unknown_column_or_set_is_an_error_that_lists_those_there_are() {
    let auto = datasets::auto().unwrap();
    let error = auto.design(&["weight", "wieght"]).unwrap_err();
    assert!(matches!(&error, DatasetError::UnknownColumn { column, .. } if column == "wieght"));
    assert!(
        error
            .to_string()
            .starts_with("`auto` has no numeric column `wieght`; it has mpg, cylinders,"),
        "{error}"
    );
    assert!(auto.column("name").is_err(), "`name` is text");
    let error = datasets::find("autos").unwrap_err();
    assert_eq!(
        error.to_string(),
        "no data set is named `autos`; there are auto, churn, diabetes, longley, mnist"
    );
}

#[test]
fn a_design_has_its_columns_in_the_order_asked_for() {
    let auto = datasets::auto().unwrap();
    let x = auto.design(&["weight", "mpg"]).unwrap();
    assert_eq!(x.column(0), auto.weight);
    assert_eq!(x.column(1), auto.mpg);
    assert_eq!(auto.design(&[]).unwrap().dim(), (392, 0));
}

#[test]
fn diabetes_is_scikit_learns() {
    let diabetes = datasets::diabetes().unwrap();
    assert_eq!(diabetes.data.dim(), (442, Diabetes::FEATURES.len()));
    close(mean(&diabetes.target), 152.13348416289594);
    let scaled = diabetes.scaled();
    // First row of load_diabetes().data, to the eight decimals that it prints.
    let first = [
        0.03807591,
        0.05068012,
        0.06169621,
        0.02187239,
        -0.0442235,
        -0.03482076,
        -0.04340085,
        -0.00259226,
        0.01990749,
        -0.01764613,
    ];
    for (found, expected) in scaled.row(0).iter().zip(first) {
        assert!((found - expected).abs() < 5.1e-9, "{found} {expected}");
    }
    for column in scaled.axis_iter(Axis(1)) {
        assert!(column.sum().abs() < 1e-12);
        assert!((column.dot(&column) - 1.0).abs() < 1e-12);
    }
}

#[test]
fn longley_is_statsmodels() {
    let longley = datasets::longley().unwrap();
    close(mean(&longley.employed), 65317.0);
    let means = longley.data.mean_axis(Axis(0)).unwrap();
    for (found, expected) in means.iter().zip([
        101.68125,
        387698.4375,
        3193.3125,
        2606.6875,
        117424.0,
        1954.5,
    ]) {
        close(*found, expected);
    }
    assert_eq!(Longley::FEATURES[5], "year");
    let x = longley.design();
    assert_eq!(x.dim(), (16, 7));
    assert!(x.column(0).iter().all(|&one| one == 1.0));
    assert_eq!(x.column(6), longley.data.column(5));
}

#[test]
fn mnist_is_mlxtends() {
    let mnist = datasets::mnist().unwrap();
    assert_eq!((mnist.len(), mnist.images.dim()), (5000, (5000, 784)));
    assert!(!mnist.is_empty());
    for digit in 0..10_u8 {
        assert_eq!(
            mnist.labels.iter().filter(|&&label| label == digit).count(),
            500
        );
        assert_eq!(mnist.first_of(digit), 500 * usize::from(digit));
    }
    assert!(mnist.images.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
    // Sums of the bytes, by Python.
    let bytes = |pixels: f64| (pixels * 255.0).round();
    assert_eq!(bytes(mnist.images.sum()), 131_267_102.0);
    assert_eq!(bytes(mnist.images.row(4999).sum()), 33540.0);
    // Row 14 of image 2500, a five.
    let image = mnist.image(2500);
    assert_eq!(image.dim(), (28, 28));
    let row: Vec<f64> = image.row(14).iter().map(|&pixel| bytes(pixel)).collect();
    assert_eq!(row[13..19], [81.0, 240.0, 253.0, 253.0, 119.0, 25.0]);
    assert_eq!(mnist.targets()[2500], 5.0);
}

#[test]
#[should_panic(expected = "no image shows the digit 10")]
fn there_is_no_digit_ten() {
    datasets::mnist().unwrap().first_of(10);
}
