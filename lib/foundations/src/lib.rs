//! foundations
