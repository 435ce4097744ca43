//! The questions that a search is measured with: each with the sections that answer it, found by reading; and some that
//! the corpus does not answer.

use std::collections::HashMap;

use crate::chunk::Section;
use crate::error::RetrievalError;

const FILE: &str = include_str!("../data/questions.json");

/// A question with what answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// `concept`, `how-to`, `error code` or `error message`.
    pub kind: String,
    /// The question.
    pub text: String,
    /// Page and anchor of each section that answers it by itself, such as `ch04-03-slices.html#string-slices`.
    pub gold: Vec<String>,
}

/// The committed questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Questions {
    /// Those that the corpus answers.
    pub asked: Vec<Question>,
    /// Those that it does not.
    pub off_topic: Vec<String>,
}

/// Reads the committed questions: on *The Rust Programming Language* and on the compiler's error codes.
///
/// # Errors
/// [`RetrievalError::Json`] with the place, if the file is not as it should be.
///
/// # Examples
/// ```
/// let questions = genai::questions::questions()?;
/// assert_eq!(questions.asked.len(), 96);
/// assert_eq!(questions.off_topic.len(), 30);
/// assert_eq!(questions.asked[0].gold, ["ch04-01-what-is-ownership.html#ownership-rules"]);
/// # Ok::<(), genai::RetrievalError>(())
/// ```
pub fn questions() -> Result<Questions, RetrievalError> {
    let wrong = |what: String| RetrievalError::Json {
        path: "data/questions.json".into(),
        what,
    };
    let file: serde_json::Value = serde_json::from_str(FILE).map_err(|e| wrong(e.to_string()))?;
    let text = |value: &serde_json::Value, place: &str| match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(wrong(format!("{place} is not a text: {value}"))),
    };
    let list = |value: &serde_json::Value, place: &str| match value.as_array() {
        Some(list) => Ok(list.clone()),
        None => Err(wrong(format!("{place} is not a list"))),
    };
    let texts = |value: &serde_json::Value, place: &str| {
        let list = list(value, place)?;
        list.iter()
            .map(|value| text(value, place))
            .collect::<Result<Vec<String>, _>>()
    };
    let mut asked = Vec::new();
    for (number, entry) in list(&file["questions"], "`questions`")?.iter().enumerate() {
        let place = |key: &str| format!("question {number}, `{key}`");
        asked.push(Question {
            kind: text(&entry["kind"], &place("kind"))?,
            text: text(&entry["question"], &place("question"))?,
            gold: texts(&entry["gold"], &place("gold"))?,
        });
    }
    Ok(Questions {
        asked,
        off_topic: texts(&file["off_topic"], "`off_topic`")?,
    })
}

/// The sections that the questions are about: *The Rust Programming Language*, then the error codes.
///
/// # Errors
/// As [`datasets::rust_book`] and [`datasets::error_codes`].
///
/// # Examples
/// ```
/// match genai::questions::corpus() {
///     Ok(sections) => assert!(sections.len() > 800),
///     Err(error) => assert!(error.to_string().contains("rust-docs")),
/// }
/// ```
pub fn corpus() -> Result<Vec<Section>, datasets::DatasetError> {
    let mut sections = datasets::rust_book()?;
    sections.extend(datasets::error_codes()?);
    Ok(sections)
}

impl Questions {
    /// For each question, the places in `sections` of those that answer it.
    ///
    /// A page is known by its file name: `book/ch04-03-slices.html` is `ch04-03-slices.html`.
    ///
    /// # Errors
    /// [`RetrievalError::NoSection`] with the question and the section that `sections` lacks: another version of the corpus.
    pub fn answers(&self, sections: &[Section]) -> Result<Vec<Vec<usize>>, RetrievalError> {
        let mut places: HashMap<String, usize> = HashMap::new();
        for (place, section) in sections.iter().enumerate() {
            let page = section.path.rsplit('/').next().unwrap_or(&section.path);
            places
                .entry(format!("{page}#{}", section.anchor))
                .or_insert(place);
        }
        let find = |question: &Question, gold: &String| {
            places
                .get(gold)
                .copied()
                .ok_or_else(|| RetrievalError::NoSection {
                    question: question.text.clone(),
                    section: gold.clone(),
                })
        };
        self.asked
            .iter()
            .map(|question| {
                question
                    .gold
                    .iter()
                    .map(|gold| find(question, gold))
                    .collect()
            })
            .collect()
    }
}
