//! A pipeline in use: one file, whole or refused; unseen categories; explanations that add up.
#![cfg(feature = "fit")]

mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::{pipeline, table};
use tabular::{Customer, FORMAT_VERSION, Pipeline, PipelineError};

fn folder() -> support::Folder {
    support::Folder::new()
}

fn saved(folder: &support::Folder) -> std::path::PathBuf {
    let path = folder.path().join("churn.pipeline");
    pipeline().save(&path).expect("saved");
    path
}

#[test]
fn a_pipeline_comes_back_to_the_last_bit() {
    let folder = folder();
    let loaded = Pipeline::load(saved(&folder)).expect("loaded");
    assert_eq!(&loaded, pipeline());
    assert_eq!(loaded.id(), pipeline().id());
    let bits = |p: &Pipeline| -> Vec<u64> {
        let p = p.predict_proba(&table().customers).expect("probabilities");
        p.into_iter().map(f64::to_bits).collect()
    };
    assert_eq!(bits(&loaded), bits(pipeline()));
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        1,
        "one file and nothing beside it"
    );
}

#[test]
fn the_committed_pipeline_is_the_one_that_is_fitted() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/churn.pipeline");
    let committed = Pipeline::load(path).expect("the example `fit` writes it");
    let both = committed.coef().iter().zip(pipeline().coef());
    assert!(both.clone().all(|(a, b)| (a - b).abs() < 1e-12));
    assert_eq!(committed.provenance(), pipeline().provenance());
}

#[test]
fn every_altered_byte_is_found() {
    let folder = folder();
    let path = saved(&folder);
    let good = std::fs::read(&path).expect("bytes");
    for place in (0..good.len()).step_by(97) {
        let mut bad = good.clone();
        bad[place] ^= 1;
        std::fs::write(&path, &bad).expect("written");
        let error = Pipeline::load(&path).expect_err("a bit is wrong");
        assert!(
            !matches!(error, PipelineError::Io { .. }),
            "byte {place}: {error}"
        );
        assert!(
            error.to_string().starts_with(&path.display().to_string()),
            "{error}"
        );
    }
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let folder = folder();
    let path = saved(&folder);
    let good = std::fs::read(&path).expect("bytes");
    for length in (0..good.len()).step_by(211).chain([good.len() - 1]) {
        std::fs::write(&path, &good[..length]).expect("written");
        let error = Pipeline::load(&path).expect_err("cut off");
        let known = matches!(
            error,
            PipelineError::NotAPipeline { .. } | PipelineError::CutOff { .. }
        );
        assert!(known, "{length} bytes: {error}");
    }
}

#[test]
fn other_files_are_no_pipelines() {
    let folder = folder();
    let path = folder.path().join("x");
    let error = Pipeline::load(&path).expect_err("no file");
    assert!(
        matches!(error, PipelineError::Io { doing: "read", .. }),
        "{error}"
    );
    for text in [
        "",
        "\n",
        "{}\n",
        "customer,churn\n3,Yes\n",
        "{\"format\":\"other\",\"version\":1,\"bytes\":0,\"sha256\":\"\"}\n",
    ] {
        std::fs::write(&path, text).expect("written");
        let error = Pipeline::load(&path).expect_err("no pipeline");
        assert!(
            matches!(error, PipelineError::NotAPipeline { .. }),
            "{text}: {error}"
        );
    }
}

#[test]
fn a_newer_version_says_what_to_do() {
    let folder = folder();
    let path = saved(&folder);
    let text = std::fs::read_to_string(&path).expect("a text");
    let newer = text.replacen(&format!("\"version\":{FORMAT_VERSION}"), "\"version\":2", 1);
    assert_ne!(newer, text);
    std::fs::write(&path, newer).expect("written");
    let error = Pipeline::load(&path)
        .expect_err("a newer version")
        .to_string();
    assert!(
        error.contains("format version 2, but this program reads up to 1: update the program"),
        "{error}"
    );
}

