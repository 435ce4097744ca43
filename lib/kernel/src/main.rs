//! The kernel binary: `evcxr_jupyter`, built from the course's lock file.

fn main() {
    evcxr_jupyter::main();
}
