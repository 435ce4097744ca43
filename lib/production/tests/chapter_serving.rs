//! The named results of the chapter *Serving*, computed through the modules, and over HTTP where the chapter does.

#[path = "support/client.rs"]
mod client;
#[path = "support/served.rs"]
mod served;

use std::collections::BTreeSet;

use client::{connect, exchange, get, post, request};
use display::contract::Notebook;
use production::churn::{self, Customer, Customers};
use production::drift::{Cell, FieldDrift, Seen, psi, psi_by_chance};
use production::serving::{Model, Settings};
use serde_json::{Value, json};
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
    churn_model().schema().place(name).unwrap()
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
fn the_index_from_counts_is_scipy_s() {
    let book = notebook();
    let golden: Value = serde_json::from_str(include_str!("golden/drift.json")).unwrap();
    let (reference, sample) = ([579, 155, 266], [429, 5, 566]);
    let cases = golden["psi"].as_array().unwrap();
    let case = cases
        .iter()
        .find(|case| case["reference"] == json!(reference) && case["sample"] == json!(sample))
        .expect("the chapter's counts are a case of drift.py");
    book.assert("index.scipy", case["psi"].as_f64().unwrap());
    book.assert("index.by_hand", psi(&reference, &sample).unwrap());

    let customers = customers();
    let tenure = &churn_model().reference().fields[place("tenure")];
    let Seen::Numbers { edges, .. } = &tenure.seen else {
        panic!("tenure is a number");
    };
    // the index, and the bins without a row
    let window = |size: usize| {
        let rows = &customers.rows[1_000..1_000 + size];
        let bins: BTreeSet<usize> = rows
            .iter()
            .map(|row| match row[place("tenure")] {
                Cell::Number(months) => {
                    let years = (months / 12.0).floor();
                    edges.iter().filter(|edge| **edge < years).count()
                }
                other => panic!("{other:?}"),
            })
            .collect();
        let empty = edges.len() + 1 - bins.len();
        (drift(rows, "tenure", true).psi, empty as i64)
    };
    book.assert("index.50", window(50).0);
    book.assert("index.empty_50", window(50).1);
    book.assert("index.200", window(200).0);
    book.assert("index.empty_200", window(200).1);
    book.assert("index.1000", window(1_000).0);
    book.assert("index.empty_1000", window(1_000).1);
    book.assert("index.2000", window(2_000).0);
    book.assert("index.empty_2000", window(2_000).1);
}

#[test]
fn what_the_wrong_unit_costs() {
    let (book, customers) = (notebook(), customers());
    let left = &customers.left[1_000..3_000];
    let leavers = left.iter().sum::<f64>() / 2_000.0;
    let threshold = churn_model().pipeline().threshold();
    let judged = |divisor: f64| {
        let mut rows = customers.rows[1_000..3_000].to_vec();
        for row in &mut rows {
            if let Cell::Number(months) = &mut row[place("tenure")] {
                *months = (*months / divisor).floor();
            }
        }
        let p = churn_model().predict(&rows).unwrap();
        let (mut brier, mut offers) = (0.0, 0);
        for (p, y) in p.iter().zip(left) {
            brier += (p - y).powi(2) / 2_000.0;
            offers += u32::from(*p >= threshold);
        }
        let skill = 1.0 - brier / (leavers * (1.0 - leavers));
        let mean = p.iter().sum::<f64>() / 2_000.0;
        (brier, skill, mean, f64::from(offers) / 2_000.0)
    };
    let (brier, skill, mean, offers) = judged(1.0);
    book.assert("damage.brier_months", brier);
    book.assert("damage.skill_months", skill);
    book.assert("damage.mean_months", mean);
    book.assert("damage.offers_months", offers);
    assert!(skill > 0.2, "the rule QualityFell would fire at {skill}");
    let (brier, skill, mean, offers) = judged(12.0);
    book.assert("damage.brier_years", brier);
    book.assert("damage.skill_years", skill);
    book.assert("damage.mean_years", mean);
    book.assert("damage.offers_years", offers);
    assert!(skill < 0.2, "the rule QualityFell is silent at {skill}");
}

#[test]
fn the_alert_on_skill_tells_the_units_apart_on_customers_that_did_not_train() {
    let customers = customers();
    let left = ndarray::Array1::from(customers.left.clone());
    let split = foundations::resampling::stratified_split(left.view(), 0.25, 2026).unwrap();
    let skill = |divisor: f64| {
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        for i in &split.test {
            let mut row = customers.rows[*i].clone();
            if let Cell::Number(months) = &mut row[place("tenure")] {
                *months = (*months / divisor).floor();
            }
            rows.push(row);
        }
        assert!(rows.len() >= 1_000);
        let p = churn_model().predict(&rows).unwrap();
        let y: Vec<f64> = split.test.iter().map(|i| customers.left[*i]).collect();
        let mean = y.iter().sum::<f64>() / y.len() as f64;
        let squares = p.iter().zip(&y).map(|(p, y)| (p - y).powi(2));
        1.0 - squares.sum::<f64>() / y.len() as f64 / (mean * (1.0 - mean))
    };
    let (months, years) = (skill(1.0), skill(12.0));
    println!("skill {months} in months, {years} in years");
    assert!((months - 0.3).abs() < 0.05, "{months}");
    assert!(years < 0.2, "{years}");
}

#[test]
fn what_is_remembered() {
    let book = notebook();
    let remembered = Settings::default().remembered;
    book.assert("quality.remembered", remembered as i64);
    book.assert("quality.hours", remembered as f64 / 3_600.0);
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
    book.assert(
        "folklore.large",
        psi_by_chance(10, 3_750, 2_000, 0.999).unwrap(),
    );
    let fields = churn_model().schema().fields.len() as i32;
    book.assert("folklore.fields", fields);
    book.assert("folklore.any", 1.0 - 0.999_f64.powi(fields));
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
    let mut dropped = 0_u32;
    let mut champions = BTreeSet::new();
    let mut rounds: Vec<Vec<bool>> = Vec::new();
    for round in 0..2 {
        let mut roles = Vec::new();
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
            let model = answer.json()["model"].clone();
            roles.push(model["role"] == "canary");
            if model["role"] == "champion" {
                champions.insert(model["version"].to_string());
            }
            // another champion, twice a round
            if customer % 200 == 50 {
                let alpha = 2.0 + f64::from(400 * round + customer);
                let next = churn::fit(alpha).unwrap();
                next.save(&folder.path().join("champion.model")).unwrap();
                running.reload();
            }
        }
        rounds.push(roles);
    }
    assert_eq!(champions.len(), 5, "{champions:?}");
    let count = rounds[0].iter().filter(|canary| **canary).count();
    let pairs = rounds[0].iter().zip(&rounds[1]);
    let changed = pairs.filter(|(first, again)| first != again).count();
    book.assert("canary.requests", count as i64);
    book.assert("canary.changed", changed as i64);
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
    let observed = customers.left[..1_000].iter().sum::<f64>() / 1_000.0;
    book.assert("metrics.brier", squares.sum::<f64>() / 1_000.0);
    book.assert("metrics.mean_brier", observed * (1.0 - observed));
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
