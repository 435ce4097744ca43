//! Products with a matrix that stays in its 4 or 8 bits: what a token costs is mostly reading the weights, and these are an
//! eighth or a quarter as long.
//!
//! A block is 32 weights of one row. `Q4_1` is `d` and `m` in half precision and 32 codes `q` of 4 bits, for `w = d q + m`,
//! so `Σ w x = d Σ q x + m Σ x`. `Q8_0` is `d` and 32 codes of 8 bits with a sign, for `w = d q`. The inputs stay in `f32`:
//! nothing is lost beyond what the file's weights have lost.

use rayon::prelude::*;

use crate::dot::Simd;

const BLOCK: usize = 32;
/// Rows that one task takes.
const ROWS: usize = 32;

/// How a matrix is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Q4_1,
    Q8_0,
}

impl Packing {
    fn bytes(self) -> usize {
        match self {
            Self::Q4_1 => 20,
            Self::Q8_0 => 34,
        }
    }
}

/// `W x`, `W` of shape (rows, x.len()) in `data`.
pub(super) fn multiply(packing: Packing, data: &[u8], x: &[f32]) -> Vec<f32> {
    let row = x.len() / BLOCK * packing.bytes();
    let simd = Simd::detect();
    let mut out = vec![0.0; data.len() / row];
    out.par_chunks_mut(ROWS)
        .zip(data.par_chunks(ROWS * row))
        .for_each(|(out, rows)| match simd {
            Simd::Baseline => some_rows(packing, rows, row, x, out),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `detect` has found AVX2 on this processor.
            Simd::Avx2 => unsafe { some_rows_avx2(packing, rows, row, x, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `detect` has found AVX-512F on this processor.
            Simd::Avx512 => unsafe { some_rows_avx512(packing, rows, row, x, out) },
        });
    out
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn some_rows_avx2(packing: Packing, rows: &[u8], row: usize, x: &[f32], out: &mut [f32]) {
    some_rows(packing, rows, row, x, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn some_rows_avx512(packing: Packing, rows: &[u8], row: usize, x: &[f32], out: &mut [f32]) {
    some_rows(packing, rows, row, x, out);
}

#[inline(always)]
fn some_rows(packing: Packing, rows: &[u8], row: usize, x: &[f32], out: &mut [f32]) {
    for (out, row) in out.iter_mut().zip(rows.chunks_exact(row)) {
        *out = match packing {
            Packing::Q4_1 => q4_1(row, x),
            Packing::Q8_0 => q8_0(row, x),
        };
    }
}

#[inline(always)]
fn q4_1(row: &[u8], x: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    for (block, x) in row.as_chunks::<20>().0.iter().zip(x.as_chunks::<BLOCK>().0) {
        let (d, m) = (half(block[0], block[1]), half(block[2], block[3]));
        for i in 0..16 {
            let code = block[4 + i];
            let low = f32::from(code & 15) * d + m;
            let high = f32::from(code >> 4) * d + m;
            sums[i] += low * x[i] + high * x[i + 16];
        }
    }
    sums.iter().sum()
}

#[inline(always)]
fn q8_0(row: &[u8], x: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    for (block, x) in row.as_chunks::<34>().0.iter().zip(x.as_chunks::<BLOCK>().0) {
        let d = half(block[0], block[1]);
        for i in 0..16 {
            let (low, high) = (
                f32::from(block[2 + i] as i8),
                f32::from(block[18 + i] as i8),
            );
            sums[i] += d * (low * x[i] + high * x[i + 16]);
        }
    }
    sums.iter().sum()
}

/// A finite number in half precision.
#[inline(always)]
fn half(low: u8, high: u8) -> f32 {
    let bits = u32::from(u16::from_le_bytes([low, high]));
    let size = f32::from_bits((bits & 0x7FFF) << 13) * f32::from_bits(0x7780_0000); // · 2^112: another exponent's bias
    f32::from_bits(size.to_bits() | (bits & 0x8000) << 16)
}

#[cfg(test)]
mod tests {
    use candle_core::quantized::{GgmlDType, QTensor};
    use candle_core::{Device, Tensor};

    use super::*;
    use crate::random::SplitMix64;

    #[test]
    fn halves() {
        for (bits, value) in [
            (0u16, 0.0),
            (0x3C00, 1.0),
            (0xC000, -2.0),
            (0x0001, 2f32.powi(-24)),
            (0x7BFF, 65504.0),
        ] {
            let [low, high] = bits.to_le_bytes();
            assert_eq!(half(low, high), value);
        }
    }

    #[test]
    fn products_are_those_of_the_weights_unpacked() {
        let mut random = SplitMix64::new(5);
        let mut draw = |n: usize| {
            (0..n)
                .map(|_| random.unit() as f32 * 2.0 - 1.0)
                .collect::<Vec<f32>>()
        };
        let (rows, columns) = (70, 96);
        let weights =
            Tensor::from_vec(draw(rows * columns), (rows, columns), &Device::Cpu).unwrap();
        let x = draw(columns);
        for (packing, kind) in [
            (Packing::Q4_1, GgmlDType::Q4_1),
            (Packing::Q8_0, GgmlDType::Q8_0),
        ] {
            let packed = QTensor::quantize(&weights, kind).unwrap();
            let unpacked: Vec<Vec<f32>> =
                packed.dequantize(&Device::Cpu).unwrap().to_vec2().unwrap();
            let got = multiply(packing, &packed.data().unwrap(), &x);
            assert_eq!(got.len(), rows);
            for (got, row) in got.iter().zip(unpacked) {
                let want: f64 = row
                    .iter()
                    .zip(&x)
                    .map(|(&w, &x)| f64::from(w) * f64::from(x))
                    .sum();
                assert!(
                    (f64::from(*got) - want).abs() < 1e-5,
                    "{packing:?}: {got}, not {want}"
                );
            }
        }
    }
}