#[test]
fn content_that_makes_no_pipeline_is_refused_though_its_checksum_is_right() {
    use sha2::Digest;
    let folder = folder();
    let path = saved(&folder);
    let text = std::fs::read_to_string(&path).expect("a text");
    let (_, content) = text.split_once('\n').expect("two lines");
    for (from, to, reason) in [
        ("log_tenure", "tenure", "its columns are not the 23"),
        ("\"threshold\":0.", "\"threshold\":7.", "a threshold of 7."),
        (
            "\"coef\":[",
            "\"coef\":[1.0,",
            "24 coefficients for 23 columns",
        ),
        (
            "\"sd\":[",
            "\"sd\":[0.0,",
            "expected 23 means and deviations",
        ),
    ] {
        let bad = content.replacen(from, to, 1);
        assert_ne!(bad, content, "{from}");
        let sha256: String = sha2::Sha256::digest(&bad)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let header = serde_json::json!({"format": "churn-pipeline", "version": 1, "bytes": bad.len(), "sha256": sha256});
        std::fs::write(&path, format!("{header}\n{bad}")).expect("written");
        let error = Pipeline::load(&path).expect_err("no pipeline");
        assert!(matches!(error, PipelineError::Malformed { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_the_old_file_stays() {
    let folder = folder();
    let error = pipeline()
        .save(folder.path().join("no/such/folder"))
        .expect_err("no folder");
    assert!(
        matches!(
            error,
            PipelineError::Io {
                doing: "written",
                ..
            }
        ),
        "{error}"
    );
    // A name that a folder has cannot be taken, and nothing is left beside it.
    std::fs::create_dir(folder.path().join("taken")).expect("a folder");
    pipeline()
        .save(folder.path().join("taken"))
        .expect_err("a folder stands there");
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        1
    );
}

/// Not a test by itself: the process that the next test kills.
#[test]
fn save_for_ever() {
    let Some(path) = std::env::var_os("TABULAR_SAVE_FOR_EVER") else {
        return;
    };
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/churn.pipeline");
    let pipeline = Pipeline::load(golden).expect("a pipeline");
    loop {
        pipeline.save(&path).expect("saved");
    }
}

#[test]
fn a_process_that_is_killed_while_saving_leaves_a_whole_file() {
    let folder = folder();
    let path = saved(&folder);
    let written = || {
        std::fs::metadata(&path)
            .and_then(|file| file.modified())
            .expect("a time")
    };
    for run in 0..12 {
        let before = written();
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "save_for_ever"])
            .env("TABULAR_SAVE_FOR_EVER", &path)
            .stdout(Stdio::null())
            .spawn()
            .expect("a process");
        let began = Instant::now();
        while written() == before {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "the process does not save"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        // It now saves without a pause, so the kill falls at another point of it each time.
        std::thread::sleep(Duration::from_micros(700 * run));
        child.kill().expect("killed"); // SIGKILL: nothing of the process runs any more
        child.wait().expect("ended");
        Pipeline::load(&path).expect("a whole pipeline");
    }
}

#[test]
fn an_unseen_category_is_average_and_named() {
    let seen = Customer::example();
    let unseen = Customer {
        contract: "Three year".to_owned(),
        ..seen.clone()
    };
    let answer = pipeline().predict(&unseen).expect("an answer");
    assert_eq!(answer.unseen.len(), 1);
    assert_eq!(
        (
            answer.unseen[0].field.as_str(),
            answer.unseen[0].value.as_str()
        ),
        ("contract", "Three year")
    );
    assert!(
        pipeline()
            .predict(&seen)
            .expect("an answer")
            .unseen
            .is_empty()
    );
    // Average: between those of the contracts that are known.
    let p = |contract: &str| {
        let customer = Customer {
            contract: contract.to_owned(),
            ..seen.clone()
        };
        pipeline()
            .predict(&customer)
            .expect("an answer")
            .probability
    };
    assert!(p("Two year") < answer.probability && answer.probability < p("Month-to-month"));
    let explanation = pipeline().explain(&unseen).expect("an explanation");
    let contract = explanation
        .contributions
        .iter()
        .find(|c| c.field == "contract")
        .expect("the field");
    assert_eq!(contract.log_odds, 0.0);
}

#[test]
fn explanations_add_up_to_the_log_odds() {
    for customer in table().customers.iter().take(500) {
        let explanation = pipeline().explain(customer).expect("an explanation");
        assert_eq!(explanation.contributions.len(), 19, "one for each field");
        let sum: f64 = explanation.contributions.iter().map(|c| c.log_odds).sum();
        assert!((explanation.baseline + sum - explanation.log_odds).abs() < 1e-12);
        let probability = pipeline().predict(customer).expect("an answer").probability;
        assert_eq!(explanation.probability, probability);
        assert!((1.0 / (1.0 + (-explanation.log_odds).exp()) - probability).abs() < 1e-15);
        let sizes: Vec<f64> = explanation
            .contributions
            .iter()
            .map(|c| c.log_odds.abs())
            .collect();
        assert!(sizes.is_sorted_by(|a, b| a >= b));
    }
}

#[test]
fn a_customer_out_of_range_is_refused_with_their_place() {
    let bad = Customer {
        tenure: 4000,
        ..Customer::example()
    };
    let error = pipeline()
        .predict_proba(&[Customer::example(), bad.clone()])
        .expect_err("refused");
    assert_eq!(
        error.to_string(),
        "customer 1: tenure: is 4000, expected whole months, 0 to 1200"
    );
    assert!(pipeline().predict(&bad).is_err() && pipeline().explain(&bad).is_err());
    assert!(pipeline().predict_proba(&[]).expect("nobody").is_empty());
}

#[test]
fn the_offer_follows_the_threshold() {
    for customer in table().customers.iter().take(500) {
        let answer = pipeline().predict(customer).expect("an answer");
        assert_eq!(answer.offer, answer.probability >= pipeline().threshold());
    }
    assert!(
        pipeline()
            .predict(&Customer::example())
            .expect("an answer")
            .offer
    );
}

#[test]
fn the_reference_is_that_of_the_training_customers() {
    let (train, reference) = (support::train(), pipeline().reference());
    let spread = |name: &str| {
        reference
            .numbers
            .iter()
            .find(|n| n.field == name)
            .expect("a spread")
    };
    assert_eq!(reference.customers, train.len());
    let tenures = &spread("tenure").quantiles;
    assert_eq!(tenures.len(), 1_000);
    assert!(tenures.is_sorted());
    let longest = train
        .customers
        .iter()
        .map(|c| c.tenure)
        .max()
        .expect("customers");
    assert_eq!(tenures[999], f64::from(longest));
    let short = train.customers.iter().filter(|c| c.tenure <= 12).count() as f64;
    let below = tenures.iter().filter(|t| **t <= 12.0).count() as f64;
    assert!((below / 1_000.0 - short / train.len() as f64).abs() <= 0.001);
    let missing = train
        .customers
        .iter()
        .filter(|c| c.total_charges.is_none())
        .count();
    assert!(missing > 0);
    assert_eq!(spread("total_charges").missing, missing);
    assert_eq!(reference.categories.len(), 16);
    for levels in &reference.categories {
        let sum: usize = levels.counts.values().sum();
        assert_eq!(sum, train.len(), "{}", levels.field);
    }
    let of = |name: &str| reference.categories.iter().find(|l| l.field == name);
    let seniors = train.customers.iter().filter(|c| c.senior_citizen).count();
    assert_eq!(
        of("senior_citizen").expect("a flag").counts["true"],
        seniors
    );
}
