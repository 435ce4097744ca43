//! `course preprocess`: the mdBook preprocessor.

use std::path::Path;
use std::process::ExitCode;

use mdbook_preprocessor::Preprocessor;

use super::project;
use crate::project::Project;
use crate::render::Course;

/// Arguments of `course preprocess`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo course preprocess supports html")]
pub struct Args {
    /// What mdBook asks: `supports RENDERER`, or nothing
    pub question: Vec<String>,
}

/// Runs the command: answers `supports`, else reads the book on stdin and writes it to stdout.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, args: Args) -> anyhow::Result<ExitCode> {
    let words: Vec<&str> = args.question.iter().map(String::as_str).collect();
    match words[..] {
        [] => {}
        ["supports", renderer] => {
            // the answer does not depend on the book
            let course = Course::stock(Project {
                root: std::path::PathBuf::new(),
            });
            let code = match course.supports_renderer(renderer)? {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            };
            return Ok(code);
        }
        _ => anyhow::bail!("mdBook asks `supports RENDERER`, or nothing"),
    }
    let (context, pages) = mdbook_preprocessor::parse_input(std::io::stdin())?;
    let project = match book {
        Some(_) => project(book)?,
        None => Project {
            root: context.root.clone(),
        },
    };
    let pages = Course::stock(project).run(&context, pages)?;
    serde_json::to_writer(std::io::stdout(), &pages)?;
    Ok(ExitCode::SUCCESS)
}
