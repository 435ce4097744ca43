//! The named results of the chapter *Serving*, computed through the modules, and over HTTP where the chapter does.

#[path = "support/client.rs"]
mod client;
#[path = "support/served.rs"]
mod served;

use client::{connect, exchange, get, post, request};
use display::contract::Notebook;
use production::churn::{self, Customer, Customers};
use production::drift::{Cell, FieldDrift, psi_by_chance};
use production::serving::{Model, Settings};
use serde_json::Value;
use served::{churn_model, serve, settings};

fn notebook() -> Notebook {
    Notebook::open("production/serving").expect("the chapter has been run")
}

fn customers() -> Customers {
    let path = datasets::churn()
        .expect("the data are in the repository")
        .path;
    churn::customers(&path, churn_model().schema()).unwrap()
}

fn place(name: &str) -> usize {
    let fields = &churn_model().schema().fields;
    fields.iter().position(|field| field.name == name).unwrap()
}

/// How far a field of some rows is from training; in years, where it comes in months and is divided by twelve.
fn drift(rows: &[Vec<Cell>], field: &str, years: bool) -> FieldDrift {
    let place = place(field);
    let cells = rows.iter().map(|row| match row[place] {
        Cell::Number(months) if years => Cell::Number((months / 12.0).floor()),
        cell => cell,
    });
    churn_model().reference().fields[place]
        .compare(cells)
        .unwrap()
}

#[test]
fn the_http_answer_is_the_notebook_s_number() {
    let book = notebook();
    let body = serde_json::to_string(&Customer::example()).unwrap();
    let pipeline = churn_model().pipeline();
    let direct = pipeline.predict(&Customer::example()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let running = serve(folder.path(), churn_model(), settings());
    let answer = post(running.address(), "/predict", &body).json();
    let over_http = answer["prediction"].as_f64().unwrap();
    assert_eq!(over_http.to_bits(), direct.probability.to_bits());
    assert_eq!(answer["decision"].as_bool(), Some(direct.offer));

    // the number of the chapter Churn pipeline, which fitted with polars in a kernel
    let fitted = Notebook::open("frameworks/churn-pipeline").expect("the chapter has been run");
    fitted.assert("serving.probability", over_http);
    fitted.assert("serving.offer", direct.offer);
    let direct = direct.probability;
    book.assert("serving.prediction", over_http);
    book.assert("hand.prediction", direct);
    book.assert("direct.prediction", direct);
    book.assert("direct.difference", over_http - direct);
    book.assert("end.in_time", running.stop().in_time);
}

#[test]
fn the_day_a_unit_changed() {
    let (book, customers) = (notebook(), customers());
    let windows: Vec<f64> = customers
        .rows
        .chunks(200)
        .enumerate()
        .map(|(window, rows)| drift(rows, "tenure", window >= 13).psi)
        .collect();
    book.assert(
        "drift.before",
        windows[..13].iter().copied().fold(0.0, f64::max),
    );
    book.assert(
        "drift.after",
        windows[13..].iter().copied().fold(f64::INFINITY, f64::min),
    );
    book.assert(
        "drift.chance",
        psi_by_chance(10, 3_750, 200, 0.999).unwrap(),
    );
}

#[test]
fn a_threshold_from_folklore() {
    let (book, customers) = (notebook(), customers());
    let drifts: Vec<FieldDrift> = customers
        .rows
        .chunks(50)
        .map(|rows| drift(rows, "monthly_charges", false))
        .collect();
    let share = |count: usize| count as f64 / drifts.len() as f64;
    book.assert(
        "folklore.fixed",
        share(drifts.iter().filter(|d| d.psi > 0.2).count()),
    );
    let chance = drifts.iter().filter(|d| d.psi > d.psi_by_chance).count();
    book.assert("folklore.chance", share(chance));
    book.assert(
        "folklore.threshold",
        psi_by_chance(10, 3_750, 50, 0.999).unwrap(),
    );
}

#[test]
fn a_canary_and_a_reload() {
    let (book, customers) = (notebook(), customers());
    let folder = tempfile::tempdir().unwrap();
    let canary = churn::fit(100.0).unwrap();
    canary.save(&folder.path().join("canary.model")).unwrap();
    let quarter = Settings {
        canary_share: 0.25,
        ..settings()
    };
    let running = serve(folder.path(), churn_model(), quarter);
    let mut connection = connect(running.address());
    let body = customers.json[0].to_string();
    let (mut count, mut dropped) = (0_u32, 0_u32);
    for customer in 0..400 {
        let key = format!("customer-{customer}");
        let headers = [
            ("content-type", "application/json"),
            ("x-routing-key", key.as_str()),
        ];
        let answer = exchange(
            &mut connection,
            &request("POST", "/predict", &headers, &body),
        )
        .unwrap();
        dropped += u32::from(answer.status != 200);
        count += u32::from(answer.json()["model"]["role"] == "canary");
        if customer % 100 == 50 {
            running.reload();
        }
    }
    book.assert("canary.requests", i64::from(count));
    book.assert("reload.dropped", i64::from(dropped));
}

#[test]
fn the_metrics_are_those_of_the_modules() {
    let (book, customers) = (notebook(), customers());
    let predictions = churn_model().predict(&customers.rows[..1_000]).unwrap();
    let squares = predictions
        .iter()
        .zip(&customers.left)
        .map(|(p, y)| (p - y).powi(2));
    let window = &customers.rows[1_000..3_000];
    let tenure = drift(window, "tenure", true);
    book.assert("metrics.brier", squares.sum::<f64>() / 1_000.0);
    book.assert("metrics.psi", tenure.psi);
    book.assert("metrics.ks", tenure.ks.unwrap().statistic);
    book.assert("metrics.contract", drift(window, "contract", false).psi);

    // and over HTTP
    let folder = tempfile::tempdir().unwrap();
    let running = serve(folder.path(), churn_model(), settings());
    for rows in customers.json[1_000..3_000].chunks(1_000) {
        let rows = rows.iter().map(|row| {
            let mut row = row.clone();
            row["tenure"] = (row["tenure"].as_u64().unwrap() / 12).into();
            row
        });
        let answer = post(
            running.address(),
            "/predict",
            &Value::from(rows.collect::<Vec<_>>()).to_string(),
        );
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let metrics = get(running.address(), "/metrics");
    book.assert(
        "metrics.psi",
        metrics.metric("ml_drift_psi{field=\"tenure\"}").unwrap(),
    );
}
