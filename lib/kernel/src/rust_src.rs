//! What rust-analyzer is shown of the standard library.
//!
//! rust-analyzer infers the types of variables. To do so it reads the standard library's sources, which takes it
//! longer than anything else before the first cell: 11 MB, most of it comments, function bodies and platforms that
//! are not the reader's. None of those tell a type. So it is shown an outline, made from the reader's own sources once
//! for each compiler: signatures without bodies, and no comments.

use crate::cache::{Lock, cache_folder, key, touch};
use crate::error::At;
use crate::progress::Progress;
use crate::toolchain::Toolchain;
use crate::{KernelError, outline};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Raised when an outline made by an older version of this crate must not be used.
const FORMAT: &str = "1";

/// The crates whose types a variable can have.
const CRATES: [&str; 3] = ["core", "alloc", "std"];

/// Modules that tell no type a reader meets: platforms, tables, and how numbers are read and printed.
const LEFT_OUT: [&str; 6] = [
    "std/src/sys",
    "std/src/os",
    "core/src/num/imp",
    "core/src/num/dec2flt",
    "core/src/num/flt2dec",
    "core/src/unicode",
];

/// The folder to name in `RUST_SRC_PATH`: an outline of the standard library, or, where its sources are not
/// installed, one with nothing in it, since rust-analyzer would otherwise try to install them at every start.
pub(crate) fn folder(toolchain: &Toolchain) -> Result<PathBuf, KernelError> {
    let sources = toolchain.std_sources();
    let name = match &sources {
        Some(_) => key(&[FORMAT, &toolchain.version]),
        None => "none".to_owned(),
    };
    let folder = cache_folder()?.join("std").join(name);
    let complete = folder.join("complete");
    if complete.is_file() {
        touch(&folder);
        return Ok(folder);
    }
    let _lock = Lock::take(&folder)?;
    if complete.is_file() {
        return Ok(folder);
    }
    for krate in CRATES {
        let to = folder.join(krate);
        std::fs::create_dir_all(&to).at("create", &to)?;
        if let Some(sources) = &sources {
            write_outline(&sources.join(krate).join("src"), &to.join("src"), sources)?;
        }
    }
    std::fs::write(&complete, "").at("write", &complete)?;
    Ok(folder)
}

fn write_outline(from: &Path, to: &Path, sources: &Path) -> Result<(), KernelError> {
    std::fs::create_dir_all(to).at("create", to)?;
    for entry in std::fs::read_dir(from).at("read", from)? {
        let path = entry.at("read", from)?.path();
        let name = path.file_name().unwrap_or_default();
        let inside = path.strip_prefix(sources).unwrap_or(&path);
        if LEFT_OUT
            .iter()
            .any(|left_out| inside == Path::new(left_out))
        {
            continue;
        }
        if path.is_dir() {
            write_outline(&path, &to.join(name), sources)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).at("read", &path)?;
            let to = to.join(name);
            std::fs::write(&to, outline::outline(&text)).at("write", &to)?;
        }
    }
    Ok(())
}

/// Asks rustup for the standard library's sources if they are missing: once, since a failure is most likely the lack
/// of a network. Without them everything works but the inference of the types of standard values.
pub(crate) fn fetch(toolchain: &Toolchain, progress: &mut dyn FnMut(Progress)) {
    if toolchain.std_sources().is_some() {
        return;
    }
    let Ok(cache) = cache_folder() else { return };
    let tried = cache
        .join("std")
        .join(format!("asked-{}", key(&[&toolchain.version])));
    if tried.exists() || std::fs::create_dir_all(cache.join("std")).is_err() {
        return;
    }
    progress(Progress::Message(
        "Asking rustup for the sources of the standard library".to_owned(),
    ));
    let asked = Command::new("rustup")
        .args(["component", "add", "rust-src"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    // Not tried again until the compiler changes, or the file is removed.
    if asked.is_ok() {
        let _ = std::fs::write(tried, "");
    }
}
