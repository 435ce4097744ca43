//! A training run as one file, from which it goes on as if it had never stopped.
//!
//! The file is in the safetensors format, which other programs read too: `model.*` are the weights
//! as they stand, `best.*` those of the best epoch, `first.*` and `second.*` the moments of the
//! optimiser, and `history` what is known of each epoch. The settings, the number of steps, where
//! the generator of random numbers stands, and a digest of it all are lines of text in its header.
//!
//! It is written beside its place and then renamed: whoever reads it meets the old one or the new
//! one, and never half of one.

mod settings;

use crate::DeepError;
use crate::cnn::{Cnn, PARAMETERS};
use crate::optimiser::AdamW;
use crate::train::{Epoch, Trainer};
use candle_core::{DType, Device, Tensor};
use rand_chacha::ChaCha8Rng;
use safetensors::{SafeTensorError, SafeTensors};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use settings::Lines;

/// The version of the format that is written, and the newest that is read.
pub const VERSION: u32 = 1;

/// The entry of the header that holds the lines, and the word that they begin with.
const MARK: &str = "ml-fullstack.checkpoint";

/// The groups of tensors that have one tensor for each parameter of the network.
const GROUPS: [&str; 4] = ["model", "best", "first", "second"];

/// Writes a run to a file, whole or not at all.
///
/// # Arguments
/// - `path`: by custom ending in `.safetensors`. A file that is there is replaced.
///
/// # Errors
/// [`DeepError::Io`]; [`DeepError::Candle`] if the device does not hand its tensors over.
///
/// # Examples
/// ```
/// use deep::checkpoint;
/// use deep::train::{TrainConfig, Trainer};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("run.safetensors");
/// let trainer = Trainer::new(TrainConfig::default(), &deep::device()?)?;
/// checkpoint::save(&trainer, &path)?;
/// let again = checkpoint::load(&path, &deep::device()?)?;
/// assert_eq!(again.config(), trainer.config());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn save(trainer: &Trainer, path: &Path) -> Result<(), DeepError> {
    let tensors = tensors(trainer)?;
    let mut lines = Lines::of(&trainer.config);
    lines.put("steps", trainer.optimiser.steps);
    lines.put_generator(&trainer.rng);
    let digest = digest(&lines.text(), &tensors)?;
    let header = format!("{VERSION}\nsha256 {digest}\n{}", lines.text());
    let header = HashMap::from([(MARK.to_owned(), header)]);
    let bytes = safetensors::serialize(&tensors, Some(header)).map_err(candle_core::Error::from)?;
    write_whole(path, &bytes)
}

/// Reads a run, to take it up again or to use its network.
///
/// # Arguments
/// - `path`: what [`save`] wrote.
/// - `device`: where the run goes on. It goes on exactly on the kind of device that it was left on.
///
/// # Errors
/// [`DeepError::Io`] if the file cannot be read, [`DeepError::Foreign`] if it is something else,
/// [`DeepError::Newer`] if a newer version wrote it, [`DeepError::Corrupt`] if it is damaged.
pub fn load(path: &Path, device: &Device) -> Result<Trainer, DeepError> {
    let bytes = std::fs::read(path).map_err(|source| io(path, "read", source))?;
    let corrupt = |reason: String| DeepError::Corrupt {
        path: path.to_owned(),
        reason,
    };
    let foreign = |reason: String| DeepError::Foreign {
        path: path.to_owned(),
        reason,
    };

    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| match error {
        SafeTensorError::MetadataIncompleteBuffer => corrupt(format!(
            "it is {} bytes long, and its header says otherwise",
            bytes.len()
        )),
        other => foreign(other.to_string()),
    })?;
    let text = header
        .metadata()
        .as_ref()
        .and_then(|entries| entries.get(MARK));
    let text = text.ok_or_else(|| foreign(format!("its header has no entry {MARK}")))?;
    let (version, text) = text
        .split_once('\n')
        .ok_or_else(|| corrupt("it states no version".into()))?;
    match version.parse::<u32>() {
        Ok(VERSION) => {}
        Ok(version) if version > VERSION => {
            return Err(DeepError::Newer {
                path: path.to_owned(),
                version,
                known: VERSION,
            });
        }
        _ => return Err(corrupt(format!("it states version {version:?}"))),
    }
    let (digest_line, text) = text
        .split_once('\n')
        .ok_or_else(|| corrupt("it has no digest".into()))?;

    let tensors: BTreeMap<String, Tensor> = candle_core::safetensors::load_buffer(&bytes, device)?
        .into_iter()
        .collect();
    let found = digest(text, &tensors)?;
    if digest_line != format!("sha256 {found}") {
        return Err(corrupt(format!(
            "its content has sha256 {found}, its header says {digest_line:?}"
        )));
    }
    restore(&Lines::parse(text), &tensors, device).map_err(|error| corrupt(error.to_string()))
}

