//! Measures of how well a prediction fits.
