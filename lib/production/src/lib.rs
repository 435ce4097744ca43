#![doc = include_str!("../README.md")]

#[cfg(feature = "churn")]
pub mod churn;
#[cfg(feature = "drift")]
pub mod drift;
#[cfg(feature = "serving")]
pub mod serving;
#[cfg(feature = "tracking")]
pub mod tracking;
