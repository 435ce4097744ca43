#![doc = include_str!("../README.md")]

#[cfg(feature = "tracking")]
pub mod tracking;
