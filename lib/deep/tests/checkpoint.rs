//! A run that is stopped, saved, loaded and gone on with; and files that are not what they should be.

use deep::checkpoint::{load, save};
use deep::cnn::CnnConfig;
use deep::data::{Digits, Split, split};
use deep::train::{Progress, TrainConfig, Trainer};
use deep::{DeepError, device};
use std::path::{Path, PathBuf};

/// A network small enough to be trained in a moment.
fn config() -> TrainConfig {
    let model = CnnConfig {
        channels: [3, 4],
        hidden: 8,
        dropout: 0.25,
    };
    TrainConfig {
        model,
        epochs: 4,
        batch_size: 32,
        patience: 3,
        ..TrainConfig::default()
    }
}

fn parts() -> Split {
    let mnist = datasets::mnist().unwrap();
    let digits = Digits::new(mnist.images.view(), &mnist.labels).unwrap();
    split(&digits, 0.02, 0.93, 1).unwrap() // 250 to learn from, 100 to validate
}

fn weights(trainer: &Trainer) -> Vec<Vec<f32>> {
    let model = trainer
        .model()
        .parameters()
        .iter()
        .map(|p| p.flatten_all().unwrap().to_vec1().unwrap());
    let best = trainer.best_model().unwrap();
    let best = best
        .parameters()
        .iter()
        .map(|p| p.flatten_all().unwrap().to_vec1().unwrap());
    model.chain(best).collect()
}

fn saved(folder: &Path) -> PathBuf {
    let path = folder.join("run.safetensors");
    let mut trainer = Trainer::new(config(), &device().unwrap()).unwrap();
    let parts = parts();
    trainer
        .run(&parts.train, &parts.validation, 1, |_| ())
        .unwrap();
    save(&trainer, &path).unwrap();
    path
}

#[test]
fn a_run_goes_on_exactly() {
    let (parts, device) = (parts(), device().unwrap());
    let mut whole = Trainer::new(config(), &device).unwrap();
    assert_eq!(
        whole
            .run(&parts.train, &parts.validation, 9, |_| ())
            .unwrap(),
        Progress::Finished
    );

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let mut stopped = Trainer::new(config(), &device).unwrap();
    for _ in 0..4 {
        stopped
            .run(&parts.train, &parts.validation, 1, |_| ())
            .unwrap();
        save(&stopped, &path).unwrap();
        stopped = load(&path, &device).unwrap();
    }
    assert_eq!(stopped.history(), whole.history());
    assert_eq!(weights(&stopped), weights(&whole));
    assert_eq!(stopped.progress(), Progress::Finished);
    // what a first epoch gives is not what the others give: the comparison can fail
    assert_ne!(whole.history()[0].train_loss, whole.history()[1].train_loss);
}

#[test]
fn the_same_run_is_the_same_file_and_nothing_is_left_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let first = std::fs::read(saved(folder.path())).unwrap();
    let second = std::fs::read(saved(folder.path())).unwrap();
    assert!(first == second, "two runs of one seed, two files");
    let names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names, ["run.safetensors"]);
}

#[test]
fn each_changed_byte_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path());
    let good = std::fs::read(&path).unwrap();
    let header = u64::from_le_bytes(good[..8].try_into().unwrap()) as usize;
    let device = device().unwrap();
    let step = good.len() / 61;
    for at in (0..good.len())
        .step_by(step)
        .chain([good.len() - 1, header, 8 + header])
    {
        let mut bad = good.clone();
        bad[at] ^= 0x11;
        std::fs::write(&path, &bad).unwrap();
        let error = load(&path, &device).expect_err("a changed byte");
        let text = error.to_string();
        assert!(
            matches!(error, DeepError::Corrupt { .. } | DeepError::Foreign { .. }),
            "byte {at}: {error:?}"
        );
        assert!(text.contains("run.safetensors"), "byte {at}: {text}");
        if at >= 8 + header {
            assert!(
                text.contains("a damaged checkpoint: its content has sha256"),
                "byte {at}: {text}"
            );
        }
    }
    std::fs::write(&path, &good).unwrap();
    load(&path, &device).unwrap();
}

#[test]
fn a_file_cut_short_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path());
    let good = std::fs::read(&path).unwrap();
    std::fs::write(&path, &good[..good.len() - 100]).unwrap();
    let error = load(&path, &device().unwrap()).unwrap_err();
    assert!(matches!(error, DeepError::Corrupt { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("bytes long, and its header says otherwise"),
        "{error}"
    );
    for length in [0, 3, 8, 200] {
        std::fs::write(&path, &good[..length]).unwrap();
        let error = load(&path, &device().unwrap()).unwrap_err();
        assert!(
            matches!(error, DeepError::Foreign { .. } | DeepError::Corrupt { .. }),
            "{length}: {error:?}"
        );
    }
}

#[test]
fn a_newer_checkpoint_says_so_and_a_foreign_one_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path());
    let good = std::fs::read(&path).unwrap();
    let place = good
        .windows(12)
        .position(|w| w == b"\"1\\nsha256 ".as_slice() || w.starts_with(b"\"1\\nsha256"))
        .unwrap();
    let mut newer = good.clone();
    newer[place + 1] = b'7';
    std::fs::write(&path, newer).unwrap();
    let error = load(&path, &device().unwrap()).unwrap_err();
    assert!(
        matches!(
            error,
            DeepError::Newer {
                version: 7,
                known: 1,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.to_string().ends_with(
        "a checkpoint of version 7, but this library reads versions up to 1: update it"
    ));

    let tensors = std::collections::HashMap::from([(
        "a",
        candle_core::Tensor::new(1f32, &device().unwrap()).unwrap(),
    )]);
    candle_core::safetensors::save(&tensors, &path).unwrap();
    let error = load(&path, &device().unwrap()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("not a checkpoint of this library: its header has no entry"),
        "{error}"
    );

    std::fs::write(&path, "epoch,loss\n1,0.5\n").unwrap();
    let error = load(&path, &device().unwrap()).unwrap_err();
    assert!(matches!(error, DeepError::Foreign { .. }), "{error:?}");
}

#[test]
fn a_file_that_cannot_be_read_or_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("no such folder/run.safetensors");
    let error = load(&nowhere, &device().unwrap()).unwrap_err();
    assert!(
        error.to_string().contains("run.safetensors: cannot read"),
        "{error}"
    );
    let error = save(
        &Trainer::new(config(), &device().unwrap()).unwrap(),
        &nowhere,
    )
    .unwrap_err();
    assert!(
        error.to_string().contains("run.safetensors: cannot write"),
        "{error}"
    );
    // a failed write leaves the last good file
    let path = saved(folder.path());
    std::fs::create_dir(folder.path().join("taken")).unwrap();
    let trainer = load(&path, &device().unwrap()).unwrap();
    save(&trainer, &folder.path().join("taken")).unwrap_err();
    load(&path, &device().unwrap()).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}
