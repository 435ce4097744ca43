//! Chapters as programs: every cell as a rustdoc test with the state of the cells before it, the
//! libraries that they link, and the programs that prove exercises.

pub mod code;
pub mod library;
pub mod markdown;
pub mod process;
pub mod program;
pub mod rustdoc;

pub use library::{Libraries, libraries, libraries_for};
pub use markdown::{Snippet, Snippets, of_chapter, test_chapter};
