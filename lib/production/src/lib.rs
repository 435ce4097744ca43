#![doc = include_str!("../README.md")]

#[cfg(feature = "drift")]
pub mod drift;
#[cfg(feature = "tracking")]
pub mod tracking;
