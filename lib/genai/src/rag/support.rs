//! Whether the passages bear what an answer says, judged by words: a check that is cheap, the same each time, and blind to
//! a `not`.

use std::collections::HashSet;

use crate::bm25::Bm25;
use crate::text::words;

/// A sentence of an answer with the passage that bears it best.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentence {
    /// The sentence.
    pub text: String,
    /// The number of the passage, counted from 1; `None` where none bears it well enough.
    pub citation: Option<usize>,
    /// How well the best passage bears it; see [`support`].
    pub support: f64,
    /// Whether it claims something as a whole: not where a colon at its end only announces what follows, nor where the
    /// limit of tokens has cut it off. What claims nothing is neither cited nor counted.
    pub claim: bool,
}

/// The share of a sentence's words that a passage holds, each word by its weight in the corpus:
/// `Σ_{t ∈ s ∩ p} w(t) / Σ_{t ∈ s} w(t)` over different words `t`, `w` of [`Bm25::weight`]. In 0..=1; 1 for no words.
///
/// A word that no passage of the corpus holds weighs the most: what an answer invents counts against it. The order of
/// words and their sense do not count: a sentence and its contradiction have the same support.
///
/// # Examples
/// ```
/// use genai::{bm25::Bm25, rag::support};
/// let corpus = ["A reference borrows a value.", "A value has one owner."];
/// let index = Bm25::new(corpus)?;
/// assert_eq!(support("One owner has a value.", corpus[1], &index), 1.0);
/// assert!(support("A garbage collector frees a value.", corpus[1], &index) < 0.3);
/// # Ok::<(), genai::RetrievalError>(())
/// ```
pub fn support(sentence: &str, passage: &str, corpus: &Bm25) -> f64 {
    let held: HashSet<String> = words(passage).into_iter().collect();
    let said: HashSet<String> = words(sentence).into_iter().collect();
    let mut said: Vec<&String> = said.iter().collect();
    said.sort_unstable(); // the order of additions, and with it the sum's last digits
    let weight = |held_only: bool| -> f64 {
        said.iter()
            .filter(|t| !held_only || held.contains(**t))
            .map(|t| corpus.weight(t))
            .sum()
    };
    let all = weight(false);
    if all == 0.0 { 1.0 } else { weight(true) / all }
}

/// The sentences of a text: up to `.`, `?` or `!` before a blank, `。`, and the ends of lines. The numbers of a list's items
/// are left out, and so is what holds no words.
///
/// # Examples
/// ```
/// assert_eq!(genai::rag::sentences("Use `std::fs`. It reads files!\n- 1.5 MB"), ["Use `std::fs`.", "It reads files!", "- 1.5 MB"]);
/// ```
pub fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current = String::new();
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if c != '\n' {
            current.push(c);
        }
        let ends = matches!(c, '.' | '?' | '!')
            && characters.peek().is_none_or(|next| next.is_whitespace());
        if ends || c == '\n' || c == '。' || characters.peek().is_none() {
            let sentence = current.trim();
            let numbers_an_item = sentence
                .strip_suffix('.')
                .is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
            if !words(sentence).is_empty() && !numbers_an_item {
                found.push(sentence.to_owned());
            }
            current.clear();
        }
    }
    found
}

/// The sentences of an answer, each with the passage that bears it best; `ended` as in
/// [`Completion`](crate::llm::Completion).
pub(super) fn attribute_all(
    text: &str,
    ended: bool,
    passages: &[String],
    corpus: &Bm25,
    least: f64,
) -> Vec<Sentence> {
    let texts = sentences(text);
    let last = texts.len();
    let whole = |text: &str| ended || text.ends_with(['.', '?', '!', '。']);
    let claims =
        |(place, text): (usize, &String)| !text.ends_with(':') && (place + 1 < last || whole(text));
    let claim: Vec<bool> = texts.iter().enumerate().map(claims).collect();
    texts
        .into_iter()
        .zip(claim)
        .map(|(text, claim)| attribute(text, claim, passages, corpus, least))
        .collect()
}

fn attribute(
    text: String,
    claim: bool,
    passages: &[String],
    corpus: &Bm25,
    least: f64,
) -> Sentence {
    let mut best = (0, 0.0);
    for (place, passage) in passages.iter().enumerate() {
        let found = support(&text, passage, corpus);
        if found > best.1 {
            best = (place + 1, found);
        }
    }
    let citation = Some(best.0).filter(|_| claim && best.1 >= least && best.0 > 0);
    Sentence {
        text,
        citation,
        support: best.1,
        claim,
    }
}
