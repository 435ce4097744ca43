//! Recall, reciprocal rank and nDCG of dense, lexical and hybrid search on the committed questions, and how the best cosine
//! tells questions that the corpus answers from those that it does not.

use std::error::Error;

use genai::bm25::Bm25;
use genai::chunk::Chunker;
use genai::embed::{MiniLm, cache_folder};
use genai::evaluate::{ndcg_at_k, recall_at_k, reciprocal_rank};
use genai::exact::Exact;
use genai::fusion::{first_places, reciprocal_rank_fusion};

fn main() -> Result<(), Box<dyn Error>> {
    let model = MiniLm::fetched()?;
    let questions = genai::questions::questions()?;
    let mut sections = datasets::rust_book()?;
    sections.extend(datasets::error_codes()?);
    let chunks = Chunker::new(180, 20)?.cut(&sections);
    let passages: Vec<String> = chunks.iter().map(|chunk| chunk.passage()).collect();
    let vectors = model.embed_cached(&passages, &cache_folder()?)?;
    let dense = Exact::new(vectors)?;
    let lexical = Bm25::new(&passages)?;
    let gold = questions.answers(&sections)?;
    let mut sums = [[0.0; 4]; 3];
    for (question, gold) in questions.asked.iter().zip(&gold) {
        let d = dense.search(model.embed(&question.text)?.view(), 50)?;
        let l = lexical.search(&question.text, 50)?;
        let of = |hits: &[genai::Hit]| first_places(hits.iter().map(|h| chunks[h.id].section));
        let lists = [of(&d), of(&l)];
        let h: Vec<usize> = reciprocal_rank_fusion(&lists, 60.0)
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        for (sums, list) in sums.iter_mut().zip([&lists[0], &lists[1], &h]) {
            sums[0] += recall_at_k(list, gold, 1);
            sums[1] += recall_at_k(list, gold, 5);
            sums[2] += reciprocal_rank(list, gold);
            sums[3] += ndcg_at_k(list, gold, 10);
        }
        println!(
            "asked {:.3} {:6.2} {:12} {}",
            d[0].score,
            l.first().map_or(0.0, |h| h.score),
            question.kind,
            question.text
        );
    }
    for text in &questions.off_topic {
        let d = dense.search(model.embed(text)?.view(), 50)?;
        let l = lexical.search(text, 50)?;
        println!(
            "off   {:.3} {:6.2} {:12} {text}",
            d[0].score,
            l.first().map_or(0.0, |h| h.score),
            ""
        );
    }
    for (name, sums) in ["dense", "bm25", "hybrid"].iter().zip(sums) {
        println!(
            "{name} recall@1 {:.3} recall@5 {:.3} mrr {:.3} ndcg@10 {:.3}",
            sums[0] / 96.0,
            sums[1] / 96.0,
            sums[2] / 96.0,
            sums[3] / 96.0
        );
    }
    Ok(())
}
