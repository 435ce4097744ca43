//! The decoder: Llama's architecture (Touvron and others, 2023) with grouped queries, weights in 4 bits.
//!
//! | symbol | what | shape |
//! |---|---|---|
//! | `n`, `t` | new tokens, all tokens so far | |
//! | `d`, `h`, `g` | width 576, query heads 9, key and value heads 3 | |
//! | `x` | the new tokens | `(n, d)` |
//! | `Q` | queries, those that share a key side by side | `(g, h/g · n, d/h)` |
//! | `K`, `V` | keys and values of all tokens | `(g, t, d/h)` |

use std::fs::File;

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use candle_nn::kv_cache::KvCache;
use candle_nn::ops::{rms_norm, silu, softmax_last_dim};
use candle_nn::rotary_emb::rope_i;

use super::packed::{self, Packing};
use crate::model_error::ModelError;

/// From this many tokens on, weights are taken out of their 4 bits for one product: the work pays for it.
const DEQUANTISE_FROM: usize = 16;
/// By how many tokens the cache of keys and values grows.
const CACHE_STEP: usize = 512;

/// Keys and values of the tokens read so far, a pair a layer.
pub(super) type Cache = Vec<KvCache>;

#[derive(Debug)]
pub(super) struct Llama {
    embeddings: Tensor,
    layers: Vec<Layer>,
    norm: Tensor,
    head: Weight,
    heads: usize,
    shared: usize,
    epsilon: f32,
    longest: usize,
    cos: Tensor,
    sin: Tensor,
}

#[derive(Debug)]
struct Layer {
    norm1: Tensor,
    q: Weight,
    k: Weight,
    v: Weight,
    out: Weight,
    norm2: Tensor,
    gate: Weight,
    up: Weight,
    down: Weight,
}

/// A matrix in few bits, shape (outputs, inputs): `x Wᵀ`.
#[derive(Debug)]
struct Weight {
    packing: Packing,
    tensor: QTensor,
}

impl Weight {
    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let n = x.dim(0)?;
        if n >= DEQUANTISE_FROM {
            return x.matmul(&self.tensor.dequantize(&Device::Cpu)?.t()?);
        }
        let data = self.tensor.data()?;
        let outputs = self.tensor.shape().dims()[0];
        let mut rows = Vec::with_capacity(n * outputs);
        for x in x.to_vec2::<f32>()? {
            rows.extend(packed::multiply(self.packing, &data, &x));
        }
        Tensor::from_vec(rows, (n, outputs), &Device::Cpu)
    }
}

impl Llama {
    pub(super) fn new(content: &Content, file: &mut File) -> Result<Self, String> {
        let number = |key: &str| match content.metadata.get(key) {
            Some(Value::U32(n)) => Ok(f64::from(*n)),
            Some(Value::U64(n)) => Ok(*n as f64),
            Some(Value::F32(x)) => Ok(f64::from(*x)),
            other => Err(format!("`{key}` is {other:?}, not a number")),
        };
        let whole = |key: &str| match number(&format!("llama.{key}"))? {
            n if n >= 1.0 => Ok::<usize, String>(n as usize),
            n => Err(format!("`llama.{key}` is {n}, below 1")),
        };
        let (width, heads, shared) = (
            whole("embedding_length")?,
            whole("attention.head_count")?,
            whole("attention.head_count_kv")?,
        );
        let (inner, longest, depth) = (
            whole("feed_forward_length")?,
            whole("context_length")?,
            whole("block_count")?,
        );
        if width % (2 * heads) != 0 || heads % shared != 0 {
            return Err(format!(
                "a width of {width}, {heads} heads and {shared} shared ones do not fit together"
            ));
        }
        if width % 32 != 0 || inner % 32 != 0 {
            return Err(format!(
                "widths of {width} and {inner} are not multiples of 32"
            ));
        }
        let mut tensor = |name: String, shape: &[usize]| {
            let tensor = content
                .tensor(file, &name, &Device::Cpu)
                .map_err(|e| e.to_string())?;
            if tensor.shape().dims() != shape {
                return Err(format!(
                    "`{name}` has the shape {:?}, not {shape:?}",
                    tensor.shape().dims()
                ));
            }
            Ok(tensor)
        };
        let full = |tensor: QTensor| tensor.dequantize(&Device::Cpu).map_err(|e| e.to_string());
        let weight = |tensor: QTensor| {
            let packing = match tensor.dtype() {
                GgmlDType::Q4_1 => Packing::Q4_1,
                GgmlDType::Q8_0 => Packing::Q8_0,
                other => {
                    return Err(format!(
                        "a matrix is packed as {other:?}; only Q4_1 and Q8_0 are known"
                    ));
                }
            };
            Ok(Weight { packing, tensor })
        };
        let words = whole("vocab_size")?;
        let embedded = tensor("token_embd.weight".into(), &[words, width])?;
        let size = width / heads; // of a head
        let mut layers = Vec::with_capacity(depth);
        for i in 0..depth {
            let mut at =
                |part: &str, shape: &[usize]| tensor(format!("blk.{i}.{part}.weight"), shape);
            layers.push(Layer {
                norm1: full(at("attn_norm", &[width])?)?,
                q: weight(at("attn_q", &[width, width])?)?,
                k: weight(at("attn_k", &[shared * size, width])?)?,
                v: weight(at("attn_v", &[shared * size, width])?)?,
                out: weight(at("attn_output", &[width, width])?)?,
                norm2: full(at("ffn_norm", &[width])?)?,
                gate: weight(at("ffn_gate", &[inner, width])?)?,
                up: weight(at("ffn_up", &[inner, width])?)?,
                down: weight(at("ffn_down", &[width, inner])?)?,
            });
        }
        let base = number("llama.rope.freq_base")?;
        let (cos, sin) = rotations(longest, size, base).map_err(|e| e.to_string())?;
        Ok(Self {
            embeddings: embedded
                .dequantize(&Device::Cpu)
                .map_err(|e| e.to_string())?,
            layers,
            norm: full(tensor("output_norm.weight".into(), &[width])?)?,
            head: weight(embedded)?, // the embeddings again: they are tied
            heads,
            shared,
            epsilon: number("llama.attention.layer_norm_rms_epsilon")? as f32,
            longest,
            cos,
            sin,
        })
    }

