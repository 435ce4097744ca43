//! What the service answers to requests, good and bad, over real HTTP.

#[path = "support/client.rs"]
mod client;
#[path = "support/served.rs"]
mod served;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use client::{answer, connect, exchange, get, post, post_with, request};
use production::churn;
use production::serving::{Folder, Model, Service, Settings};
use serde_json::{Value, json};
use served::{Lines, Moody, churn_model, line, serve, settings};

#[test]
fn one_row_and_a_batch_get_the_model_s_own_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let running = serve(folder.path(), churn_model(), settings());
    let at = running.address();
    let customers =
        churn::customers(&datasets::churn().unwrap().path, churn_model().schema()).unwrap();
    let want = churn_model().predict(&customers.rows[..200]).unwrap();

    let one = post(at, "/predict?explain=true", &customers.json[0].to_string()).json();
    assert_eq!(one["prediction"].as_f64(), Some(want[0])); // equal to the last bit
    assert_eq!(
        one["decision"],
        json!(want[0] >= churn_model().pipeline().threshold())
    );
    assert_eq!(
        (&one["unit"], &one["model"]["name"]),
        (&json!("probability"), &json!("churn"))
    );
    let parts = one["parts"].as_array().unwrap();
    let score: f64 = parts
        .iter()
        .map(|part| part["adds"].as_f64().unwrap())
        .sum();
    assert_eq!(parts.len(), 20);
    assert!((1.0 / (1.0 + (-score).exp()) - want[0]).abs() < 1e-12);

    let batch = post(
        at,
        "/predict",
        &Value::from(customers.json[..200].to_vec()).to_string(),
    )
    .json();
    let got: Vec<f64> = batch["predictions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["prediction"].as_f64().unwrap())
        .collect();
    assert_eq!(got, want);
    assert!(batch["predictions"][0].get("parts").is_none());

    // several requests on one connection
    let mut connection = connect(at);
    for row in &customers.json[..3] {
        let bytes = request(
            "POST",
            "/predict",
            &[("content-type", "application/json")],
            &row.to_string(),
        );
        assert_eq!(exchange(&mut connection, &bytes).unwrap().status, 200);
    }
}

