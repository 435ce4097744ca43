//! The layers of a small convolutional network, forward and backward, in loops that can be read.
//!
//! Each layer is a function, and its backward pass another one, which takes the gradient of the
//! loss with respect to the layer's output and gives that with respect to its inputs and
//! parameters. There is no graph and no tape: who chains the layers, as [`ConvNet`] does, chains
//! the backward passes in the opposite order. That is all that automatic differentiation does.
//!
//! | symbol | here | shape |
//! |---|---|---|
//! | `X` | images or feature maps | `(n_samples, channels_in, height, width)` |
//! | `W`, `b` | weights and biases of a convolution | `(channels_out, channels_in, k, k)`, `(channels_out,)` |
//! | `Y` | feature maps of a convolution | `(n_samples, channels_out, height − k + 1, width − k + 1)` |
//! | `Z` | logits, one a class | `(n_samples, n_classes)` |
//! | `P` | probabilities, `softmax(Z)` | `(n_samples, n_classes)` |
//! | `∂L/∂·` | a gradient | that of what stands below |
//!
//! Layouts are those of PyTorch and candle, so that weights can be carried over as they are.
//!
//! The chapter *Convolutional networks* (`chapters/frameworks/convolutional-networks.md`) derives
//! what stands here.

mod check;
mod conv;
mod dense;
mod error;
mod loss;
mod network;
mod pool;

pub use conv::{Conv2dGradients, conv2d, conv2d_backward};
pub use dense::{DenseGradients, dense, dense_backward, relu, relu_backward};
pub use error::NetworkError;
pub use loss::{cross_entropy, cross_entropy_backward, softmax};
pub use network::ConvNet;
pub use pool::{max_pool2d, max_pool2d_backward};
