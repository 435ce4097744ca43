use std::collections::HashSet;
use std::path::Path;

use ndarray::{Array1, Array2, Axis};

use crate::{DatasetError, catalogue, fetched, gunzip};

/// Height and width of an image, in pixels.
const SIDE: usize = 28;
const PIXELS: usize = SIDE * SIDE;

/// Handwritten digits: the 5,000 of [`mnist`], the 10,000 of [`mnist_10k`], or those of [`mnist_rest`].
///
/// They are in the order of their digits, 0 to 9: shuffle before you split them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Mnist {
    /// An image a row, its 28 × 28 pixels row by row: 0 is the paper, 1 the ink. Shape (n, 784).
    pub images: Array2<f64>,
    /// The digit that each image shows. Length n.
    pub labels: Vec<u8>,
}

/// Reads the MNIST digits: 5,000 of the training set's 60,000.
///
/// # Errors
/// [`DatasetError`] if the file is missing, altered, cannot be unpacked or is malformed.
///
/// # Examples
/// ```
/// let mnist = datasets::mnist()?;
/// assert_eq!(mnist.images.dim(), (5000, 784));
/// assert_eq!(mnist.labels[mnist.first_of(7)], 7);
/// # Ok::<(), datasets::DatasetError>(())
/// ```
///
/// # References
/// LeCun, Bottou, Bengio and Haffner, *Gradient-based learning applied to document recognition* (1998).
#[expect(
    clippy::missing_panics_doc,
    reason = "every line that is read has 784 pixels"
)]
pub fn mnist() -> Result<Mnist, DatasetError> {
    let set = catalogue::find("mnist")?;
    let path = set.path();
    let text = gunzip(&path, &set.read()?, 64 << 20)?;
    let (pixels, labels) = parse(&path, &text)?;
    let images =
        Array2::from_shape_vec((labels.len(), PIXELS), pixels).expect("784 pixels a label");
    Ok(Mnist { images, labels })
}

/// Reads the 10,000 digits that are fetched: the first of the training set's 60,000.
///
/// Among them are all 5,000 of [`mnist`]: to hold images out, take [`mnist_rest`], or split these alone.
///
/// # Errors
/// [`DatasetError::NotFetched`] with the command that fetches them, or another [`DatasetError`] if a file
/// is altered.
///
/// # Examples
/// ```
/// match datasets::mnist_10k() {
///     Ok(mnist) => assert_eq!(mnist.images.dim(), (10_000, 784)),
///     Err(error) => assert!(error.to_string().contains("cargo course data fetch mnist-10k")),
/// }
/// ```
#[expect(
    clippy::missing_panics_doc,
    reason = "files of these digests have these lengths"
)]
pub fn mnist_10k() -> Result<Mnist, DatasetError> {
    let files = fetched("mnist-10k")?;
    let read = |name: &str, header: usize| -> Result<Vec<u8>, DatasetError> {
        let path = files.file(name)?;
        let mut bytes = std::fs::read(path).map_err(|source| DatasetError::Io {
            path: path.to_owned(),
            source,
        })?;
        bytes.drain(..header);
        Ok(bytes)
    };
    // IDX: a magic number and the length of each axis, 4 bytes each, then the bytes.
    let labels = read("labels.idx1", 8)?;
    let pixels = read("images.idx3", 16)?;
    let pixels: Vec<f64> = pixels.iter().map(|&byte| f64::from(byte) / 255.0).collect();
    let images =
        Array2::from_shape_vec((labels.len(), PIXELS), pixels).expect("784 pixels a label");
    Ok(Mnist { images, labels })
}

/// Those of [`mnist_10k`] that are not in [`mnist`]: 5,000 images, 363 to 627 of each digit.
///
/// # Errors
/// As [`mnist`] and [`mnist_10k`].
pub fn mnist_rest() -> Result<Mnist, DatasetError> {
    let bytes = |mnist: &Mnist, i: usize| -> Vec<u8> {
        let pixels = mnist.images.row(i);
        pixels
            .iter()
            .map(|&pixel| (pixel * 255.0).round() as u8)
            .collect()
    };
    let (committed, all) = (mnist()?, mnist_10k()?);
    let known: HashSet<Vec<u8>> = (0..committed.len()).map(|i| bytes(&committed, i)).collect();
    let rest: Vec<usize> = (0..all.len())
        .filter(|&i| !known.contains(&bytes(&all, i)))
        .collect();
    Ok(Mnist {
        images: all.images.select(Axis(0), &rest),
        labels: rest.iter().map(|&i| all.labels[i]).collect(),
    })
}

