//! Words, as the lexical index counts them.

/// The words of a text, in lower case: the terms of [`Bm25`](crate::bm25::Bm25).
///
/// A word is a longest run of letters, digits and `_`; a word with `_` gives its parts as well, so that `read line` finds
/// `read_line`. Of scripts that write no blanks, each ideograph or kana is a word. No stop words are dropped and nothing is
/// stemmed: in questions about a programming language `for`, `use`, `as` and `where` carry meaning, and the weight of a term
/// already falls with how common it is.
///
/// # Examples
/// ```
/// assert_eq!(genai::text::words("E0382: use of `read_line`!"), ["e0382", "use", "of", "read_line", "read", "line"]);
/// assert_eq!(genai::text::words("所有权 ist Besitz"), ["所", "有", "权", "ist", "besitz"]);
/// ```
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        if is_ideograph(c) {
            finish(&mut word, &mut words);
            words.push(c.to_string());
        } else if c.is_alphanumeric() || c == '_' {
            word.extend(c.to_lowercase());
        } else {
            finish(&mut word, &mut words);
        }
    }
    finish(&mut word, &mut words);
    words
}

/// Ends a run: the word, and the parts of one with `_`.
fn finish(word: &mut String, words: &mut Vec<String>) {
    if word.chars().any(char::is_alphanumeric) {
        words.push(word.clone());
        if word.contains('_') {
            words.extend(
                word.split('_')
                    .filter(|part| !part.is_empty())
                    .map(str::to_owned),
            );
        }
    }
    word.clear();
}

/// Whether a character is a word by itself: Han, kana, and what Unicode counts as CJK ideographs.
pub(crate) fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c),
        0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x2FA1F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_alone_are_no_words() {
        assert!(words("").is_empty());
        assert!(words(" \t\n?!__ &&").is_empty());
    }

    #[test]
    fn other_scripts_are_words() {
        assert_eq!(words("Владение в Rust"), ["владение", "в", "rust"]);
        assert_eq!(words("ÉTÉ"), ["été"]);
        assert_eq!(words("İ").len(), 1);
    }

    #[test]
    fn parts_of_names_come_after_the_name() {
        assert_eq!(words("_a_bc_"), ["_a_bc_", "a", "bc"]);
    }
}
