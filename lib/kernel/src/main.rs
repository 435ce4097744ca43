//! The kernel binary: `evcxr_jupyter`, started in a prepared build folder.
//!
//! One file plays four parts, told apart by the environment and by the name it is called by: the kernel; the process
//! that runs cells, as which evcxr starts it again; the `cargo` that rust-analyzer asks; and, with `COURSE_STOCK=1`,
//! a plain `evcxr_jupyter`, to compare with.

use kernel::{Workspace, cargo_proxy, process, session};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "The Jupyter kernel of ML Full-Stack Mastery in Rust.

Usage: course-kernel --control_file FILE

Jupyter starts it; `cargo course kernel install` tells Jupyter to. The book's folder is taken from COURSE_ROOT, else
found from the current folder up.
";

fn main() -> ExitCode {
    let stock = std::env::var_os("COURSE_STOCK").is_some_and(|value| value == "1");
    let runs_cells = std::env::var_os("EVCXR_IS_RUNTIME").is_some();
    let wraps_rustc = std::env::var_os("EVCXR_RUSTC_WRAPPER").is_some();
    if runs_cells && !stock {
        // Safety: the process has but this thread.
        unsafe { process::become_cell() };
    }
    if stock || runs_cells || wraps_rustc {
        return evcxr();
    }
    if let Some(tool) = cargo_proxy::called_as() {
        return cargo_proxy::run(tool);
    }

    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--control_file", _, ..] => {}
        ["--version" | "-V"] => {
            println!("course-kernel {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        [] | ["--help" | "-h"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    }
    if let Err(error) = prepare() {
        eprintln!("course-kernel: {error}");
        return ExitCode::FAILURE;
    }
    let code = evcxr();
    process::end_session();
    code
}

fn prepare() -> Result<(), Box<dyn Error>> {
    let start = match std::env::var_os("COURSE_ROOT") {
        Some(root) => PathBuf::from(root),
        None => std::env::current_dir()?,
    };
    let ws = Workspace::find(&start)?;
    let session = session::prepare(&ws, &std::env::current_exe()?)?;
    // Safety: the process has but this thread.
    unsafe { process::become_kernel(session) };
    Ok(())
}

fn evcxr() -> ExitCode {
    match evcxr_jupyter::main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("course-kernel: {error:#}");
            ExitCode::FAILURE
        }
    }
}
