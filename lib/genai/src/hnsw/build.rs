//! Building the graph, one node after the other.

use ndarray::ArrayView2;

use super::graph::{Candidate, Graph, NONE, Scratch, descend, search_level};
use super::{Parameters, stride};
use crate::dot::{Simd, lanes};
use crate::random::SplitMix64;

/// No node is on a higher level: with `m` = 2, one of 2^30 would be.
const HIGHEST: u8 = 30;

/// An index that lies in memory.
#[derive(Debug)]
pub(super) struct Owned {
    dimensions: usize,
    parameters: Parameters,
    entry: u32,
    vectors: Lines<f32>,
    links0: Lines<u32>,
    levels: Vec<u8>,
    offsets: Vec<u32>,
    upper: Vec<u32>,
}

impl Owned {
    #[inline(always)]
    pub(super) fn graph(&self) -> Graph<'_> {
        Graph {
            dimensions: self.dimensions,
            stride: stride(self.dimensions),
            m: self.parameters.m,
            ef_construction: self.parameters.ef_construction,
            seed: self.parameters.seed,
            entry: self.entry,
            vectors: &self.vectors,
            links0: &self.links0,
            levels: &self.levels,
            offsets: &self.offsets,
            upper: &self.upper,
        }
    }
}

/// A cache line, in values of four bytes.
const LINE: usize = 16;

/// Values of four bytes that begin at a cache line: a vector of 64 values then lies in four lines rather than in five.
#[derive(Debug)]
struct Lines<T> {
    values: Vec<T>,
    from: usize,
}

impl<T: Copy> Lines<T> {
    fn new(fill: T, n: usize) -> Self {
        let values = vec![fill; n + LINE];
        let from = values.as_ptr().align_offset(64).min(LINE);
        Self { values, from }
    }
}

impl<T> std::ops::Deref for Lines<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.values[self.from..][..self.values.len() - LINE]
    }
}

impl<T> std::ops::DerefMut for Lines<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        let n = self.values.len() - LINE;
        &mut self.values[self.from..][..n]
    }
}

/// The graph that grows, with the distance of each link, so that a node need not be compared with its links again.
struct Builder {
    index: Owned,
    distances0: Vec<f32>,
    distances_upper: Vec<f32>,
    scratch: Scratch,
}