/// Everything of a run that is made of numbers.
fn tensors(trainer: &Trainer) -> Result<BTreeMap<String, Tensor>, DeepError> {
    let model: Vec<Tensor> = trainer
        .model
        .parameters()
        .iter()
        .map(|p| p.as_detached_tensor())
        .collect();
    let groups = [
        &model,
        &trainer.best,
        &trainer.optimiser.first,
        &trainer.optimiser.second,
    ];
    let mut tensors = BTreeMap::new();
    for (group, values) in GROUPS.into_iter().zip(groups) {
        for (name, value) in PARAMETERS.into_iter().zip(values) {
            tensors.insert(format!("{group}.{name}"), value.contiguous()?);
        }
    }
    let history: Vec<f64> = trainer
        .history
        .iter()
        .flat_map(|e| {
            [
                e.learning_rate,
                e.train_loss,
                e.validation_loss,
                e.validation_accuracy,
            ]
        })
        .collect();
    if !history.is_empty() {
        let shape = (trainer.history.len(), 4);
        tensors.insert(
            "history".into(),
            Tensor::from_vec(history, shape, &Device::Cpu)?,
        );
    }
    Ok(tensors)
}

/// The run that the parts of a file make up.
fn restore(
    lines: &Lines,
    tensors: &BTreeMap<String, Tensor>,
    device: &Device,
) -> Result<Trainer, DeepError> {
    let config = lines.config()?;
    config.check()?;
    let mut groups = Vec::with_capacity(GROUPS.len());
    for group in GROUPS {
        let named = PARAMETERS.map(|name| tensors.get(&format!("{group}.{name}")).cloned());
        let values: Option<Vec<Tensor>> = named.into_iter().collect();
        let values = values.ok_or(settings::missing(group))?;
        // a network of these tensors: their shapes are checked
        let values = Cnn::from_tensors(config.model, &values, device)?;
        groups.push(values);
    }
    let copies = |model: &Cnn| {
        model
            .parameters()
            .iter()
            .map(|p| p.as_detached_tensor())
            .collect::<Vec<_>>()
    };
    let [model, best, first, second]: [Cnn; 4] = groups.try_into().expect("four groups");
    let optimiser = AdamW {
        weight_decay: config.weight_decay,
        steps: lines.number("steps")?,
        first: copies(&first),
        second: copies(&second),
    };
    let history = match tensors.get("history") {
        None => Vec::new(),
        Some(rows) => rows
            .to_dtype(DType::F64)?
            .to_vec2::<f64>()?
            .into_iter()
            .enumerate()
            .map(|(i, row)| match row[..] {
                [
                    learning_rate,
                    train_loss,
                    validation_loss,
                    validation_accuracy,
                ] => Ok(Epoch {
                    epoch: i + 1,
                    learning_rate,
                    train_loss,
                    validation_loss,
                    validation_accuracy,
                }),
                _ => Err(settings::missing("history")),
            })
            .collect::<Result<_, _>>()?,
    };
    let rng: ChaCha8Rng = lines.generator()?;
    Ok(Trainer {
        config,
        best: copies(&best),
        model,
        optimiser,
        rng,
        history,
    })
}

/// Of the settings, and of name, type, shape and bytes of each tensor.
fn digest(text: &str, tensors: &BTreeMap<String, Tensor>) -> Result<String, DeepError> {
    let mut hash = Sha256::new();
    hash.update(text);
    for (name, tensor) in tensors {
        hash.update(format!(
            "\n{name} {:?} {:?}\n",
            tensor.dtype(),
            tensor.dims()
        ));
        match tensor.dtype() {
            DType::F64 => tensor
                .flatten_all()?
                .to_vec1::<f64>()?
                .iter()
                .for_each(|v| hash.update(v.to_le_bytes())),
            _ => {
                let values = tensor
                    .to_dtype(DType::F32)?
                    .flatten_all()?
                    .to_vec1::<f32>()?;
                values.iter().for_each(|v| hash.update(v.to_le_bytes()));
            }
        }
    }
    Ok(hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), DeepError> {
    use std::io::Write;
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let part = format!(
        "part-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let beside = path.with_extension(part);
    let write = || {
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().map_err(|source| {
        let _ = std::fs::remove_file(&beside);
        io(path, "write", source)
    })
}

fn io(path: &Path, action: &'static str, source: std::io::Error) -> DeepError {
    DeepError::Io {
        path: path.to_owned(),
        action,
        source,
    }
}
