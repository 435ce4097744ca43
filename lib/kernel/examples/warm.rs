//! Compiles what the cells of a notebook or chapter depend on, and tells where: `cargo run -p kernel --example warm -- FILE`.

use kernel::{Dep, Progress, Workspace};
use std::error::Error;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let file: PathBuf = std::env::args_os()
        .nth(1)
        .ok_or("usage: warm NOTEBOOK")?
        .into();
    let file = file.canonicalize()?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let ws = Workspace::find(folder)?;
    let deps = Dep::all(&source(&file)?, folder)?;
    let started = std::time::Instant::now();
    let warm = kernel::warm(&ws, &deps, &mut |news| match news {
        Progress::Compiling { name, done, total } => eprintln!("{done}/{total} {name}"),
        Progress::Message(text) => eprintln!("{text}"),
        _ => {}
    })?;
    eprintln!("{:.1} s", started.elapsed().as_secs_f64());
    println!("{}", warm.dir.display());
    Ok(())
}

/// The code of a notebook, or the whole text of any other file.
fn source(file: &Path) -> Result<String, Box<dyn Error>> {
    let text = std::fs::read_to_string(file)?;
    if file
        .extension()
        .is_none_or(|extension| extension != "ipynb")
    {
        return Ok(text);
    }
    let notebook: serde_json::Value = serde_json::from_str(&text)?;
    let mut source = String::new();
    for cell in notebook["cells"].as_array().into_iter().flatten() {
        match &cell["source"] {
            serde_json::Value::String(text) => source.push_str(text),
            lines => lines
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|line| line.as_str())
                .for_each(|line| source.push_str(line)),
        }
        source.push('\n');
    }
    Ok(source)
}
