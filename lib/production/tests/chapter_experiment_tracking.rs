//! The named results of the chapter *Experiment tracking*, computed through the modules alone.

use std::collections::BTreeSet;
use std::ops::Range;

use display::contract::Notebook;
use foundations::linear_model::{FittedRidge, Ridge};
use foundations::metrics::rmse;
use foundations::resampling::{Bootstrap, ResamplingError};
use ndarray::{Array1, Array2, Axis, s};
use production::tracking::{Environment, RunRecord, Tracker};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

const TRAIN: usize = 240;
const VALID: usize = 341;

fn notebook() -> Notebook {
    Notebook::open("frameworks/experiment-tracking").expect("the chapter has been run")
}

fn tracker(folder: &std::path::Path) -> Tracker {
    Tracker::local(folder)
        .unwrap()
        .with_environment(Environment::default())
}

/// Measurements and progression of the patients, in the chapter's order.
struct Patients {
    ten: Array2<f64>,
    y: Array1<f64>,
}

/// A model as it is saved: means, deviations, intercept, coefficients.
type Model = [Vec<f64>; 4];

impl Patients {
    fn new() -> Patients {
        let all = datasets::diabetes().expect("the data are in the repository");
        let mut order: Vec<usize> = (0..all.target.len()).collect();
        order.shuffle(&mut StdRng::seed_from_u64(7));
        Patients {
            ten: all.data.select(Axis(0), &order),
            y: all.target.select(Axis(0), &order),
        }
    }

    /// Means and deviations of the first `n` patients, a column at a time.
    fn scaling(&self, n: usize) -> [Vec<f64>; 2] {
        let of = |f: &dyn Fn(&[f64]) -> f64| -> Vec<f64> {
            let columns = self.ten.columns();
            let firsts = columns.into_iter().map(|c| c.slice(s![..n]).to_vec());
            firsts.map(|c| f(&c)).collect()
        };
        let mean = |c: &[f64]| c.iter().sum::<f64>() / c.len() as f64;
        let deviation = |c: &[f64]| {
            let m = mean(c);
            mean(&c.iter().map(|v| (v - m).powi(2)).collect::<Vec<_>>()).sqrt()
        };
        [of(&mean), of(&deviation)]
    }

    /// Scaled measurements and their products.
    fn features(&self, [means, deviations]: [&[f64]; 2]) -> Array2<f64> {
        let rows: Vec<Vec<f64>> = self
            .ten
            .rows()
            .into_iter()
            .map(|row| {
                let z: Vec<f64> = (0..10)
                    .map(|j| (row[j] - means[j]) / deviations[j])
                    .collect();
                let products = (0..10).flat_map(|i| (i..10).map(move |j| (i, j)));
                let products: Vec<f64> = products.map(|(i, j)| z[i] * z[j]).collect();
                [z, products].concat()
            })
            .collect();
        Array2::from_shape_fn((rows.len(), rows[0].len()), |(r, c)| rows[r][c])
    }

    /// A model for each penalty, of the first `n` patients.
    fn models(&self, alphas: &[f64], n: usize) -> Vec<Model> {
        let [means, deviations] = self.scaling(n);
        let x = self.features([&means, &deviations]);
        Ridge::new(0.0)
            .path(x.slice(s![..n, ..]), self.y.slice(s![..n]), alphas)
            .unwrap()
            .iter()
            .map(|fit| {
                let coefficients = fit.coef().to_vec();
                [
                    means.clone(),
                    deviations.clone(),
                    vec![fit.intercept()],
                    coefficients,
                ]
            })
            .collect()
    }

    fn predict(&self, [means, deviations, intercept, coefficients]: &Model) -> Array1<f64> {
        self.features([means, deviations])
            .dot(&Array1::from(coefficients.clone()))
            + intercept[0]
    }

    fn squares(&self, predicted: &Array1<f64>, rows: Range<usize>) -> Vec<f64> {
        let misses = &self.y.slice(s![rows.clone()]) - &predicted.slice(s![rows]);
        misses.iter().map(|e| e * e).collect()
    }

