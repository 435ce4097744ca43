//! Every algorithm of the course from scratch, in code short enough to read in one sitting.
//!
//! Each module is the tested counterpart of a chapter: what a chapter derives and builds in small
//! cells stands here as a function with checked inputs, golden values and a benchmark.

pub mod linalg;
pub mod linear_model;
pub mod metrics;
pub mod neural_network;
pub mod proportion;
pub mod resampling;

/// The README's example, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
