//! How long embedding takes: many texts at once against one at a time, on questions and on passages of the book.

use std::error::Error;
use std::time::Instant;

use genai::chunk::Chunker;
use genai::embed::MiniLm;

fn main() -> Result<(), Box<dyn Error>> {
    let model = MiniLm::fetched()?;
    let questions = genai::questions::questions()?;
    let mut sections = datasets::rust_book()?;
    sections.extend(datasets::error_codes()?);
    let chunks = Chunker::new(180, 20)?.cut(&sections);
    println!("{} sections, {} passages", sections.len(), chunks.len());
    let asked: Vec<String> = questions.asked.iter().map(|q| q.text.clone()).collect();
    let passages: Vec<String> = chunks
        .iter()
        .step_by(12)
        .map(|chunk| chunk.passage())
        .collect();
    for (what, texts) in [("questions", &asked), ("passages", &passages)] {
        let tokens: usize = texts
            .iter()
            .map(|t| model.tokens(t).map_or(0, |t| t.len()))
            .sum();
        let (mut one, mut many) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let began = Instant::now();
            for text in texts {
                model.embed(text)?;
            }
            one.push(texts.len() as f64 / began.elapsed().as_secs_f64());
            let began = Instant::now();
            model.embed_batch(texts)?;
            many.push(texts.len() as f64 / began.elapsed().as_secs_f64());
        }
        one.sort_by(f64::total_cmp);
        many.sort_by(f64::total_cmp);
        println!(
            "{what}: {} texts, {:.1} tokens each; one at a time {:.1} a second, together {:.1}: {:.2} times",
            texts.len(),
            tokens as f64 / texts.len() as f64,
            one[1],
            many[1],
            many[1] / one[1]
        );
    }
    Ok(())
}