pub(super) fn build(vectors: ArrayView2<'_, f32>, parameters: Parameters) -> Owned {
    let (n, dimensions) = vectors.dim();
    let m = parameters.m;
    let mut padded = Lines::new(0.0f32, n * stride(dimensions));
    for (to, from) in padded
        .chunks_exact_mut(stride(dimensions))
        .zip(vectors.rows())
    {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
    }
    let levels = draw_levels(n, parameters);
    let mut offsets = Vec::with_capacity(n);
    let mut places = 0u32;
    for &level in &levels {
        offsets.push(places);
        places += u32::from(level) * m as u32;
    }
    let index = Owned {
        dimensions,
        parameters,
        entry: 0,
        vectors: padded,
        links0: Lines::new(NONE, n * 2 * m),
        levels,
        offsets,
        upper: vec![NONE; places as usize],
    };
    let mut builder = Builder {
        index,
        distances0: vec![0.0; n * 2 * m],
        distances_upper: vec![0.0; places as usize],
        scratch: Scratch::new(n),
    };
    match Simd::detect() {
        Simd::Baseline => builder.insert_all(),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `detect` has found AVX2 on this processor.
        Simd::Avx2 => unsafe { insert_all_avx2(&mut builder) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `detect` has found AVX-512F on this processor.
        Simd::Avx512 => unsafe { insert_all_avx512(&mut builder) },
    }
    builder.index
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn insert_all_avx2(builder: &mut Builder) {
    builder.insert_all();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn insert_all_avx512(builder: &mut Builder) {
    builder.insert_all();
}

/// The highest level of each node: `floor(-ln(u) / ln(m))`, `u` uniform in (0, 1].
fn draw_levels(n: usize, parameters: Parameters) -> Vec<u8> {
    let mut random = SplitMix64::new(parameters.seed);
    let scale = 1.0 / (parameters.m as f64).ln();
    (0..n)
        .map(|_| ((-random.unit().ln() * scale) as u64).min(u64::from(HIGHEST)) as u8)
        .collect()
}

impl Builder {
    #[inline(always)]
    fn insert_all(&mut self) {
        let mut chosen = Vec::new();
        for id in 1..self.index.levels.len() as u32 {
            self.insert(id, &mut chosen);
            if self.index.levels[id as usize] > self.index.levels[self.index.entry as usize] {
                self.index.entry = id;
            }
        }
    }

    /// Links a node with the graph of those before it (algorithm 1).
    #[inline(always)]
    fn insert(&mut self, id: u32, chosen: &mut Vec<Candidate>) {
        let Parameters {
            m, ef_construction, ..
        } = self.index.parameters;
        let graph = self.index.graph();
        let query = graph.vector(id);
        let top = usize::from(graph.levels[graph.entry as usize]);
        let level = usize::from(graph.levels[id as usize]);
        let mut nearest = Candidate::new(graph.entry, -lanes(query, graph.vector(graph.entry)));
        for above in (level + 1..=top).rev() {
            nearest = descend(&graph, query, above, nearest);
        }
        let mut from = vec![nearest];
        for at in (0..=level.min(top)).rev() {
            let graph = self.index.graph();
            search_level(
                &graph,
                graph.vector(id),
                at,
                &from,
                ef_construction,
                &mut self.scratch,
            );
            from.clear();
            from.extend(
                self.scratch
                    .found()
                    .map(|(id, distance)| Candidate::new(id, distance)),
            );
            choose(&graph, &from, if at == 0 { 2 * m } else { m }, chosen);
            self.set_links(id, at, chosen);
            for &neighbour in chosen.iter() {
                self.link_back(neighbour.id(), id, neighbour.distance, at);
            }
        }
    }

    /// Where a node's links of a level lie, and how many places there are.
    #[inline(always)]
    fn places(&self, id: u32, level: usize) -> std::ops::Range<usize> {
        let m = self.index.parameters.m;
        if level == 0 {
            let from = id as usize * 2 * m;
            from..from + 2 * m
        } else {
            let from = self.index.offsets[id as usize] as usize + (level - 1) * m;
            from..from + m
        }
    }

    #[inline(always)]
    fn set_links(&mut self, id: u32, level: usize, chosen: &[Candidate]) {
        let places = self.places(id, level);
        let (links, distances) = if level == 0 {
            (
                &mut self.index.links0[places.clone()],
                &mut self.distances0[places],
            )
        } else {
            (
                &mut self.index.upper[places.clone()],
                &mut self.distances_upper[places],
            )
        };
        links.fill(NONE);
        for (i, candidate) in chosen.iter().enumerate() {
            links[i] = candidate.id();
            distances[i] = candidate.distance;
        }
    }

    /// Gives `node` a link to `new`, and lets it choose again where it has too many.
    #[inline(always)]
    fn link_back(&mut self, node: u32, new: u32, distance: f32, level: usize) {
        let places = self.places(node, level);
        let (links, distances) = if level == 0 {
            (
                &mut self.index.links0[places.clone()],
                &mut self.distances0[places],
            )
        } else {
            (
                &mut self.index.upper[places.clone()],
                &mut self.distances_upper[places],
            )
        };
        let most = links.len();
        if let Some(free) = links.iter().position(|&link| link == NONE) {
            links[free] = new;
            distances[free] = distance;
            return;
        }
        let mut candidates: Vec<Candidate> = links
            .iter()
            .zip(distances.iter())
            .map(|(&link, &distance)| Candidate::new(link, distance))
            .collect();
        candidates.push(Candidate::new(new, distance));
        candidates.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        let mut chosen = Vec::with_capacity(most);
        choose(&self.index.graph(), &candidates, most, &mut chosen);
        self.set_links(node, level, &chosen);
    }
}

/// Up to `most` of the candidates, which come nearest first: each that is nearer to the new node than to every one chosen
/// before it (algorithm 4). So links go in different directions, and a cluster does not close itself off.
#[inline(always)]
fn choose(graph: &Graph<'_>, candidates: &[Candidate], most: usize, chosen: &mut Vec<Candidate>) {
    chosen.clear();
    for &candidate in candidates {
        if chosen.len() == most {
            return;
        }
        let vector = graph.vector(candidate.id());
        if chosen
            .iter()
            .all(|other| -lanes(vector, graph.vector(other.id())) > candidate.distance)
        {
            chosen.push(candidate);
        }
    }
}
