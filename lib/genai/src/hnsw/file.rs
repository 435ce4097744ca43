//! An index as one file, mapped into memory, and the checks that make a mapped one safe to search.
//!
//! ```text
//! bytes     what
//! 0..8      "HNSWf32\n"
//! 8..12     version, u32; all numbers are little-endian
//! 12..16    values of a vector, u32
//! 16..24    vectors n, u64
//! 24..28    m, u32
//! 28..32    ef_construction, u32
//! 32..40    seed, u64
//! 40..44    entry, u32
//! 44..48    zero
//! 48..56    places for links above level 0, u64
//! 56..64    checksum of the bytes 0..56 and 64.., u64
//! then, each from a multiple of 64: vectors, links of level 0, levels, offsets, links above level 0
//! ```

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::build::Owned;
use super::graph::{Graph, NONE};
use super::stride;
use crate::checksum::Checksum;
use crate::error::RetrievalError;

const MAGIC: [u8; 8] = *b"HNSWf32\n";
const VERSION: u32 = 1;
const HEADER: usize = 64;
const CHECKSUM: std::ops::Range<usize> = 56..64;

/// Where an index lies.
#[derive(Debug)]
pub(super) enum Storage {
    Owned(Owned),
    Mapped(Box<Mapped>),
}

impl Storage {
    pub(super) fn graph(&self) -> Graph<'_> {
        match self {
            Self::Owned(owned) => owned.graph(),
            Self::Mapped(mapped) => mapped.graph(),
        }
    }
}

/// A mapped file whose header has been read.
#[derive(Debug)]
pub(super) struct Mapped {
    map: Mmap,
    header: Header,
}

#[derive(Debug, Clone, Copy)]
struct Header {
    dimensions: usize,
    n: usize,
    m: usize,
    ef_construction: usize,
    seed: u64,
    entry: u32,
    upper: usize,
}

/// The places of the parts, in bytes, and the length of the file.
struct Layout {
    vectors: usize,
    links0: usize,
    levels: usize,
    offsets: usize,
    upper: usize,
    end: usize,
}

impl Header {
    fn of(graph: &Graph<'_>) -> Self {
        Self {
            dimensions: graph.dimensions,
            n: graph.len(),
            m: graph.m,
            ef_construction: graph.ef_construction,
            seed: graph.seed,
            entry: graph.entry,
            upper: graph.upper.len(),
        }
    }

    fn bytes(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&(self.dimensions as u32).to_le_bytes());
        bytes[16..24].copy_from_slice(&(self.n as u64).to_le_bytes());
        bytes[24..28].copy_from_slice(&(self.m as u32).to_le_bytes());
        bytes[28..32].copy_from_slice(&(self.ef_construction as u32).to_le_bytes());
        bytes[32..40].copy_from_slice(&self.seed.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.entry.to_le_bytes());
        bytes[48..56].copy_from_slice(&(self.upper as u64).to_le_bytes());
        bytes
    }

    fn read(bytes: &[u8; HEADER]) -> Self {
        let u32_at = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        // a length that does not fit is larger than any file, and found out as that
        let length_at = |at: usize| usize::try_from(u64_at(at)).unwrap_or(usize::MAX);
        Self {
            dimensions: u32_at(12) as usize,
            n: length_at(16),
            m: u32_at(24) as usize,
            ef_construction: u32_at(28) as usize,
            seed: u64_at(32),
            entry: u32_at(40),
            upper: length_at(48),
        }
    }

    /// Where the parts lie; `None` where the numbers are larger than any file.
    fn layout(&self) -> Option<Layout> {
        let after = |from: usize, items: usize, size: usize| {
            from.checked_add(items.checked_mul(size)?)?
                .checked_next_multiple_of(64)
        };
        let vectors = HEADER;
        let links0 = after(vectors, self.n.checked_mul(stride(self.dimensions))?, 4)?;
        let levels = after(links0, self.n.checked_mul(self.m)?, 8)?;
        let offsets = after(levels, self.n, 1)?;
        let upper = after(offsets, self.n, 4)?;
        let end = after(upper, self.upper, 4)?;
        Some(Layout {
            vectors,
            links0,
            levels,
            offsets,
            upper,
            end,
        })
    }
}

impl Mapped {
    fn graph(&self) -> Graph<'_> {
        let h = &self.header;
        // `open` has checked that these lie within the file; a map begins at a page, and the parts at multiples of 64
        let layout = h.layout().expect("checked when it was opened");
        let stride = stride(h.dimensions);
        Graph {
            dimensions: h.dimensions,
            stride,
            m: h.m,
            ef_construction: h.ef_construction,
            seed: h.seed,
            entry: h.entry,
            vectors: bytemuck::cast_slice(&self.map[layout.vectors..][..h.n * stride * 4]),
            links0: bytemuck::cast_slice(&self.map[layout.links0..][..h.n * h.m * 8]),
            levels: &self.map[layout.levels..][..h.n],
            offsets: bytemuck::cast_slice(&self.map[layout.offsets..][..h.n * 4]),
            upper: bytemuck::cast_slice(&self.map[layout.upper..][..h.upper * 4]),
        }
    }
}

/// Bytes of the file of a graph.
pub(super) fn size(graph: &Graph<'_>) -> usize {
    Header::of(graph).layout().map_or(0, |layout| layout.end)
}

