//! cargo with the kernel's flags, outside the kernel: tests and snippets of crates that are long to compile.
//!
//! What a compiled crate can be used for is settled by its version, its features, the profile and the flags. With
//! those of the cells, one compilation of polars or candle serves the cells, the tests of the crate that wraps it, and
//! the snippets. Each cargo workspace has a target folder of its own, so that nobody waits for another's build; before
//! a build it is filled with what the warm folder holds, and afterwards the warm folder takes what is new.

use crate::cache::Lock;
use crate::layout::PROFILE;
use crate::toolchain::Toolchain;
use crate::{KernelError, Workspace, warm};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A target folder whose registry crates are those of the cells.
#[derive(Debug)]
pub struct Shared {
    ws: Workspace,
    toolchain: Toolchain,
    target: PathBuf,
    // Nobody may take the folder's contents away while something is built in it.
    _lock: Lock,
}

impl Shared {
    /// Fills the folder `target` with the compiled registry crates that cells of `ws` have used so far.
    ///
    /// # Errors
    /// [`KernelError::NoTool`] without a toolchain, [`KernelError::Io`] if a folder cannot be written.
    pub fn open(ws: &Workspace, target: &Path) -> Result<Shared, KernelError> {
        let toolchain = Toolchain::find()?;
        let lock = warm::lend(ws, &warm::folder(&toolchain)?, target)?;
        Ok(Shared {
            ws: ws.clone(),
            toolchain,
            target: target.to_owned(),
            _lock: lock,
        })
    }

    /// `cargo SUBCOMMAND` in `folder`, with the flags and the profile of the cells and this target folder.
    ///
    /// Arguments of the caller follow; none of them may name another profile, target or target folder.
    #[must_use]
    pub fn cargo(&self, folder: &Path, subcommand: &str) -> Command {
        let mut command = self.toolchain.cargo_as_evcxr(folder, subcommand);
        command
            .args(["--target", &self.toolchain.host])
            .arg("--target-dir")
            .arg(&self.target)
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("CARGO_BUILD_BUILD_DIR");
        for setting in PROFILE.lines().filter(|line| line.contains('=')) {
            command
                .arg("--config")
                .arg(format!("profile.dev.{setting}"));
        }
        command
    }

    /// Hands the registry crates that were compiled here to those that come after. `own` names the crates that stand
    /// in folders, besides those of `lib/`.
    pub fn hand_on(&self, own: &[String]) {
        // The next one compiles again what could not be kept.
        let _ = warm::give(&self.ws, &self.toolchain, &self.target, own);
    }
}

/// The target folder of [`Shared`] for the book's own workspace.
#[must_use]
pub fn shared_target(ws: &Workspace) -> PathBuf {
    crate::binary::target_folder(ws).join("cells")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_is_handed_over_whole() {
        assert!(PROFILE.starts_with("[profile.dev]\n"));
        let settings = PROFILE.lines().filter(|line| line.contains('=')).count();
        assert_eq!(settings + 1, PROFILE.lines().count());
    }
}
