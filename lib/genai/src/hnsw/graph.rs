//! The graph as slices, and the search in it: the inner loop of the index.

use crate::dot::{Simd, lanes, lanes4, prefetch, prefetch_links};

/// No link: fills the places that a node does not use.
pub(super) const NONE: u32 = u32::MAX;
/// Marks a candidate whose links have been followed.
pub(super) const EXPANDED: u32 = 1 << 31;

/// The parts of an index, wherever they lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Graph<'a> {
    /// Values of a vector, without padding.
    pub(super) dimensions: usize,
    /// Values of a vector with padding.
    pub(super) stride: usize,
    pub(super) m: usize,
    pub(super) ef_construction: usize,
    pub(super) seed: u64,
    /// The node that a search begins with: one of the highest level.
    pub(super) entry: u32,
    /// `n` vectors of `stride` values.
    pub(super) vectors: &'a [f32],
    /// `n` times `2 m` links on level 0; those not used are [`NONE`], at the end.
    pub(super) links0: &'a [u32],
    /// The highest level of each node.
    pub(super) levels: &'a [u8],
    /// Where in `upper` each node's links begin: `m` for level 1, then `m` for level 2, and so on.
    pub(super) offsets: &'a [u32],
    /// Links of the levels above 0.
    pub(super) upper: &'a [u32],
}

impl<'a> Graph<'a> {
    pub(super) fn len(&self) -> usize {
        self.levels.len()
    }

    #[inline(always)]
    pub(super) fn vector(&self, id: u32) -> &'a [f32] {
        &self.vectors[id as usize * self.stride..][..self.stride]
    }

    /// The places for links of a node on a level, used or not.
    #[inline(always)]
    pub(super) fn links(&self, id: u32, level: usize) -> &'a [u32] {
        if level == 0 {
            &self.links0[id as usize * 2 * self.m..][..2 * self.m]
        } else {
            &self.upper[self.offsets[id as usize] as usize + (level - 1) * self.m..][..self.m]
        }
    }
}

/// A node with its distance from the query: minus the dot product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub(super) distance: f32,
    /// The node's id, and [`EXPANDED`].
    tag: u32,
}

impl Candidate {
    pub(super) fn new(id: u32, distance: f32) -> Self {
        Self { distance, tag: id }
    }

    pub(super) fn id(self) -> u32 {
        self.tag & !EXPANDED
    }
}

/// What a search works in, kept from one to the next.
#[derive(Debug)]
pub(super) struct Scratch {
    /// A bit a node: whether it was compared in this search.
    visited: Vec<u64>,
    /// The nodes whose bit is set, to clear them afterwards without going through all.
    touched: Vec<u32>,
    /// The best nodes so far, nearest first.
    pub(super) pool: Vec<Candidate>,
    /// Links of the node at hand that lead to nodes not seen before.
    fresh: Vec<u32>,
}

impl Scratch {
    pub(super) fn new(n: usize) -> Self {
        Self {
            visited: vec![0; n.div_ceil(64)],
            touched: Vec::new(),
            pool: Vec::new(),
            fresh: Vec::new(),
        }
    }

    pub(super) fn found(&self) -> impl Iterator<Item = (u32, f32)> {
        self.pool.iter().map(|c| (c.id(), c.distance))
    }

    pub(super) fn compared(&self) -> usize {
        self.touched.len()
    }

    /// Forgets which nodes were visited.
    #[inline(always)]
    fn clear(&mut self) {
        for &id in &self.touched {
            self.visited[id as usize / 64] = 0;
        }
        self.touched.clear();
    }

    /// Marks a node, and says whether it was new.
    #[inline(always)]
    fn visit(&mut self, id: u32) -> bool {
        let (word, bit) = (&mut self.visited[id as usize / 64], 1u64 << (id % 64));
        let new = *word & bit == 0;
        if new {
            *word |= bit;
            self.touched.push(id);
        }
        new
    }

    /// Puts a node among the best `ef`, and returns its place; `None` where it is not one of them.
    #[inline(always)]
    fn offer(&mut self, id: u32, distance: f32, ef: usize) -> Option<usize> {
        if self.pool.len() >= ef {
            match self.pool.last() {
                Some(worst) if distance < worst.distance => self.pool.pop(),
                _ => return None,
            };
        }
        let place = self.pool.partition_point(|c| c.distance <= distance);
        self.pool.insert(place, Candidate::new(id, distance));
        Some(place)
    }
}

