//! `course kernel`: installs or removes the Jupyter kernel.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::ProgressBar;
use kernel::{Progress, Target, Workspace};

use super::project;

/// Arguments of `course kernel`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo course kernel install --sys-prefix")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Build the kernel if need be, and register it with Jupyter as `rust`
    #[command(after_help = "Example:\n  cargo course kernel install")]
    Install(Place),
    /// Take the kernel back from Jupyter; one that stood there before returns
    #[command(after_help = "Example:\n  cargo course kernel uninstall --prefix ~/venv")]
    Uninstall(Place),
}

#[derive(Debug, clap::Args)]
struct Place {
    /// For whoever uses the Python environment in this folder, instead of for you alone
    #[arg(long, value_name = "DIR", conflicts_with = "sys_prefix")]
    prefix: Option<PathBuf>,
    /// For the Python environment that is active (conda or virtual)
    #[arg(long)]
    sys_prefix: bool,
}

impl Place {
    fn target(self) -> Target {
        match self.prefix {
            Some(prefix) => Target::Prefix(prefix),
            None if self.sys_prefix => Target::SysPrefix,
            None => Target::User,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Install(place) => {
            let workspace = Workspace::find(&project(book)?.root)?;
            build(&workspace)?;
            let folder = kernel::install(&workspace, &place.target())?;
            println!("the kernel `rust` is installed in {}", folder.display());
        }
        Action::Uninstall(place) => {
            let folder = kernel::uninstall(&place.target())?;
            println!("the kernel `rust` is gone from {}", folder.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the kernel, with a bar on a terminal and a line a step elsewhere.
fn build(workspace: &Workspace) -> anyhow::Result<()> {
    let terminal = std::io::stderr().is_terminal();
    let bar = if terminal {
        ProgressBar::new_spinner()
    } else {
        ProgressBar::hidden()
    };
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    let mut show = |progress: Progress| match progress {
        Progress::Compiling { name, done, total } => {
            bar.set_message(format!("building the kernel: {done} of {total}, {name}"));
        }
        Progress::Message(text) if terminal => bar.set_message(text),
        Progress::Message(text) => eprintln!("{text}"),
        _ => {}
    };
    let built = kernel::build(workspace, &mut show);
    bar.finish_and_clear();
    built?;
    Ok(())
}
