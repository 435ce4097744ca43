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

/// Features and progression of the patients, in the chapter's order.
struct Patients {
    x: Array2<f64>,
    y: Array1<f64>,
}

impl Patients {
    fn new() -> Patients {
        let all = datasets::diabetes().expect("the data are in the repository");
        let mut order: Vec<usize> = (0..all.target.len()).collect();
        order.shuffle(&mut StdRng::seed_from_u64(7));
        let ten = all.data.select(Axis(0), &order);
        let train = ten.slice(s![..TRAIN, ..]);
        let z = (&ten - &train.mean_axis(Axis(0)).unwrap()) / &train.std_axis(Axis(0), 0.0);
        let mut columns: Vec<Array1<f64>> = z.columns().into_iter().map(|c| c.to_owned()).collect();
        for i in 0..10 {
            for j in i..10 {
                columns.push(&z.column(i) * &z.column(j));
            }
        }
        Patients {
            x: Array2::from_shape_fn((order.len(), columns.len()), |(r, c)| columns[c][r]),
            y: all.target.select(Axis(0), &order),
        }
    }

    /// A fit for each penalty to the first `n` patients.
    fn fits(&self, alphas: &[f64], n: usize) -> Vec<FittedRidge> {
        Ridge::new(0.0)
            .path(self.x.slice(s![..n, ..]), self.y.slice(s![..n]), alphas)
            .unwrap()
    }

    fn error(&self, fit: &FittedRidge, rows: Range<usize>) -> f64 {
        let predicted = fit.predict(self.x.slice(s![rows.clone(), ..])).unwrap();
        rmse(self.y.slice(s![rows]), predicted.view()).unwrap()
    }
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
    let mut fits = Vec::new();
    for n in (60..=TRAIN).step_by(30) {
        fits = patients.fits(&alphas, n);
        for (run, fit) in started.iter().zip(&fits) {
            let error = patients.error(fit, TRAIN..VALID);
            run.log_metric("validation.rmse", error, n as i64).unwrap();
        }
    }
    let mut runs = Vec::new();
    for (run, fit) in started.into_iter().zip(&fits) {
        run.log_param("alpha", fit.alpha()).unwrap();
        let predicted = fit.predict(patients.x.slice(s![TRAIN..VALID, ..])).unwrap();
        let squares: Vec<f64> = (&patients.y.slice(s![TRAIN..VALID]) - &predicted)
            .iter()
            .map(|e| e * e)
            .collect();
        let root = |rows: &[usize]| {
            let sum: f64 = rows.iter().map(|&i| squares[i]).sum();
            Ok::<f64, ResamplingError>((sum / rows.len() as f64).sqrt())
        };
        let i = Bootstrap::new(1000, 0.95, 1)
            .interval(squares.len(), root)
            .unwrap();
        run.log_interval("rmse", i.estimate, [i.lower, i.upper], i.level)
            .unwrap();
        let model: Vec<String> = std::iter::once(fit.intercept())
            .chain(fit.coef().iter().copied())
            .map(|v| format!("{v:?}"))
            .collect();
        run.log_bytes("model/ridge.txt", model.join("\n")).unwrap();
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
    tracker
        .register_model(&best.uuid, "model", "progression")
        .unwrap();
    tracker.set_alias("progression", "champion", 1).unwrap();
    let serving = tracker.model("progression@champion").unwrap();
    let file = tracker.artifact(&serving.run, "model/ridge.txt").unwrap();
    let numbers: Vec<f64> = std::fs::read_to_string(file)
        .unwrap()
        .lines()
        .map(|v| v.parse().unwrap())
        .collect();
    let loaded = patients.x.dot(&Array1::from(numbers[1..].to_vec())) + numbers[0];
    let test = rmse(patients.y.slice(s![VALID..]), loaded.slice(s![VALID..])).unwrap();
    let fitted = patients.fits(&[alpha], TRAIN)[0]
        .predict(patients.x.view())
        .unwrap();
    let far = (&fitted - &loaded)
        .iter()
        .fold(0.0f64, |most, d| most.max(d.abs()));
    notebook()
        .assert("runs.count", tracker.runs().unwrap().len())
        .assert("best.alpha", alpha)
        .assert("best.rmse", of("rmse"))
        .assert("best.low", of("rmse.low"))
        .assert("best.high", of("rmse.high"))
        .assert("least-penalty.rmse", runs[0].metric("rmse").unwrap())
        .assert("curve.small.first", small[0])
        .assert("curve.small.last", small[6])
        .assert("curve.best.first", chosen[0])
        .assert("curve.best.last", chosen[6])
        .assert("champion.test", test)
        .assert("champion.same", far < 1e-9);
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
        .assert("log.found", 8 * (length - 1));

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
    notebook()
        .assert("send.requests", requests)
        .assert("send.all", all)
        .assert("send.once", once.len());
}

#[test]
fn the_winner_by_the_test_score_was_lucky() {
    let mut patients = Patients::new();
    patients.x = patients.x.slice(s![.., ..10]).to_owned();
    let (mut tests, mut fresh) = (Vec::new(), Vec::new());
    for seed in 0..100 {
        let mut rows: Vec<usize> = (0..TRAIN).collect();
        rows.shuffle(&mut StdRng::seed_from_u64(seed));
        rows.truncate(TRAIN / 2);
        let x = patients.x.select(Axis(0), &rows);
        let fit = Ridge::new(10.0)
            .fit(x.view(), patients.y.select(Axis(0), &rows).view())
            .unwrap();
        tests.push(patients.error(&fit, VALID..442));
        fresh.push(patients.error(&fit, TRAIN..VALID));
    }
    let winner = (0..100)
        .min_by(|&a, &b| tests[a].total_cmp(&tests[b]))
        .unwrap();
    let (tests, fresh) = (Array1::from(tests), Array1::from(fresh));
    notebook()
        .assert("seeds.test.gain", tests.mean().unwrap() - tests[winner])
        .assert("seeds.fresh.gain", fresh.mean().unwrap() - fresh[winner])
        .assert(
            "seeds.better",
            fresh.iter().filter(|&&e| e < fresh[winner]).count(),
        )
        .assert("seeds.sd", tests.std(1.0));
}
