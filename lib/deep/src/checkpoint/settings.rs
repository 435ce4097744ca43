//! The lines of a checkpoint: a name, a space, a value. Numbers are written so that the same come back.

use crate::DeepError;
use crate::cnn::CnnConfig;
use crate::data::{Augment, parameter};
use crate::train::{Schedule, TrainConfig};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::fmt::Debug;
use std::str::FromStr;

/// Names and values in the order in which they were put.
pub(super) struct Lines(Vec<(String, String)>);

/// What a file that passed its digest may still lack, if another program wrote it.
pub(super) fn missing(what: &str) -> DeepError {
    parameter("an entry", what, "it to be there, in its own form")
}

impl Lines {
    pub(super) fn of(config: &TrainConfig) -> Lines {
        let mut lines = Lines(Vec::new());
        let (model, augment) = (&config.model, &config.augment);
        lines.put("model.channels.0", model.channels[0]);
        lines.put("model.channels.1", model.channels[1]);
        lines.put("model.hidden", model.hidden);
        lines.put("model.dropout", model.dropout);
        lines.put("epochs", config.epochs);
        lines.put("batch_size", config.batch_size);
        lines.put("learning_rate", config.learning_rate);
        lines.put("warm_cosine", config.schedule == Schedule::WarmCosine);
        lines.put("weight_decay", config.weight_decay);
        lines.put("patience", config.patience);
        lines.put("shuffle", config.shuffle);
        lines.put("augment.rotate", augment.rotate);
        lines.put("augment.shear", augment.shear);
        lines.put("augment.scale", augment.scale);
        lines.put("augment.shift", augment.shift);
        lines.put("seed", config.seed);
        lines
    }

    pub(super) fn config(&self) -> Result<TrainConfig, DeepError> {
        Ok(TrainConfig {
            model: CnnConfig {
                channels: [
                    self.number("model.channels.0")?,
                    self.number("model.channels.1")?,
                ],
                hidden: self.number("model.hidden")?,
                dropout: self.number("model.dropout")?,
            },
            epochs: self.number("epochs")?,
            batch_size: self.number("batch_size")?,
            learning_rate: self.number("learning_rate")?,
            schedule: if self.number("warm_cosine")? {
                Schedule::WarmCosine
            } else {
                Schedule::Constant
            },
            weight_decay: self.number("weight_decay")?,
            patience: self.number("patience")?,
            shuffle: self.number("shuffle")?,
            augment: Augment {
                rotate: self.number("augment.rotate")?,
                shear: self.number("augment.shear")?,
                scale: self.number("augment.scale")?,
                shift: self.number("augment.shift")?,
            },
            seed: self.number("seed")?,
        })
    }

    /// Debug writes the shortest text that reads as the same number.
    pub(super) fn put(&mut self, name: &str, value: impl Debug) {
        self.0.push((name.to_owned(), format!("{value:?}")));
    }

    pub(super) fn number<T: FromStr>(&self, name: &str) -> Result<T, DeepError> {
        let value = self
            .0
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value);
        value
            .and_then(|value| value.parse().ok())
            .ok_or_else(|| missing(name))
    }

    pub(super) fn put_generator(&mut self, rng: &ChaCha8Rng) {
        for (i, eight) in rng.get_seed().chunks_exact(8).enumerate() {
            self.put(
                &format!("rng.seed.{i}"),
                u64::from_le_bytes(eight.try_into().expect("eight bytes")),
            );
        }
        self.put("rng.stream", rng.get_stream());
        self.put("rng.word", rng.get_word_pos());
    }

    pub(super) fn generator(&self) -> Result<ChaCha8Rng, DeepError> {
        let mut seed = [0; 32];
        for (i, eight) in seed.chunks_exact_mut(8).enumerate() {
            eight.copy_from_slice(&self.number::<u64>(&format!("rng.seed.{i}"))?.to_le_bytes());
        }
        let mut rng = ChaCha8Rng::from_seed(seed);
        rng.set_stream(self.number("rng.stream")?);
        rng.set_word_pos(self.number("rng.word")?);
        Ok(rng)
    }

    pub(super) fn text(&self) -> String {
        self.0
            .iter()
            .map(|(name, value)| format!("{name} {value}\n"))
            .collect()
    }

    pub(super) fn parse(text: &str) -> Lines {
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        Lines(
            pairs
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }
}