impl Mnist {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Image `i` as a matrix.
    ///
    /// # Returns
    /// Shape (28, 28), values from 0 (paper) to 1 (ink).
    ///
    /// # Panics
    /// If there is no image `i`.
    pub fn image(&self, i: usize) -> Array2<f64> {
        self.images
            .row(i)
            .to_owned()
            .into_shape_with_order((SIDE, SIDE))
            .expect("784 pixels")
    }

    /// Index of the first image of `digit`.
    ///
    /// # Panics
    /// If no image shows that digit: `digit` is above 9.
    pub fn first_of(&self, digit: u8) -> usize {
        self.labels
            .iter()
            .position(|&label| label == digit)
            .unwrap_or_else(|| panic!("no image shows the digit {digit}: digits are 0 to 9"))
    }

    /// The labels as numbers, for models that take a real target. Shape (n).
    pub fn targets(&self) -> Array1<f64> {
        self.labels.iter().map(|&label| f64::from(label)).collect()
    }
}

/// Parses lines of 784 pixels (0 to 255) and a label (0 to 9).
fn parse(path: &Path, text: &[u8]) -> Result<(Vec<f64>, Vec<u8>), DatasetError> {
    let mut pixels = Vec::with_capacity(text.len() / 2);
    let mut labels = Vec::new();
    let lines = text
        .strip_suffix(b"\n")
        .unwrap_or(text)
        .split(|&byte| byte == b'\n');
    for (index, line) in lines.enumerate() {
        let malformed = |column: usize, expected: &str, found: &[u8]| DatasetError::Malformed {
            path: path.to_owned(),
            line: index + 1,
            column,
            expected: expected.to_owned(),
            found: format!("`{}`", String::from_utf8_lossy(found)),
        };
        let (mut column, mut count) = (1, 0);
        for cell in line.split(|&byte| byte == b',') {
            let value = small_integer(cell)
                .ok_or_else(|| malformed(column, "an integer from 0 to 255", cell))?;
            match count {
                ..PIXELS => pixels.push(f64::from(value) / 255.0),
                PIXELS if value <= 9 => labels.push(value),
                PIXELS => return Err(malformed(column, "a digit from 0 to 9", cell)),
                _ => return Err(malformed(column, "784 pixels and a label", cell)),
            }
            count += 1;
            column += cell.len() + 1;
        }
        if count != PIXELS + 1 {
            return Err(malformed(
                line.len() + 1,
                "784 pixels and a label",
                format!("{count} values").as_bytes(),
            ));
        }
    }
    Ok((pixels, labels))
}

/// An integer from 0 to 255 in one to three digits.
fn small_integer(cell: &[u8]) -> Option<u8> {
    if cell.is_empty() || cell.len() > 3 {
        return None;
    }
    let value = cell.iter().try_fold(0_u16, |value, digit| {
        digit
            .is_ascii_digit()
            .then(|| value * 10 + u16::from(digit - b'0'))
    })?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn here() -> &'static Path {
        Path::new("digits.csv.gz")
    }

    /// A line of pixels, all `pixel`, then the label.
    fn line(pixel: &str, label: &str) -> String {
        format!("{}{label}\n", format!("{pixel},").repeat(PIXELS))
    }

    #[test]
    fn a_fault_names_line_and_column() {
        let fault = |text: String| parse(here(), text.as_bytes()).unwrap_err().to_string();
        let good = line("0", "3");
        assert_eq!(
            fault(good.clone() + &line("256", "3")),
            "digits.csv.gz:2:1: expected an integer from 0 to 255, found `256`"
        );
        assert_eq!(
            fault(good.clone() + "0,x"),
            "digits.csv.gz:2:3: expected an integer from 0 to 255, found `x`"
        );
        assert_eq!(
            fault(good.clone() + "0,"),
            "digits.csv.gz:2:3: expected an integer from 0 to 255, found ``"
        );
        assert_eq!(
            fault(line("0", "10")),
            "digits.csv.gz:1:1569: expected a digit from 0 to 9, found `10`"
        );
        assert_eq!(
            fault(line("0", "1,7")),
            "digits.csv.gz:1:1571: expected 784 pixels and a label, found `7`"
        );
        assert_eq!(
            fault("1,2".to_owned()),
            "digits.csv.gz:1:4: expected 784 pixels and a label, found `2 values`"
        );
    }

    proptest! {
        #[test]
        fn every_pixel_is_read_back(pixels in prop::collection::vec(any::<u8>(), PIXELS), label in 0_u8..10) {
            let text: String = pixels.iter().map(|pixel| format!("{pixel},")).collect();
            let (values, labels) = parse(here(), format!("{text}{label}\n").as_bytes()).unwrap();
            prop_assert_eq!(labels, [label]);
            let bytes: Vec<u8> = values.iter().map(|value| (value * 255.0).round() as u8).collect();
            prop_assert_eq!(bytes, pixels);
        }

        #[test]
        fn no_input_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(here(), &bytes);
        }
    }
}