/// From the entry down to level 0, whose best `ef` nodes are left in the scratch memory's pool.
pub(super) fn search(
    graph: &Graph<'_>,
    query: &[f32],
    ef: usize,
    simd: Simd,
    scratch: &mut Scratch,
) {
    match simd {
        Simd::Baseline => from_top(graph, query, ef, scratch),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this form is chosen only where `Simd::detect` has found AVX2.
        Simd::Avx2 => unsafe { from_top_avx2(graph, query, ef, scratch) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this form is chosen only where `Simd::detect` has found AVX-512F.
        Simd::Avx512 => unsafe { from_top_avx512(graph, query, ef, scratch) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn from_top_avx2(graph: &Graph<'_>, query: &[f32], ef: usize, scratch: &mut Scratch) {
    from_top(graph, query, ef, scratch);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn from_top_avx512(graph: &Graph<'_>, query: &[f32], ef: usize, scratch: &mut Scratch) {
    from_top(graph, query, ef, scratch);
}

#[inline(always)]
fn from_top(graph: &Graph<'_>, query: &[f32], ef: usize, scratch: &mut Scratch) {
    let mut nearest = Candidate::new(graph.entry, -lanes(query, graph.vector(graph.entry)));
    for level in (1..=usize::from(graph.levels[graph.entry as usize])).rev() {
        nearest = descend(graph, query, level, nearest);
    }
    search_level(graph, query, 0, &[nearest], ef, scratch);
}

/// The nearest node of a level that is reached by always going to a nearer one.
#[inline(always)]
pub(super) fn descend(
    graph: &Graph<'_>,
    query: &[f32],
    level: usize,
    from: Candidate,
) -> Candidate {
    let mut nearest = from;
    loop {
        let before = nearest;
        let links = graph.links(before.id(), level);
        let used = links
            .iter()
            .position(|&link| link == NONE)
            .unwrap_or(links.len());
        let links = &links[..used];
        for &link in links {
            prefetch(graph.vector(link));
        }
        let (fours, rest) = links.as_chunks::<4>();
        for four in fours {
            let products = lanes4(query, four.map(|link| graph.vector(link)));
            for (&link, product) in four.iter().zip(products) {
                if -product < nearest.distance {
                    nearest = Candidate::new(link, -product);
                }
            }
        }
        for &link in rest {
            let distance = -lanes(query, graph.vector(link));
            if distance < nearest.distance {
                nearest = Candidate::new(link, distance);
            }
        }
        if nearest == before {
            return nearest;
        }
    }
}

/// The best `ef` nodes of a level, left in the scratch memory's pool, nearest first.
///
/// A node worse than the `ef` best is never followed, so one sorted list holds both the results and the candidates.
#[inline(always)]
pub(super) fn search_level(
    graph: &Graph<'_>,
    query: &[f32],
    level: usize,
    from: &[Candidate],
    ef: usize,
    scratch: &mut Scratch,
) {
    scratch.clear();
    scratch.pool.clear();
    for start in from {
        if scratch.visit(start.id()) {
            scratch.offer(start.id(), start.distance, ef);
        }
    }
    let mut next = 0; // all before it have been followed
    while next < scratch.pool.len() {
        let candidate = &mut scratch.pool[next];
        if candidate.tag & EXPANDED != 0 {
            next += 1;
            continue;
        }
        let id = candidate.id();
        candidate.tag |= EXPANDED;
        let mut fresh = std::mem::take(&mut scratch.fresh);
        fresh.clear();
        for &link in graph.links(id, level) {
            if link == NONE {
                break;
            }
            if scratch.visit(link) {
                prefetch(graph.vector(link));
                fresh.push(link);
            }
        }
        let (fours, rest) = fresh.as_chunks::<4>();
        for four in fours {
            let products = lanes4(query, four.map(|link| graph.vector(link)));
            for (&link, product) in four.iter().zip(products) {
                if let Some(place) = scratch.offer(link, -product, ef) {
                    if place <= next + 1 {
                        prefetch_links(graph.links(link, level)); // it may well be followed next
                    }
                    next = next.min(place);
                }
            }
        }
        for &link in rest {
            if let Some(place) = scratch.offer(link, -lanes(query, graph.vector(link)), ef) {
                next = next.min(place);
            }
        }
        scratch.fresh = fresh;
    }
}