    /// The most tokens, of prompt and answer together.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    pub(super) fn cache(&self) -> Cache {
        self.layers
            .iter()
            .map(|_| KvCache::new(1, CACHE_STEP))
            .collect()
    }

    /// Reads more tokens; the logits of the one that follows.
    pub(super) fn forward(&self, ids: &[u32], cache: &mut Cache) -> Result<Vec<f32>, ModelError> {
        let n = ids.len();
        let past = cache.first().map_or(0, KvCache::current_seq_len);
        if n == 0 {
            return Err(ModelError::NoText { place: 0 });
        }
        if past + n > self.longest {
            return Err(ModelError::LongPrompt {
                tokens: past + n,
                wanted: 0,
                limit: self.longest,
            });
        }
        let ids = Tensor::from_slice(ids, n, &Device::Cpu)?;
        let mut x = self.embeddings.index_select(&ids, 0)?; // (n, d)
        let mask = if n == 1 { None } else { Some(mask(n, past)?) };
        let (cos, sin) = (self.cos.narrow(0, past, n)?, self.sin.narrow(0, past, n)?);
        for (layer, cache) in self.layers.iter().zip(cache) {
            let y = rms_norm(&x, &layer.norm1, self.epsilon)?;
            x = (x + self.attention(layer, &y, cache, mask.as_ref(), &cos, &sin)?)?;
            let y = rms_norm(&x, &layer.norm2, self.epsilon)?;
            let inner = (silu(&layer.gate.forward(&y)?)? * layer.up.forward(&y)?)?;
            x = (x + layer.down.forward(&inner)?)?;
        }
        let last = rms_norm(
            &x.narrow(0, n - 1, 1)?.contiguous()?,
            &self.norm,
            self.epsilon,
        )?;
        Ok(self.head.forward(&last)?.flatten_all()?.to_vec1()?)
    }

    fn attention(
        &self,
        layer: &Layer,
        x: &Tensor,
        cache: &mut KvCache,
        mask: Option<&Tensor>,
        cos: &Tensor,
        sin: &Tensor,
    ) -> candle_core::Result<Tensor> {
        let (n, d) = x.dims2()?;
        let (h, g) = (self.heads, self.shared);
        let size = d / h;
        let split =
            |y: Tensor, heads: usize| y.reshape((n, heads, size))?.transpose(0, 1)?.contiguous(); // (heads, n, size)
        let turn = |y: Tensor| rope_i(&y.unsqueeze(0)?, cos, sin)?.squeeze(0);
        let q = turn(split(layer.q.forward(x)?, h)?)?.reshape((g, h / g * n, size))?;
        let k = turn(split(layer.k.forward(x)?, g)?)?;
        let v = split(layer.v.forward(x)?, g)?;
        let (k, v) = cache.append(&k, &v)?; // (g, t, size)
        let t = k.dim(1)?;
        let scores = (q.matmul(&k.transpose(1, 2)?)? * (1.0 / (size as f64).sqrt()))?; // (g, h/g · n, t)
        let scores = match mask {
            Some(mask) => {
                scores
                    .reshape((h, n, t))?
                    .broadcast_add(mask)?
                    .reshape((g, h / g * n, t))?
            }
            None => scores,
        };
        let mixed = softmax_last_dim(&scores)?.matmul(&v.contiguous()?)?;
        let mixed = mixed
            .reshape((h, n, size))?
            .transpose(0, 1)?
            .reshape((n, d))?;
        layer.out.forward(&mixed)
    }
}

/// 0 where token `i` of the new ones may look at token `j` of all, minus infinity where `j` comes later.
fn mask(n: usize, past: usize) -> candle_core::Result<Tensor> {
    let values: Vec<f32> = (0..n)
        .flat_map(|i| {
            (0..past + n).map(move |j| {
                if j <= past + i {
                    0.0
                } else {
                    f32::NEG_INFINITY
                }
            })
        })
        .collect();
    Tensor::from_vec(values, (n, past + n), &Device::Cpu)
}

/// Cosines and sines of `place · base^(-2i/size)`, shape (longest, size / 2) each.
fn rotations(longest: usize, size: usize, base: f64) -> candle_core::Result<(Tensor, Tensor)> {
    let angles: Vec<f32> = (0..longest)
        .flat_map(|place| {
            (0..size / 2)
                .map(move |i| (place as f64 * base.powf(-2.0 * i as f64 / size as f64)) as f32)
        })
        .collect();
    let angles = Tensor::from_vec(angles, (longest, size / 2), &Device::Cpu)?;
    Ok((angles.cos()?, angles.sin()?))
}
