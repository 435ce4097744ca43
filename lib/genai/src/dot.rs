//! Dot products of `f32` vectors, the inner loop of dense search.
//!
//! Sixteen partial sums are kept side by side, and added up in one fixed order at the end. A compiler turns the sixteen into
//! whatever vectors the processor has, and since the order of additions is fixed, **every processor gives the same bits**:
//! an index built on one machine is the index built on another. That is why there is no fused multiply-add here.
//!
//! The crate is compiled for any processor of its architecture. Where a processor has AVX2 or AVX-512, found out at run
//! time, the same Rust code runs as compiled for those.

/// How many partial sums; vectors of an index are padded with zeros to a multiple of it.
pub(crate) const LANES: usize = 16;

/// The dot product of two vectors of one length, in `f32`.
///
/// # Panics
/// If the lengths differ.
///
/// # Complexity
/// O(d).
///
/// # Examples
/// ```
/// assert_eq!(genai::dot::dot(&[1.0, 2.0, 3.0], &[4.0, -5.0, 6.0]), 12.0);
/// ```
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "dot: the lengths differ");
    match Simd::detect() {
        Simd::Baseline => lanes(a, b),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `detect` has found AVX2 on this processor.
        Simd::Avx2 => unsafe { dot_avx2(a, b) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `detect` has found AVX-512F on this processor.
        Simd::Avx512 => unsafe { dot_avx512(a, b) },
    }
}

/// Which of the compiled forms of a loop to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Simd {
    /// What every processor of the architecture has.
    Baseline,
    #[cfg(target_arch = "x86_64")]
    /// Vectors of 256 bits: AVX2 and FMA.
    Avx2,
    #[cfg(target_arch = "x86_64")]
    /// Vectors of 512 bits: AVX-512 F, BW and VL.
    Avx512,
}

impl Simd {
    /// The widest form that this processor runs. The standard library remembers the answer.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
            {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        Self::Baseline
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn dot_avx2(a: &[f32], b: &[f32]) -> f32 {
    lanes(a, b)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn dot_avx512(a: &[f32], b: &[f32]) -> f32 {
    lanes(a, b)
}

/// The dot product, to be compiled into its caller with the caller's instructions.
#[inline(always)]
pub(crate) fn lanes(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for i in 0..LANES {
            sums[i] += x[i] * y[i];
        }
    }
    for (i, (x, y)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[i] += x * y;
    }
    add_up(sums)
}

/// Four dot products with one query at once: the four sums do not wait for each other.
/// The same bits as four calls of [`lanes`], for lengths that are multiples of [`LANES`].
#[inline(always)]
pub(crate) fn lanes4(q: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
    let mut sums = [[0.0f32; LANES]; 4];
    let [a, b, c, d] = rows.map(|row| row.as_chunks::<LANES>().0);
    let q = q.as_chunks::<LANES>().0;
    for ((((q, a), b), c), d) in q.iter().zip(a).zip(b).zip(c).zip(d) {
        for i in 0..LANES {
            sums[0][i] += q[i] * a[i];
            sums[1][i] += q[i] * b[i];
            sums[2][i] += q[i] * c[i];
            sums[3][i] += q[i] * d[i];
        }
    }
    sums.map(add_up)
}

/// The sum of the partial sums, always in the same order: halves onto halves.
#[inline(always)]
fn add_up(s: [f32; LANES]) -> f32 {
    let mut eight = [0.0; 8];
    for i in 0..8 {
        eight[i] = s[i] + s[i + 8];
    }
    let mut four = [0.0; 4];
    for i in 0..4 {
        four[i] = eight[i] + eight[i + 4];
    }
    (four[0] + four[2]) + (four[1] + four[3])
}

/// Asks the processor to bring a vector nearer. Changes no result.
#[inline(always)]
pub(crate) fn prefetch(values: &[f32]) {
    prefetch_lines(values);
}

/// The same for a node's links.
#[inline(always)]
pub(crate) fn prefetch_links(links: &[u32]) {
    prefetch_lines(links);
}

/// Four bytes a value: sixteen of them in a cache line.
#[inline(always)]
fn prefetch_lines<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in values.chunks(16) {
        // SAFETY: a prefetch reads nothing that a program can see, and SSE is part of x86-64.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(
                line.as_ptr().cast(),
            )
        };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    fn vectors(n: usize, seed: u64) -> (Vec<f32>, Vec<f32>) {
        let mut random = SplitMix64::new(seed);
        let mut draw = || (random.unit() * 2.0 - 1.0) as f32;
        (
            (0..n).map(|_| draw()).collect(),
            (0..n).map(|_| draw()).collect(),
        )
    }

    #[test]
    fn every_form_gives_the_same_bits() {
        for n in (0..70).chain([383, 384, 1000]) {
            let (a, b) = vectors(n, n as u64);
            let base = lanes(&a, &b);
            assert_eq!(
                dot(&a, &b).to_bits(),
                base.to_bits(),
                "detected, {n} values"
            );
            #[cfg(target_arch = "x86_64")]
            {
                if is_x86_feature_detected!("avx2") {
                    // SAFETY: AVX2 was found.
                    assert_eq!(
                        unsafe { dot_avx2(&a, &b) }.to_bits(),
                        base.to_bits(),
                        "AVX2, {n} values"
                    );
                }
                if is_x86_feature_detected!("avx512f") {
                    // SAFETY: AVX-512F was found.
                    assert_eq!(
                        unsafe { dot_avx512(&a, &b) }.to_bits(),
                        base.to_bits(),
                        "AVX-512, {n} values"
                    );
                }
            }
        }
    }

    #[test]
    fn four_at_once_are_four() {
        let (q, a) = vectors(64, 1);
        let (b, c) = vectors(64, 2);
        let (d, _) = vectors(64, 3);
        let together = lanes4(&q, [&a, &b, &c, &d]);
        for (row, got) in [&a, &b, &c, &d].into_iter().zip(together) {
            assert_eq!(got.to_bits(), lanes(&q, row).to_bits());
        }
    }

    #[test]
    fn near_the_sum_in_double_precision() {
        let (a, b) = vectors(384, 7);
        let exact: f64 = a
            .iter()
            .zip(&b)
            .map(|(&x, &y)| f64::from(x) * f64::from(y))
            .sum();
        assert!(
            (f64::from(dot(&a, &b)) - exact).abs() < 1e-5,
            "{} and {exact}",
            dot(&a, &b)
        );
    }
}
