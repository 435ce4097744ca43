//! Programs that prove exercises.
