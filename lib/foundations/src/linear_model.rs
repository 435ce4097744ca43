//! Linear regression: ordinary least squares with inference, and ridge.
