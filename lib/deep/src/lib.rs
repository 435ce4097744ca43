#![doc = include_str!("../README.md")]

pub mod checkpoint;
pub mod cnn;
pub mod data;
mod error;
pub mod evaluate;
mod layers;
pub mod optimiser;
pub mod train;

pub use error::DeepError;

use candle_core::Device;

/// The device that networks run on: with feature `cuda` or `metal` the first graphics card, where
/// there is one, else the processor.
///
/// On the processor the number of threads is that of its cores, or what the environment variable
/// `RAYON_NUM_THREADS` says when the first network runs.
///
/// # Errors
/// [`DeepError::Candle`] if there is a card, but it cannot be used.
///
/// # Examples
/// ```
/// # if !cfg!(any(feature = "cuda", feature = "metal")) {
/// assert!(deep::device()?.is_cpu());
/// # }
/// # Ok::<(), deep::DeepError>(())
/// ```
pub fn device() -> Result<Device, DeepError> {
    let device = if cfg!(feature = "cuda") {
        Device::cuda_if_available(0)?
    } else if cfg!(feature = "metal") {
        Device::metal_if_available(0)?
    } else {
        Device::Cpu
    };
    Ok(device)
}