    fn error(&self, predicted: &Array1<f64>, rows: Range<usize>) -> f64 {
        rmse(self.y.slice(s![rows.clone()]), predicted.slice(s![rows])).unwrap()
    }
}

/// The root of the mean of some squares.
fn root(squares: &[f64], rows: &[usize]) -> f64 {
    let sum: f64 = rows.iter().map(|&i| squares[i]).sum();
    (sum / rows.len() as f64).sqrt()
}

fn interval(n: usize, of: impl Fn(&[usize]) -> f64) -> [f64; 3] {
    let of = |rows: &[usize]| Ok::<f64, ResamplingError>(of(rows));
    let i = Bootstrap::new(1000, 0.95, 1).interval(n, of).unwrap();
    [i.lower, i.estimate, i.upper]
}

/// A line for each part of a model.
fn text(parts: &[Vec<f64>]) -> String {
    let line = |part: &Vec<f64>| {
        let numbers: Vec<String> = part.iter().map(f64::to_string).collect();
        numbers.join(" ")
    };
    parts.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn numbers(text: &str) -> Vec<Vec<f64>> {
    let line = |line: &str| line.split(' ').map(|v| v.parse().unwrap()).collect();
    text.lines().map(line).collect()
}

/// Logs a run for each penalty, and reads them back, the least penalty first.
fn sweep(patients: &Patients, tracker: &Tracker) -> Vec<RunRecord> {
    let alphas: Vec<f64> = (-2..=8)
        .map(|half| 10f64.powf(f64::from(half) / 2.0))
        .collect();
    let started: Vec<_> = alphas
        .iter()
        .map(|alpha| tracker.start_run(&alpha.to_string()).unwrap())
        .collect();
    let mut models = Vec::new();
    for n in (60..=TRAIN).step_by(30) {
        models = patients.models(&alphas, n);
        for (run, model) in started.iter().zip(&models) {
            let error = patients.error(&patients.predict(model), TRAIN..VALID);
            run.log_metric("validation.rmse", error, n as i64).unwrap();
        }
    }
    let mut runs = Vec::new();
    for ((run, model), alpha) in started.into_iter().zip(&models).zip(&alphas) {
        run.log_param("alpha", alpha).unwrap();
        let squares = patients.squares(&patients.predict(model), TRAIN..VALID);
        let [low, rmse, high] = interval(squares.len(), |rows| root(&squares, rows));
        run.log_interval("rmse", rmse, [low, high], 0.95).unwrap();
        run.log_bytes("model/ridge.txt", text(model)).unwrap();
        run.log_bytes("squares.txt", text(&[squares])).unwrap();
        let uuid = run.finish().unwrap().run.uuid;
        runs.push(tracker.run(&uuid).unwrap());
    }
    runs
}

fn best(runs: &[RunRecord]) -> &RunRecord {
    runs.iter()
        .min_by(|a, b| {
            let of = |run: &RunRecord| run.metric("rmse").unwrap();
            of(a).total_cmp(&of(b))
        })
        .unwrap()
}

#[test]
fn the_runs_are_those_of_the_chapter() {
    let folder = tempfile::tempdir().unwrap();
    let (patients, tracker) = (Patients::new(), tracker(folder.path()));
    let runs = sweep(&patients, &tracker);
    let best = best(&runs);
    let alpha: f64 = best.params["alpha"].parse().unwrap();
    let of = |key: &str| best.metric(key).unwrap();
    let curve = |run: &RunRecord| -> Vec<f64> {
        run.history("validation.rmse")
            .iter()
            .map(|m| m.value)
            .collect()
    };
    let (small, chosen) = (curve(&runs[0]), curve(best));
    let read = |run: &str, path: &str| {
        let file = tracker.artifact(run, path).unwrap();
        numbers(&std::fs::read_to_string(file).unwrap())
    };
    // the same patients are drawn for both
    let squares: Vec<Vec<f64>> = runs
        .iter()
        .map(|run| read(&run.uuid, "squares.txt").remove(0))
        .collect();
    let at = runs.iter().position(|run| run.uuid == best.uuid).unwrap();
    let apart: Vec<[f64; 3]> = squares
        .iter()
        .map(|of| interval(of.len(), |rows| root(of, rows) - root(&squares[at], rows)))
        .collect();
    tracker
        .register_model(&best.uuid, "model", "progression")
        .unwrap();
    tracker.set_alias("progression", "champion", 1).unwrap();
    let serving = tracker.model("progression@champion").unwrap();
    let loaded: Model = read(&serving.run, "model/ridge.txt").try_into().unwrap();
    let loaded = patients.predict(&loaded);
    let again = patients.predict(&patients.models(&[alpha], TRAIN)[0]);
    let far = (&again - &loaded)
        .iter()
        .fold(0.0f64, |most, d| most.max(d.abs()));
    let all = patients.y.len();
    let mean = patients.y.slice(s![..TRAIN]).mean().unwrap();
    let mean = Array1::from_elem(all, mean);
    let explained = |rows: Range<usize>| {
        let [model, mean] = [&loaded, &mean].map(|p| patients.error(p, rows.clone()));
        1.0 - (model / mean).powi(2)
    };
    let steps: Vec<f64> = best
        .history("validation.rmse")
        .iter()
        .map(|m| m.step as f64)
        .collect();
    let score = patients.y.iter().copied();
    notebook()
        .assert("patients.count", all)
        .assert("patients.choosing", squares[0].len())
        .assert("features.count", 10 + 10 * 11 / 2)
        .assert("score.low", score.clone().fold(f64::MAX, f64::min))
        .assert("score.high", score.fold(f64::MIN, f64::max))
        .assert("runs.count", tracker.runs().unwrap().len())
        .assert("best.alpha", alpha)
        .assert("best.rmse", of("rmse"))
        .assert("best.low", of("rmse.low"))
        .assert("best.high", of("rmse.high"))
        .assert("least-penalty.rmse", runs[0].metric("rmse").unwrap())
        .assert("least-penalty.low", runs[0].metric("rmse.low").unwrap())
        .assert("paired.low", apart[0][0])
        .assert("paired.high", apart[0][2])
        .assert("paired.worse", apart.iter().filter(|i| i[0] > 0.0).count())
        .assert("curve.steps.first", steps[0])
        .assert("curve.steps.last", steps[6])
        .assert("curve.small.first", small[0])
        .assert("curve.small.last", small[6])
        .assert("curve.best.first", chosen[0])
        .assert("curve.best.last", chosen[6])
        .assert("champion.test", patients.error(&loaded, VALID..all))
        .assert("mean.choosing", patients.error(&mean, TRAIN..VALID))
        .assert("mean.test", patients.error(&mean, VALID..all))
        .assert("r2.choosing", explained(TRAIN..VALID))
        .assert("r2.test", explained(VALID..all))
        .assert("champion.same", far < 1e-9);
}

/// What the server says of itself is tested by `mlflow`; here, that the notebook was run with one and agreed.
#[test]
fn the_server_was_asked_and_agreed() {
    notebook()
        .assert("server.kinds", 5)
        .assert("server.agreeing", 5);
}

#[test]
fn each_cut_is_an_earlier_state_and_each_flip_is_found() {
    // a fact, a tab, eight digits, a newline
    let length: usize = (1..=8)
        .map(|i| format!("rmse({}) = {}", 30 * i, 70 - i).len() + 10)
        .sum();
    notebook()
        .assert("log.cuts", length + 1)
        .assert("log.prefixes", length + 1)
        .assert("log.flips", 8 * (length - 1))
        .assert("log.found", 8 * (length - 1))
        .assert("log.newline", 8);

    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(folder.path());
    let run = tracker.start_run("damage").unwrap();
    for step in 0..8 {
        run.log_metric("rmse", 70.0 - step as f64, step).unwrap();
    }
    let uuid = run.finish().unwrap().run.uuid;
    let file = folder.path().join("runs").join(uuid).join("run.jsonl");
    let whole = std::fs::read(&file).unwrap();
    let agrees = (1..whole.len() - 1).step_by(97).all(|at| {
        std::fs::write(&file, &whole[..at]).unwrap();
        let prefix = tracker
            .runs()
            .unwrap()
            .iter()
            .flat_map(|r| &r.metrics)
            .enumerate()
            .all(|(i, m)| m.value == 70.0 - i as f64);
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        std::fs::write(&file, &damaged).unwrap();
        prefix && tracker.runs().is_err()
    });
    // the line that the store writes ends in this checksum
    let first =
        String::from_utf8(whole[..whole.iter().position(|&b| b == b'\n').unwrap()].to_vec());
    let first = first.unwrap();
    let (body, tail) = first.split_at(first.len() - 18);
    notebook()
        .assert(
            "reference.crc",
            tail.contains(&format!("{:08x}", crc(body.as_bytes()))),
        )
        .assert("reference.agrees", agrees);
}

/// CRC-32 by division, a bit at a time.
fn crc(bytes: &[u8]) -> u32 {
    let mut rest = !0u32;
    for byte in bytes {
        rest ^= u32::from(*byte);
        for _ in 0..8 {
            rest = if rest & 1 == 1 {
                0xedb8_8320 ^ (rest >> 1)
            } else {
                rest >> 1
            };
        }
    }
    !rest
}

#[test]
fn what_is_sent_until_confirmed_comes_more_than_once() {
    let mut rng = StdRng::seed_from_u64(3);
    let (mut requests, mut all, mut once) = (0usize, 0usize, BTreeSet::new());
    for fact in 0..1000 {
        loop {
            requests += 1;
            let failed = rng.gen_bool(0.2);
            if failed && rng.gen_bool(0.5) {
                continue;
            }
            all += 1;
            once.insert(fact);
            if !failed {
                break;
            }
        }
    }
    // the mean of j attempts, each with its probability
    let expected: f64 = (1..200)
        .map(|j| f64::from(j) * 0.2f64.powi(j - 1) * 0.8)
        .sum();
    notebook()
        .assert("send.expected", 1000.0 * expected)
        .assert("send.requests", requests)
        .assert("send.all", all)
        .assert("send.once", once.len());
}

#[test]
fn the_winner_by_the_test_score_was_lucky() {
    let patients = Patients::new();
    let [means, deviations] = patients.scaling(TRAIN);
    let x = patients
        .features([&means, &deviations])
        .slice(s![.., ..10])
        .to_owned();
    let mut leads = Vec::new();
    for group in 0..10 {
        let (mut tests, mut fresh) = (Vec::new(), Vec::new());
        for seed in 100 * group..100 * (group + 1) {
            let mut rows: Vec<usize> = (0..TRAIN).collect();
            rows.shuffle(&mut StdRng::seed_from_u64(seed));
            rows.truncate(TRAIN / 2);
            let half = x.select(Axis(0), &rows);
            let fit: FittedRidge = Ridge::new(10.0)
                .fit(half.view(), patients.y.select(Axis(0), &rows).view())
                .unwrap();
            let predicted = fit.predict(x.view()).unwrap();
            tests.push(patients.error(&predicted, VALID..patients.y.len()));
            fresh.push(patients.error(&predicted, TRAIN..VALID));
        }
        let winner = (0..100)
            .min_by(|&a, &b| tests[a].total_cmp(&tests[b]))
            .unwrap();
        let lead = |of: &[f64]| of.iter().sum::<f64>() / 100.0 - of[winner];
        leads.push([lead(&tests), lead(&fresh)]);
    }
    let fresh = leads.iter().map(|lead| lead[1]);
    notebook()
        .assert(
            "groups.test",
            leads.iter().map(|lead| lead[0]).sum::<f64>() / 10.0,
        )
        .assert("groups.fresh", fresh.clone().sum::<f64>() / 10.0)
        .assert("groups.least", fresh.clone().fold(f64::MAX, f64::min))
        .assert("groups.most", fresh.fold(f64::MIN, f64::max));
}
