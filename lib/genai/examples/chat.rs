//! Asks the language model, shows the answer as it comes, and tells how long it took.

use std::error::Error;
use std::io::Write;
use std::time::Instant;

use genai::llm::{Message, Role, Sampling, SmolLm2};

fn main() -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let model = SmolLm2::fetched()?;
    println!("loaded in {:.2} s", began.elapsed().as_secs_f64());
    let question = std::env::args()
        .nth(1)
        .unwrap_or("What is ownership in Rust?".to_owned());
    let began = Instant::now();
    let mut first = None;
    let answer = model.chat(
        &[Message::new(Role::User, question)],
        &Sampling::default(),
        &mut |text| {
            first.get_or_insert(began.elapsed().as_secs_f64());
            print!("{text}");
            let _ = std::io::stdout().flush();
        },
    )?;
    let (first, all) = (first.unwrap_or_default(), began.elapsed().as_secs_f64());
    println!(
        "\n{} tokens of prompt in {first:.2} s; {} tokens of answer, {:.1} a second",
        answer.prompt_tokens,
        answer.tokens,
        (answer.tokens - 1) as f64 / (all - first)
    );
    Ok(())
}
