//! The model card: all of it from what was logged, and the same each time.

mod support;

use std::collections::BTreeMap;

use production::tracking::{Data, Environment, Tracker};

fn environment(changed: &str) -> Environment {
    let tags = [
        ("mlflow.source.git.commit", "0f3c"),
        ("course.git.changed", changed),
        ("course.lock.sha256", "ab12"),
        ("course.rustc", "rustc 1.95.0"),
        ("course.system", "linux x86_64"),
    ];
    Environment {
        tags: BTreeMap::from(tags.map(|(k, v)| (k.to_owned(), v.to_owned()))),
    }
}

#[test]
fn a_card_says_what_was_logged() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = Tracker::local(folder.path())
        .unwrap()
        .with_environment(environment("false"));
    let run = tracker.start_run("ridge | α = 0.1").unwrap();
    run.log_params([("alpha", "0.1"), ("pipe", "a|b")]).unwrap();
    run.log_interval("rmse", 54.321_098, [50.0, 58.5], 0.95)
        .unwrap();
    run.log_series("train/rmse", [60.0, 55.0, 53.5]).unwrap();
    run.intended_use("To rank patients for a second look.\nNot by itself.")
        .unwrap();
    run.log_data(Data {
        name: "diabetes".into(),
        digest: "c0ffee".into(),
        source: "scikit-learn 1.9.1".into(),
        context: "training".into(),
        rows: 442,
    })
    .unwrap();
    run.log_bytes("model.json", "{}").unwrap();
    let version = run
        .register_model("model.json", "progression")
        .unwrap()
        .version;
    let record = run.finish().unwrap().run;
    tracker
        .set_alias("progression", "champion", version)
        .unwrap();
    let card = tracker.card(&record.uuid).unwrap();
    let expected = format!(
        "# Model card: ridge \\| α = 0.1

|  |  |
|---|---|
| run | `{uuid}` |
| experiment | Default |
| begun | BEGUN |
| ended | ENDED |
| registered as | progression, version 1, champion |

## Intended use

To rank patients for a second look.
Not by itself.

## Limits

Not stated.

## Data

| data set | used for | rows | source | digest |
|---|---|---|---|---|
| diabetes | training | 442 | scikit-learn 1.9.1 | `c0ffee` |

## Metrics

| metric | value | interval | logged |
|---|---|---|---|
| rmse | 54.3211 | 50 to 58.5 (95 %) | once |
| train/rmse | 53.5 |  | 3 times, steps 0 to 2 |

## Parameters

| parameter | value |
|---|---|
| alpha | 0.1 |
| pipe | a\\|b |

## Files

| file | bytes | sha256 |
|---|---|---|
| model.json | 2 | `44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a` |

## Making it again

|  |  |
|---|---|
| source revision | 0f3c |
| sha256 of Cargo.lock | ab12 |
| compiler | rustc 1.95.0 |
| system | linux x86_64 |
",
        uuid = record.uuid
    );
    let time = |line: &str| {
        card.lines().find(|l| l.starts_with(line)).unwrap()[line.len()..]
            .trim_end_matches(" |")
            .to_owned()
    };
    let expected = expected
        .replace("BEGUN", &time("| begun | "))
        .replace("ENDED", &time("| ended | "));
    assert_eq!(card, expected);
    let year: u32 = time("| begun | ")[..4].parse().unwrap();
    assert!((2025..2100).contains(&year) && time("| begun | ").ends_with(" UTC"));
    for _ in 0..3 {
        assert_eq!(
            Tracker::local(folder.path())
                .unwrap()
                .card(&record.uuid)
                .unwrap(),
            card,
            "the same each time"
        );
    }
}

#[test]
fn a_card_does_not_hide_how_a_run_ended() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = Tracker::local(folder.path())
        .unwrap()
        .with_environment(environment("true"));
    let run = tracker.start_run("diverges").unwrap();
    run.log_metric("loss", f64::NAN, 3).unwrap();
    let uuid = run.fail("loss is NaN at step 3").unwrap().run.uuid;
    let card = tracker.card(&uuid).unwrap();
    for line in [
        "**This run is FAILED, not finished: loss is NaN at step 3.**",
        "**Files differed from the source revision when this was made: the revision alone does not make it again.**",
        "| loss | NaN |  | once |",
    ] {
        assert!(card.contains(line), "{line:?} is not in:\n{card}");
    }
    assert_eq!(
        card.matches("None logged.").count(),
        3,
        "data, parameters, files:\n{card}"
    );
    assert!(tracker.card("nothing").is_err());
}
