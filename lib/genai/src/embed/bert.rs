//! The encoder: BERT with mean pooling (Devlin and others, 2019).
//!
//! | symbol | what | shape |
//! |---|---|---|
//! | `T` | tokens of all texts together | |
//! | `d`, `h` | width 384, heads 12 | |
//! | `X` | the texts' tokens, one after the other | `(T, d)` |
//! | `Q, K, V` | of one group of `b` texts of `n` tokens | `(b, h, n, d/h)` |

use std::path::Path;

use candle_core::{DType, Device, IndexOp, Tensor};
use candle_nn::ops::{layer_norm, softmax_last_dim};
use ndarray::Array2;

use crate::model_error::ModelError;

#[derive(Debug)]
pub(super) struct Bert {
    words: Tensor,
    /// Positions, with the only segment's vector added.
    positions: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
    heads: usize,
}

#[derive(Debug)]
struct Layer {
    /// Queries, keys and values as one product.
    qkv: Linear,
    out: Linear,
    norm1: Norm,
    up: Linear,
    down: Linear,
    norm2: Norm,
}

/// `x Wᵀ + b`, `W` of shape (outputs, inputs).
#[derive(Debug)]
struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        x.matmul(&self.weight.t()?)?.broadcast_add(&self.bias)
    }
}

/// `(x - mean) / sqrt(variance + ε) · γ + β`, over each token's values.
#[derive(Debug)]
struct Norm {
    gamma: Tensor,
    beta: Tensor,
    epsilon: f32,
}

impl Norm {
    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        layer_norm(x, &self.gamma, &self.beta, self.epsilon)
    }
}

impl Bert {
    pub(super) fn open(weights: &Path, config: &Path) -> Result<Self, ModelError> {
        let text = std::fs::read_to_string(config).map_err(|e| wrong(config, e))?;
        let settings: serde_json::Value =
            serde_json::from_str(&text).map_err(|e| wrong(config, e))?;
        let whole = |key: &str| match settings[key].as_u64() {
            Some(n) if n > 0 => Ok(n as usize),
            _ => Err(wrong(
                config,
                format!("`{key}` is {}, not a whole number above 0", settings[key]),
            )),
        };
        let activation = &settings["hidden_act"];
        if activation != "gelu" {
            return Err(wrong(
                config,
                format!("`hidden_act` is {activation}; only \"gelu\" is known"),
            ));
        }
        let (width, heads, depth) = (
            whole("hidden_size")?,
            whole("num_attention_heads")?,
            whole("num_hidden_layers")?,
        );
        if width % heads != 0 {
            return Err(wrong(
                config,
                format!("a width of {width} cannot be shared by {heads} heads"),
            ));
        }
        let epsilon = settings["layer_norm_eps"].as_f64().unwrap_or(1e-12) as f32;
        let tensors =
            candle_core::safetensors::load(weights, &Device::Cpu).map_err(|e| wrong(weights, e))?;
        let get = |name: String, shape: &[usize]| match tensors.get(&name) {
            Some(tensor) if tensor.dims() == shape && tensor.dtype() == DType::F32 => {
                Ok(tensor.clone())
            }
            Some(tensor) => {
                let found = (tensor.dims(), tensor.dtype());
                Err(wrong(
                    weights,
                    format!("`{name}` is {found:?}, not {shape:?} of F32"),
                ))
            }
            None => Err(wrong(weights, format!("it has no tensor `{name}`"))),
        };
        let linear = |name: String, outputs: usize, inputs: usize| {
            let weight = get(format!("{name}.weight"), &[outputs, inputs])?;
            Ok::<_, ModelError>(Linear {
                weight,
                bias: get(format!("{name}.bias"), &[outputs])?,
            })
        };
        let norm = |name: String| {
            let gamma = get(format!("{name}.weight"), &[width])?;
            Ok::<_, ModelError>(Norm {
                gamma,
                beta: get(format!("{name}.bias"), &[width])?,
                epsilon,
            })
        };
        let inner = whole("intermediate_size")?;
        let layer = |i: usize| {
            let at = |part: &str| format!("encoder.layer.{i}.{part}");
            let [q, k, v] = ["query", "key", "value"]
                .map(|p| linear(at(&format!("attention.self.{p}")), width, width));
            let (q, k, v) = (q?, k?, v?);
            let qkv = Linear {
                weight: Tensor::cat(&[&q.weight, &k.weight, &v.weight], 0)?,
                bias: Tensor::cat(&[&q.bias, &k.bias, &v.bias], 0)?,
            };
            Ok::<_, ModelError>(Layer {
                qkv,
                out: linear(at("attention.output.dense"), width, width)?,
                norm1: norm(at("attention.output.LayerNorm"))?,
                up: linear(at("intermediate.dense"), inner, width)?,
                down: linear(at("output.dense"), width, inner)?,
                norm2: norm(at("output.LayerNorm"))?,
            })
        };
        let words = get(
            "embeddings.word_embeddings.weight".into(),
            &[whole("vocab_size")?, width],
        )?;
        let places = whole("max_position_embeddings")?;
        let positions = get(
            "embeddings.position_embeddings.weight".into(),
            &[places, width],
        )?;
        let segments = get(
            "embeddings.token_type_embeddings.weight".into(),
            &[whole("type_vocab_size")?, width],
        )?;
        Ok(Self {
            words,
            positions: positions.broadcast_add(&segments.i(0)?)?,
            norm: norm("embeddings.LayerNorm".into())?,
            layers: (0..depth).map(layer).collect::<Result<_, _>>()?,
            heads,
        })
    }

