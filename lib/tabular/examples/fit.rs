//! Fits the pipeline of the chapter *Churn pipeline* and saves it: `cargo run -p tabular --example fit -- PATH`.

use std::process::ExitCode;
use tabular::Table;
use tabular::threshold::Costs;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: fit PATH");
        return ExitCode::FAILURE;
    };
    match fit(std::path::Path::new(&path)) {
        Ok(id) => {
            println!("{id}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn fit(path: &std::path::Path) -> Result<String, Box<dyn std::error::Error>> {
    let seed = 2026;
    let table = Table::read(datasets::churn()?.path)?;
    let split = foundations::resampling::stratified_split(table.left.view(), 0.25, seed)?;
    let threshold = Costs::new(650.0, 50.0, 0.3)?.break_even();
    let pipeline = tabular::fit(&table.take(&split.train), 10.0, threshold, seed)?;
    pipeline.save(path)?;
    Ok(pipeline.id())
}