#[test]
fn every_fault_of_every_row_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let running = serve(folder.path(), churn_model(), settings());
    let at = running.address();
    let good = Value::Object(churn_model().schema().example());
    let with = |name: &str, value: Value| {
        let mut row = good.clone();
        row[name] = value;
        row
    };
    let without = |name: &str| {
        let mut row = good.as_object().unwrap().clone();
        row.shift_remove(name);
        Value::Object(row)
    };
    for (row, field, code, message) in [
        (
            without("tenure"),
            "tenure",
            "missing_field",
            "a value is needed",
        ),
        (
            with("tenure", Value::Null),
            "tenure",
            "missing_field",
            "null, but a value is needed",
        ),
        (
            with("tenure", json!("12")),
            "tenure",
            "wrong_type",
            "a number of months is needed, not a text",
        ),
        (
            with("tenure", json!(1.5)),
            "tenure",
            "wrong_type",
            "1.5 is not whole (months)",
        ),
        (
            with("tenure", json!("NaN")),
            "tenure",
            "wrong_type",
            "a number of months is needed, not a text",
        ),
        (
            with("tenure", json!(-1)),
            "tenure",
            "out_of_range",
            "-1 is outside 0 to 1200 months; is it in another unit?",
        ),
        (
            with("partner", json!(1)),
            "partner",
            "wrong_type",
            "true or false is needed, not a number",
        ),
        // cents, where dollars are asked for
        (
            with("monthly_charges", json!(7035)),
            "monthly_charges",
            "out_of_range",
            "7035 is outside 0 to 1000 US dollars a month; is it in another unit?",
        ),
        (
            with("tenure", json!({"value": 1, "unit": "years"})),
            "tenure",
            "wrong_unit",
            "the unit is months, not years",
        ),
        (
            with("contract", json!("Weekly")),
            "contract",
            "unseen_category",
            "\"Weekly\" was never seen in training; known are Month-to-month, One year, Two year",
        ),
        (
            with("contract", json!(1)),
            "contract",
            "wrong_type",
            "one of Month-to-month, One year, Two year is needed, not a number",
        ),
        (
            with("Monthly-Charges", json!(1)),
            "Monthly-Charges",
            "unknown_field",
            "the model has no such field; is \"monthly_charges\" meant?",
        ),
        (
            json!(3),
            "",
            "not_an_object",
            "a row is an object of fields, not a number",
        ),
    ] {
        let got = post(at, "/predict", &row.to_string());
        assert_eq!(got.status, 422, "{row}: {got:?}");
        assert_eq!(
            got.codes(),
            ("invalid_fields".into(), vec![(field.into(), code.into())]),
            "{row}"
        );
        assert_eq!(got.json()["error"]["fields"][0]["message"], message);
    }
    // what states the right unit, and what may be missing
    for row in [
        with("tenure", json!({"value": 12, "unit": "months"})),
        without("total_charges"),
        with("total_charges", Value::Null),
    ] {
        assert_eq!(post(at, "/predict", &row.to_string()).status, 200, "{row}");
    }
    // all faults of a batch at once, with their rows
    let batch = json!([good, with("tenure", json!("x")), without("contract")]);
    let got = post(at, "/predict", &batch.to_string());
    let fields = &got.json()["error"]["fields"];
    assert_eq!(
        (&fields[0]["row"], &fields[1]["row"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(
        got.json()["error"]["message"],
        "2 faults in 3 rows; nothing was predicted"
    );

    let metrics = get(at, "/metrics");
    assert_eq!(
        metrics.metric("ml_unseen_categories_total{field=\"contract\"}"),
        Some(1.0)
    );
    assert_eq!(
        metrics.metric("ml_refusals_total{code=\"invalid_fields\"}"),
        Some(14.0)
    );
}

#[test]
fn what_is_no_json_or_too_much_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Settings {
        body_limit: 2_000,
        batch_limit: 5,
        ..settings()
    };
    let running = serve(folder.path(), &line(2.0), limits);
    let at = running.address();
    for (body, status, code, part) in [
        (
            "",
            400,
            "not_json",
            "EOF while parsing a value at line 1 column 0",
        ),
        ("x=1", 400, "not_json", "expected value at line 1 column 1"),
        ("{\"x\": NaN}", 400, "not_json", "JSON has no NaN"),
        ("{\"x\": 1e999}", 400, "not_json", "number out of range"),
        ("{\"x\": 1", 400, "not_json", "EOF while parsing an object"),
        ("[]", 422, "empty_batch", "0 rows"),
        (
            "[{},{},{},{},{},{}]",
            413,
            "batch_too_large",
            "6 rows; a batch has 1 to 5",
        ),
    ] {
        let got = post(at, "/predict", body);
        assert_eq!(
            (got.status, got.codes().0.as_str()),
            (status, code),
            "{body}: {got:?}"
        );
        let message = got.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(part), "{body}: {message}");
    }
    let long = format!("{{\"x\": {}1}}", " ".repeat(3_000));
    let stated = post(at, "/predict", &long);
    assert_eq!(
        (stated.status, stated.codes().0.as_str()),
        (413, "body_too_large")
    );
    // a client that is still sending when it is refused reads why, all the same
    let longer = format!("{{\"x\": {}1}}", " ".repeat(8 << 20));
    for _ in 0..3 {
        let told = post(at, "/predict", &longer);
        assert_eq!(
            (told.status, told.codes().0.as_str()),
            (413, "body_too_large")
        );
    }
    // without a stated length the body is counted as it comes
    let mut connection = connect(at);
    connection.write_all(b"POST /predict HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
    for _ in 0..3 {
        let _ = connection.write_all(format!("3e8\r\n{}\r\n", " ".repeat(1_000)).as_bytes());
    }
    assert_eq!(answer(&mut connection).unwrap().status, 413);
    // nested so deep that a parser could run out of stack
    assert_eq!(post(at, "/predict", &"[".repeat(1_500)).status, 400);

    let form = exchange(
        &mut connect(at),
        &request(
            "POST",
            "/predict",
            &[("content-type", "application/x-www-form-urlencoded")],
            "x=1",
        ),
    )
    .unwrap();
    assert_eq!((form.status, form.codes().0.as_str()), (415, "not_json"));
    assert_eq!(get(at, "/nothing").codes().0, "not_found");
    let method = get(at, "/predict");
    assert_eq!((method.status, method.header("allow")), (405, Some("POST")));
    // after all this it still answers
    assert_eq!(post(at, "/predict", "{\"x\": 3}").json()["prediction"], 6.0);
}

#[test]
fn slow_clients_and_slow_models_come_to_an_end() {
    let folder = tempfile::tempdir().unwrap();
    line(1.0)
        .save(&folder.path().join("champion.model"))
        .unwrap();
    let limits = Settings {
        read_timeout: Duration::from_millis(300),
        timeout: Duration::from_millis(300),
        ..settings()
    };
    let begun: Arc<std::sync::atomic::AtomicU64> = Arc::default();
    let count = Arc::clone(&begun);
    let running = Service::new(Folder::new(folder.path()))
        .load_with(move |path| {
            Ok(Arc::new(Moody {
                inner: production::serving::LinearModel::load(path)?,
                pause: Duration::from_millis(1_000),
                begun: Arc::clone(&count),
            }))
        })
        .settings(limits)
        .start()
        .unwrap();
    let at = running.address();
    let mut body = connect(at);
    body.write_all(b"POST /predict HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{\"x\"").unwrap();
    let got = answer(&mut body).unwrap();
    assert_eq!((got.status, got.codes().0.as_str()), (408, "slow_body"));
    // half a head: the connection is closed, without an answer or with one
    let mut head = connect(at);
    head.write_all(b"POST /pre").unwrap();
    assert!(answer(&mut head).map_or(true, |answer| answer.status == 408));
    let late = post(at, "/predict", "{\"x\": 1}");
    assert_eq!((late.status, late.codes().0.as_str()), (504, "timeout"));
    assert_eq!(begun.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[test]
fn a_model_that_fails_is_an_answer_and_not_the_end() {
    let folder = tempfile::tempdir().unwrap();
    line(1.0)
        .save(&folder.path().join("champion.model"))
        .unwrap();
    let log = Lines::default();
    let running = Service::new(Folder::new(folder.path()))
        .load_with(|path| {
            Ok(Arc::new(Moody {
                inner: production::serving::LinearModel::load(path)?,
                pause: Duration::ZERO,
                begun: Arc::default(),
            }))
        })
        .settings(settings())
        .log_to(log.clone())
        .start()
        .unwrap();
    let at = running.address();
    for x in [13, 14] {
        let got = post(at, "/predict", &format!("{{\"x\": {x}}}"));
        assert_eq!(
            (got.status, got.codes().0.as_str()),
            (500, "model_failed"),
            "x = {x}"
        );
    }
    assert_eq!(
        post(at, "/predict", "{\"x\": 15}").json()["prediction"],
        15.0
    );
    assert!(running.stop().in_time);
    let texts: Vec<String> = log
        .json()
        .iter()
        .filter_map(|l| l["error"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(
        texts,
        ["the model panicked", "row 0: the model answers NaN"]
    );
}

#[test]
fn requests_have_ids_and_lines_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    line(1.0)
        .save(&folder.path().join("champion.model"))
        .unwrap();
    let log = Lines::default();
    let running = Service::new(Folder::new(folder.path()))
        .settings(settings())
        .log_to(log.clone())
        .start()
        .unwrap();
    let at = running.address();
    let own = post_with(
        at,
        "/predict",
        &[("x-request-id", "order-7.1")],
        "{\"x\": 1}",
    );
    assert_eq!(own.header("x-request-id"), Some("order-7.1"));
    // what could forge a line of the log is replaced
    let forged = post_with(at, "/predict", &[("x-request-id", "a b\"}")], "{\"y\": 1}");
    let made = forged.header("x-request-id").unwrap();
    assert!(made.len() == 32 && made != "a b\"}");
    assert_eq!(forged.json()["error"]["request_id"], made);
    assert!(running.stop().in_time);

    let lines = log.json();
    let events: Vec<&str> = lines.iter().map(|l| l["event"].as_str().unwrap()).collect();
    assert_eq!(
        events,
        ["model loaded", "listening", "request", "request", "stopped"]
    );
    let (good, bad) = (&lines[2], &lines[3]);
    assert_eq!(
        (&good["request_id"], &good["status"], &good["rows"]),
        (&json!("order-7.1"), &json!(200), &json!(1))
    );
    assert_eq!(
        (&bad["code"], &bad["fields"]),
        (&json!("invalid_fields"), &json!(["y"]))
    );
    assert!(
        good["time"].as_str().unwrap().ends_with('Z')
            && good["milliseconds"].as_f64().unwrap() > 0.0
    );
}

#[test]
fn the_interface_and_the_form_are_made_from_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let running = serve(folder.path(), churn_model(), settings());
    let at = running.address();
    let document = get(at, "/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let row = &document["components"]["schemas"]["Row"];
    assert_eq!(
        row["properties"]["contract"]["enum"],
        json!(["Month-to-month", "One year", "Two year"])
    );
    assert_eq!(row["properties"]["tenure"]["x-unit"], "months");
    assert_eq!(row["required"].as_array().unwrap().len(), 18); // total_charges may be missing
    // every reference leads somewhere
    let text = document.to_string();
    for part in text.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(
            document["components"]["schemas"].get(name).is_some(),
            "{name}"
        );
    }
    // the example is a request that is answered
    let example = &document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
        ["example"];
    assert_eq!(post(at, "/predict", &example.to_string()).status, 200);

    let page = get(at, "/");
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(!page.body.contains("{{"));
    for field in &churn_model().schema().fields {
        assert!(
            page.body.contains(&format!("name=\"{}\"", field.name)),
            "{}",
            field.name
        );
        let fault = format!("id=\"{0}-fault\" data-field=\"{0}\"", field.name);
        assert!(page.body.contains(&fault), "{fault}");
    }
    // a probability is read beside its threshold, a quantity in its unit
    let threshold = churn_model().pipeline().threshold();
    let reading = format!("data-event=\"the customer leaves\" data-threshold=\"{threshold}\"");
    assert!(page.body.contains(&reading), "{reading}");
    assert!(page.body.contains("data-adds=\"log-odds\""));
    let folder = tempfile::tempdir().unwrap();
    let quantity = serve(folder.path(), &line(2.0), settings());
    let page = get(quantity.address(), "/").body;
    assert!(page.contains("data-adds=\"kg\"") && !page.contains("data-event=\""));
}