    pub(super) fn width(&self) -> usize {
        self.words.dims()[1]
    }

    /// One embedding a text, shape (texts, d); the texts come sorted by their length.
    pub(super) fn forward(&self, texts: &[&[u32]]) -> Result<Array2<f32>, ModelError> {
        let ids: Vec<u32> = texts.concat();
        let places: Vec<u32> = texts.iter().flat_map(|text| 0..text.len() as u32).collect();
        let total = ids.len();
        let words = self
            .words
            .index_select(&Tensor::from_vec(ids, total, &Device::Cpu)?, 0)?;
        let places = self
            .positions
            .index_select(&Tensor::from_vec(places, total, &Device::Cpu)?, 0)?;
        let mut x = self.norm.forward(&(words + places)?)?; // (T, d)
        let groups: Vec<(usize, usize)> = texts
            .chunk_by(|a, b| a.len() == b.len())
            .map(|group| (group.len(), group[0].len()))
            .collect();
        for layer in &self.layers {
            let mixed = self.attention(&layer.qkv.forward(&x)?, &groups)?;
            x = layer.norm1.forward(&(layer.out.forward(&mixed)? + x)?)?;
            let inner = layer.up.forward(&x)?.gelu_erf()?; // (T, 4 d)
            x = layer.norm2.forward(&(layer.down.forward(&inner)? + x)?)?;
        }
        let mut means = Vec::with_capacity(groups.len());
        let mut from = 0;
        for &(b, n) in &groups {
            means.push(
                x.narrow(0, from, b * n)?
                    .reshape((b, n, self.width()))?
                    .mean(1)?,
            ); // (b, d)
            from += b * n;
        }
        let means = Tensor::cat(&means, 0)?; // (texts, d)
        let lengths = means.sqr()?.sum_keepdim(1)?.sqrt()?;
        let rows = means
            .broadcast_div(&lengths)?
            .flatten_all()?
            .to_vec1::<f32>()?;
        Ok(Array2::from_shape_vec((texts.len(), self.width()), rows)
            .expect("as many values as rows times columns"))
    }

    /// `softmax(Q Kᵀ / √(d/h)) V` within each text, shape (T, d).
    fn attention(&self, qkv: &Tensor, groups: &[(usize, usize)]) -> candle_core::Result<Tensor> {
        let (d, h) = (self.width(), self.heads);
        let scale = 1.0 / ((d / h) as f64).sqrt();
        let mut mixed = Vec::with_capacity(groups.len());
        let mut from = 0;
        for &(b, n) in groups {
            let group = qkv
                .narrow(0, from, b * n)?
                .reshape((b, n, 3, h, d / h))?
                .permute((2, 0, 3, 1, 4))?;
            let q = (group.i(0)?.contiguous()? * scale)?; // (b, h, n, d/h)
            let (k, v) = (group.i(1)?.contiguous()?, group.i(2)?.contiguous()?);
            let weights = softmax_last_dim(&q.matmul(&k.t()?)?)?; // (b, h, n, n)
            mixed.push(weights.matmul(&v)?.transpose(1, 2)?.reshape((b * n, d))?);
            from += b * n;
        }
        Tensor::cat(&mixed, 0)
    }
}

fn wrong(path: &Path, what: impl std::fmt::Display) -> ModelError {
    ModelError::File {
        path: path.to_owned(),
        what: what.to_string(),
    }
}
