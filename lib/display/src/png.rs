//! Just enough of PNG for small pictures: eight bits a pixel, stored without compression.

/// A grey-scale picture, a byte a pixel, as a `data:` address.
pub(crate) fn grey(width: usize, height: usize, pixels: &[u8]) -> String {
    data_url(&encode(width, height, 0, pixels, &[]))
}

/// A picture of palette indices; each palette entry is red, green, blue and opacity.
pub(crate) fn indexed(width: usize, height: usize, pixels: &[u8], palette: &[[u8; 4]]) -> String {
    let colours: Vec<u8> = palette.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
    let opacities: Vec<u8> = palette.iter().map(|entry| entry[3]).collect();
    data_url(&encode(
        width,
        height,
        3,
        pixels,
        &[(b"PLTE", colours), (b"tRNS", opacities)],
    ))
}

fn encode(
    width: usize,
    height: usize,
    colour: u8,
    pixels: &[u8],
    more: &[(&[u8; 4], Vec<u8>)],
) -> Vec<u8> {
    debug_assert_eq!(pixels.len(), width * height);
    let mut header = Vec::new();
    header.extend((width as u32).to_be_bytes());
    header.extend((height as u32).to_be_bytes());
    header.extend([8, colour, 0, 0, 0]);
    // Each row begins with its filter: none.
    let rows: Vec<u8> = pixels
        .chunks(width)
        .flat_map(|row| std::iter::once(&0).chain(row))
        .copied()
        .collect();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, b"IHDR", &header);
    for (kind, data) in more {
        chunk(&mut png, kind, data);
    }
    chunk(&mut png, b"IDAT", &zlib_stored(&rows));
    chunk(&mut png, b"IEND", &[]);
    png
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    png.extend((data.len() as u32).to_be_bytes());
    let start = png.len();
    png.extend(kind);
    png.extend(data);
    let sum = crc32(&png[start..]);
    png.extend(sum.to_be_bytes());
}

/// A zlib stream (RFC 1950) of stored blocks.
fn zlib_stored(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let blocks = data.len().div_ceil(0xffff).max(1);
    for i in 0..blocks {
        let block = &data[i * 0xffff..data.len().min((i + 1) * 0xffff)];
        stream.push(u8::from(i + 1 == blocks));
        stream.extend((block.len() as u16).to_le_bytes());
        stream.extend((!(block.len() as u16)).to_le_bytes());
        stream.extend(block);
    }
    stream.extend(adler32(data).to_be_bytes());
    stream
}

fn adler32(data: &[u8]) -> u32 {
    let (a, b) = data.iter().fold((1_u32, 0_u32), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65521;
        (a, (b + a) % 65521)
    });
    (b << 16) | a
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

fn data_url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut url = String::from("data:image/png;base64,");
    for group in bytes.chunks(3) {
        let joined = group
            .iter()
            .fold(0_u32, |all, &byte| (all << 8) | u32::from(byte))
            << (8 * (3 - group.len()));
        for i in 0..4 {
            let digit = DIGITS[(joined >> (18 - 6 * i)) as usize & 63];
            url.push(if i <= group.len() { digit.into() } else { '=' });
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_agree_with_published_values() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn base64_agrees_with_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(
                data_url(plain.as_bytes()),
                format!("data:image/png;base64,{coded}")
            );
        }
    }

    #[test]
    fn long_data_is_stored_in_blocks_that_add_up() {
        let stream = zlib_stored(&vec![7; 70_000]);
        assert_eq!(
            stream[2..7],
            [0, 0xff, 0xff, 0, 0],
            "a full block, not the last"
        );
        let second = 2 + 5 + 0xffff;
        assert_eq!(stream[second], 1, "the last block");
        assert_eq!(stream.len(), 2 + 5 + 0xffff + 5 + (70_000 - 0xffff) + 4);
    }
}
