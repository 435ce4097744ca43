use std::path::Path;

use crate::DatasetError;

/// Unpacks one gzip member (RFC 1952).
///
/// # Arguments
/// * `path`: the file that the bytes are from, for errors alone.
/// * `bytes`: the file's content.
/// * `limit`: the most bytes to unpack to.
///
/// # Errors
/// [`DatasetError::Corrupt`] where `bytes` are no gzip file, end early, or unpack to more than `limit`.
///
/// # Examples
/// ```
/// let mnist = datasets::find("mnist")?;
/// let text = datasets::gunzip(&mnist.path(), &mnist.read()?, 64 << 20)?;
/// assert_eq!(text.iter().filter(|&&byte| byte == b'\n').count(), 5000);
/// # Ok::<(), datasets::DatasetError>(())
/// ```
pub fn gunzip(path: &Path, bytes: &[u8], limit: usize) -> Result<Vec<u8>, DatasetError> {
    let corrupt = |reason: &str| DatasetError::Corrupt {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let header = bytes
        .get(..10)
        .ok_or_else(|| corrupt("shorter than a gzip header"))?;
    if header[..3] != [0x1f, 0x8b, 8] {
        return Err(corrupt("not a gzip file"));
    }
    let (flags, mut start) = (header[3], 10);
    if flags & 4 != 0 {
        let length = bytes
            .get(start..start + 2)
            .ok_or_else(|| corrupt("ends in its header"))?;
        start += 2 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    }
    // Name and comment, each ended by a zero.
    for flag in [8, 16] {
        if flags & flag != 0 {
            let rest = bytes.get(start..).unwrap_or_default();
            start += 1 + rest
                .iter()
                .position(|&byte| byte == 0)
                .ok_or_else(|| corrupt("ends in its header"))?;
        }
    }
    if flags & 2 != 0 {
        start += 2;
    }
    let packed = bytes
        .get(start..)
        .and_then(|rest| rest.len().checked_sub(8).map(|end| &rest[..end]));
    let packed = packed.ok_or_else(|| corrupt("ends before its checksum"))?;
    miniz_oxide::inflate::decompress_to_vec_with_limit(packed, limit)
        .map_err(|error| corrupt(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn here() -> &'static Path {
        Path::new("digits.csv.gz")
    }

    /// A gzip file of `data` in one stored block, with the header fields that `flags` name.
    fn gzip(data: &[u8], flags: u8) -> Vec<u8> {
        let mut bytes = vec![0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255];
        if flags & 4 != 0 {
            bytes.extend([3, 0, 1, 2, 3]);
        }
        if flags & 8 != 0 {
            bytes.extend(b"name\0");
        }
        if flags & 16 != 0 {
            bytes.extend(b"comment\0");
        }
        if flags & 2 != 0 {
            bytes.extend([9, 9]);
        }
        let length = data.len() as u16;
        bytes.push(1);
        bytes.extend(length.to_le_bytes());
        bytes.extend((!length).to_le_bytes());
        bytes.extend(data);
        bytes.extend([0; 8]);
        bytes
    }

    #[test]
    fn every_header_is_skipped() {
        for flags in 0..32 {
            assert_eq!(
                gunzip(here(), &gzip(b"digits", flags), 6).unwrap(),
                b"digits",
                "flags {flags}"
            );
        }
    }

    #[test]
    fn what_is_not_gzip_is_an_error() {
        let fault = |bytes: &[u8]| gunzip(here(), bytes, 6).unwrap_err().to_string();
        assert_eq!(
            fault(b"0,0,1"),
            "digits.csv.gz: cannot be unpacked: shorter than a gzip header"
        );
        assert_eq!(
            fault(b"0,0,1,0,0,1"),
            "digits.csv.gz: cannot be unpacked: not a gzip file"
        );
        let whole = gzip(b"digits", 8);
        for length in 0..whole.len() - 1 {
            fault(&whole[..length]);
        }
    }

    #[test]
    fn no_more_than_the_limit_is_unpacked() {
        assert!(gunzip(here(), &gzip(b"digits", 0), 5).is_err());
    }

    proptest! {
        #[test]
        fn no_input_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = gunzip(here(), &bytes, 1000);
            let mut with_header = vec![0x1f, 0x8b, 8];
            with_header.extend(&bytes);
            let _ = gunzip(here(), &with_header, 1000);
        }
    }
}
