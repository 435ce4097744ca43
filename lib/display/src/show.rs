//! The kernel's protocol: one block of standard output a MIME type.

/// MIME type under which a cell's output carries its named results.
pub const RESULTS_MIME: &str = "application/vnd.ml-fullstack.results+json";

pub(crate) fn show(html: &str, text: &str, results: Option<&str>) {
    // One write, so that no other thread's line comes between the marks.
    print!("{}", blocks(html, text, results));
}

fn blocks(html: &str, text: &str, results: Option<&str>) -> String {
    let mut blocks = block("text/html", html) + &block("text/plain", text);
    if let Some(json) = results {
        blocks += &block(RESULTS_MIME, json);
    }
    blocks
}

fn block(mime: &str, content: &str) -> String {
    format!("EVCXR_BEGIN_CONTENT {mime}\n{content}\nEVCXR_END_CONTENT\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_block_a_mime_type_in_the_kernels_marks() {
        let shown = super::blocks("<b>1</b>", "1\n2", Some("{}"));
        assert_eq!(
            shown,
            "EVCXR_BEGIN_CONTENT text/html\n<b>1</b>\nEVCXR_END_CONTENT\n\
             EVCXR_BEGIN_CONTENT text/plain\n1\n2\nEVCXR_END_CONTENT\n\
             EVCXR_BEGIN_CONTENT application/vnd.ml-fullstack.results+json\n{}\nEVCXR_END_CONTENT\n"
        );
        assert!(!super::blocks("a", "b", None).contains("json"));
    }
}
