//! What recording costs: time a call, bytes a value, and time to read a store again.
//!
//! `cargo run --release -p production --example cost`
use std::time::Instant;

use production::tracking::{Environment, Tracker};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const VALUES: u32 = 10_000;
    const RUNS: u32 = 200;
    let folder = tempfile::tempdir()?;
    for durable in [false, true] {
        let tracker = Tracker::local(folder.path().join(durable.to_string()))?
            .with_environment(Environment::default())
            .durable(durable);
        let run = tracker.start_run("cost")?;
        let values = if durable { VALUES / 100 } else { VALUES };
        let began = Instant::now();
        for step in 0..values {
            run.log_metric("loss", 1.0 / f64::from(step + 1), i64::from(step))?;
        }
        let each = began.elapsed() / values;
        let ended = run.finish()?.run;
        let file = tracker
            .folder()
            .join("runs")
            .join(&ended.uuid)
            .join("run.jsonl");
        let bytes = file.metadata()?.len() / u64::from(values);
        println!("durable {durable}: {each:.1?} a value, {bytes} bytes a value");
    }
    let tracker =
        Tracker::local(folder.path().join("many"))?.with_environment(Environment::default());
    let began = Instant::now();
    for i in 0..RUNS {
        let run = tracker.start_run(&format!("run {i}"))?;
        run.log_params((0..10).map(|p| (format!("p{p}"), i)))?;
        run.log_series("loss", (0..100).map(f64::from))?;
        let _ = run.finish()?;
    }
    println!(
        "a run of 10 parameters and 100 values: {:.2?}",
        began.elapsed() / RUNS
    );
    let began = Instant::now();
    let n = tracker.runs()?.len();
    println!("{n} such runs read again: {:.0?}", began.elapsed());
    Ok(())
}
