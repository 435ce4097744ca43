//! The tool behind the course book: it runs chapters on a Jupyter kernel, checks them, renders them and
//! serves them. The binary `course` is a thin command line over this library.

pub mod chapter;
pub mod check;
pub mod client;
pub mod commands;
pub mod compare;
pub mod contracts;
pub mod data;
pub mod disk;
pub mod error;
pub mod exercise;
pub mod fresh;
pub mod notebook;
pub mod progress;
pub mod project;
pub mod provenance;
pub mod render;
pub mod results;
pub mod runner;
pub mod snippets;
pub mod sync;
