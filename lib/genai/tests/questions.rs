//! That every gold section of the committed questions exists in the documentation of the toolchain.

use genai::RetrievalError;
use genai::questions::questions;

/// The book and the error codes; `None` without rust-docs, which fails where everything is required.
fn corpus() -> Option<Vec<datasets::Section>> {
    let sections = genai::questions::corpus();
    match sections {
        Ok(sections) => Some(sections),
        Err(error) if std::env::var_os("COURSE_REQUIRE_ALL").is_none_or(|v| v != "1") => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_gold_section_exists_and_holds_text() {
    let Some(sections) = corpus() else { return };
    let questions = questions().unwrap();
    let answers = questions
        .answers(&sections)
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(answers.len(), questions.asked.len());
    for (question, answers) in questions.asked.iter().zip(&answers) {
        assert!(!answers.is_empty(), "{}: no gold section", question.text);
        for &place in answers {
            assert!(
                sections[place].text.len() > 20,
                "{}: {:?}",
                question.text,
                sections[place]
            );
        }
    }
}

#[test]
fn questions_are_told_apart() {
    let questions = questions().unwrap();
    let mut texts: Vec<&str> = questions.asked.iter().map(|q| q.text.as_str()).collect();
    texts.extend(questions.off_topic.iter().map(String::as_str));
    let all = texts.len();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), all, "a question stands twice");
    let kinds = ["concept", "how-to", "error code", "error message"];
    assert!(
        questions
            .asked
            .iter()
            .all(|q| kinds.contains(&q.kind.as_str()))
    );
}

#[test]
fn a_corpus_without_a_gold_section_is_an_error() {
    let error = questions().unwrap().answers(&[]).unwrap_err();
    assert!(
        matches!(&error, RetrievalError::NoSection { .. }),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("ch04-01-what-is-ownership.html#ownership-rules"),
        "{error}"
    );
}