pub(super) fn save(graph: &Graph<'_>, path: &Path) -> Result<(), RetrievalError> {
    let io = |source| RetrievalError::Io {
        path: path.to_owned(),
        source,
    };
    little_endian(path)?;
    let mut header = Header::of(graph).bytes();
    let parts: [&[u8]; 5] = [
        bytemuck::cast_slice(graph.vectors),
        bytemuck::cast_slice(graph.links0),
        graph.levels,
        bytemuck::cast_slice(graph.offsets),
        bytemuck::cast_slice(graph.upper),
    ];
    let padding = |part: &[u8]| &[0u8; 64][..part.len().next_multiple_of(64) - part.len()];
    let mut checksum = Checksum::new();
    checksum.add(&header[..CHECKSUM.start]);
    for part in parts {
        checksum.add(part);
        checksum.add(padding(part));
    }
    header[CHECKSUM].copy_from_slice(&checksum.finish().to_le_bytes());

    let temporary = crate::temporary(path);
    let write = || {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&temporary)?);
        out.write_all(&header)?;
        for part in parts {
            out.write_all(part)?;
            out.write_all(padding(part))?;
        }
        out.flush()?;
        out.get_ref().sync_all()?;
        std::fs::rename(&temporary, path)
    };
    write().map_err(|error| {
        let _ = std::fs::remove_file(&temporary);
        io(error)
    })
}

pub(super) fn open(path: &Path) -> Result<Storage, RetrievalError> {
    let io = |source| RetrievalError::Io {
        path: path.to_owned(),
        source,
    };
    let corrupt = |what: String| RetrievalError::Corrupt {
        path: path.to_owned(),
        what,
    };
    little_endian(path)?;
    let file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    if length == 0 {
        return Err(RetrievalError::NotAnIndex {
            path: path.to_owned(),
            found: Vec::new(),
        });
    }
    // SAFETY: the map is read only, and the file is replaced by renaming, never changed in place; a program that changes it
    // all the same is what `Hnsw::open` asks not to do.
    let map = unsafe { Mmap::map(&file) }.map_err(io)?;
    if !map.starts_with(&MAGIC) {
        return Err(RetrievalError::NotAnIndex {
            path: path.to_owned(),
            found: map[..map.len().min(8)].to_vec(),
        });
    }
    let Some((bytes, rest)) = map.split_first_chunk::<HEADER>() else {
        return Err(corrupt(format!(
            "{} bytes, of which the header alone takes {HEADER}",
            map.len()
        )));
    };
    let version = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
    if version != VERSION {
        return Err(RetrievalError::Version {
            path: path.to_owned(),
            found: version,
            known: VERSION,
        });
    }
    let header = Header::read(bytes);
    match header.layout() {
        Some(layout) if layout.end == map.len() => {}
        Some(layout) => {
            return Err(corrupt(format!(
                "{} bytes, but its header tells of {}",
                map.len(),
                layout.end
            )));
        }
        None => {
            return Err(corrupt(
                "its header tells of more bytes than a file can have".into(),
            ));
        }
    }
    let mut checksum = Checksum::new();
    checksum.add(&bytes[..CHECKSUM.start]);
    checksum.add(rest);
    if checksum.finish().to_le_bytes() != bytes[CHECKSUM] {
        return Err(corrupt("its checksum is not that of its bytes".into()));
    }
    let mapped = Mapped { map, header };
    check(&mapped.graph()).map_err(corrupt)?;
    Ok(Storage::Mapped(Box::new(mapped)))
}

/// That a search can go anywhere in the graph: a file with a right checksum may have been written by another program.
fn check(graph: &Graph<'_>) -> Result<(), String> {
    let n = graph.len();
    if n == 0
        || n >= super::graph::EXPANDED as usize
        || graph.dimensions == 0
        || !(2..=128).contains(&graph.m)
    {
        return Err(format!(
            "{n} vectors of {} values with m = {}",
            graph.dimensions, graph.m
        ));
    }
    let highest = graph.levels.iter().copied().max().unwrap_or(0);
    match graph.levels.get(graph.entry as usize) {
        Some(&level) if level == highest => {}
        _ => {
            return Err(format!(
                "node {} is not one of the highest level, {highest}",
                graph.entry
            ));
        }
    }
    let mut places = 0usize;
    for (id, (&level, &offset)) in graph.levels.iter().zip(graph.offsets).enumerate() {
        if offset as usize != places {
            return Err(format!(
                "the links of node {id} are said to begin at {offset}, not at {places}"
            ));
        }
        places += usize::from(level) * graph.m;
    }
    if places != graph.upper.len() {
        return Err(format!(
            "{} places for links above level 0, not {places}",
            graph.upper.len()
        ));
    }
    if let Some(at) = graph.vectors.iter().position(|v| !v.is_finite()) {
        return Err(format!("vector {} is not finite", at / graph.stride));
    }
    for id in 0..n as u32 {
        for level in 0..=graph.levels[id as usize] {
            for &link in graph.links(id, usize::from(level)) {
                let leads = graph
                    .levels
                    .get(link as usize)
                    .is_some_and(|&its| its >= level);
                if link != NONE && !leads {
                    return Err(format!(
                        "node {id} has a link to {link} on level {level}, where there is no such node"
                    ));
                }
            }
        }
    }
    Ok(())
}

/// The parts of the file are used as they lie.
fn little_endian(path: &Path) -> Result<(), RetrievalError> {
    if cfg!(target_endian = "little") {
        return Ok(());
    }
    let source = std::io::Error::new(
        std::io::ErrorKind::Unsupported,
        "index files are for little-endian processors",
    );
    Err(RetrievalError::Io {
        path: PathBuf::from(path),
        source,
    })
}
