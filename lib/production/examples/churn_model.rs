//! Fits the pipeline of the chapter *Churn pipeline*, and writes it to a file.
//!
//! `cargo run --release -p production --features fit --example churn_model -- models/champion.model`

use production::serving::Model;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("the file to write is needed")?;
    let path = std::path::Path::new(&path);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let model = production::churn::fit(10.0)?;
    model.save(path)?;
    let fields = model.schema().fields.len();
    println!(
        "{}: {fields} fields, {} bytes",
        path.display(),
        std::fs::metadata(path)?.len()
    );
    Ok(())
}
