//! The course's Jupyter kernel, and what prepares it.
//!
//! The binary `course-kernel` (behind the feature `evcxr`) is `evcxr_jupyter`, built from the book's lock file and
//! started in a prepared build folder. This library, which is light, is what the tool and the binary share:
//!
//! - [`Workspace`] finds the book, [`Dep`] reads the `:dep` lines of its cells;
//! - [`build`] builds the binary, [`warm`] compiles what cells depend on, once for all sessions;
//! - [`session`] prepares one session's build folder, [`cargo_proxy`] decides what rust-analyzer sees of it;
//! - [`install`] and [`uninstall`] register the kernel with Jupyter;
//! - [`folders`] and [`clean`] look after the build folders.
//!
//! See the crate's README for the reasons and the measurements behind them.

mod binary;
mod cache;
pub mod cargo_proxy;
mod dep;
mod error;
mod install;
mod layout;
mod outline;
pub mod process;
mod progress;
mod rust_src;
pub mod session;
mod shared;
mod toolchain;
mod warm;
mod workspace;

pub use binary::{build, kernel_binary};
pub use cache::{DEFAULT_LIMIT, Folder, FolderKind, cache_folder, clean, folders, limit};
pub use dep::Dep;
pub use error::KernelError;
pub use install::{Target, install, install_binary, kernelspec_folder, uninstall};
pub use progress::Progress;
pub use shared::{Shared, shared_target};
pub use warm::{Warm, warm};
pub use workspace::Workspace;
