//! The command line of the course: `cargo course COMMAND`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use course::commands;

/// ML Full-Stack Mastery in Rust: run, check, render and serve the book.
#[derive(Parser)]
#[command(
    name = "course",
    bin_name = "cargo course",
    version,
    max_term_width = 100
)]
struct Cli {
    /// The book's folder, where it is not the current one or above it
    #[arg(long, global = true, value_name = "DIR")]
    book: Option<std::path::PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Render the book, serve it on this machine, and keep it fresh
    Serve(commands::serve::Args),
    /// Render the book into book/, a site that needs no server
    Build(commands::build::Args),
    /// Run chapters on the kernel and store their notebooks
    Run(commands::run::Args),
    /// Find everything that can be wrong without running a cell
    Check(commands::check::Args),
    /// Compile and run every cell against the library crates, as `mdbook test` does
    Test(commands::test::Args),
    /// Run cargo with the kernel's flags: what cells depend on is compiled once, for tests too
    Cargo(commands::cargo::Args),
    /// Carry edits between chapters and notebooks
    Sync(commands::sync::Args),
    /// Fetch the larger data and the models that some chapters use
    Data(commands::data::Args),
    /// Install or remove the Jupyter kernel
    Kernel(commands::kernel::Args),
    /// One row a chapter: fresh or stale and why, results, exercises, times
    Status(commands::status::Args),
    /// Start a new chapter with its module and its test
    New(commands::new::Args),
    /// What this machine has, and the fix for what it lacks
    Doctor(commands::doctor::Args),
    /// List exercises and check your own solutions
    Exercise(commands::exercise::Args),
    /// The mdBook preprocessor (called by mdbook)
    #[command(hide = true)]
    Preprocess(commands::preprocess::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let book = cli.book.as_deref();
    let done = match cli.command {
        Command::Serve(args) => commands::serve::run(book, args),
        Command::Build(args) => commands::build::run(book, args),
        Command::Run(args) => commands::run::run(book, args),
        Command::Check(args) => commands::check::run(book, args),
        Command::Test(args) => commands::test::run(book, args),
        Command::Cargo(args) => commands::cargo::run(book, args),
        Command::Sync(args) => commands::sync::run(book, args),
        Command::Data(args) => commands::data::run(book, args),
        Command::Kernel(args) => commands::kernel::run(book, args),
        Command::Status(args) => commands::status::run(book, args),
        Command::New(args) => commands::new::run(book, args),
        Command::Doctor(args) => commands::doctor::run(book, args),
        Command::Exercise(args) => commands::exercise::run(book, args),
        Command::Preprocess(args) => commands::preprocess::run(book, args),
    };
    match done {
        Ok(code) => code,
        Err(e) => {
            eprintln!("{e:#}");
            ExitCode::FAILURE
        }
    }
}
