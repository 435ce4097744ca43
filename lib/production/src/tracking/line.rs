//! A file of JSON lines that is only ever added to. Each line ends in its own checksum:
//! `{"metric":{…},"crc":"5d1f0a3b"}`, the CRC-32 of the bytes before `,"crc"`. A write that was cut off leaves a last
//! line without its newline: that line is *torn*, is left out, and is reported. Anything else that does not fit is
//! damage, and an error.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::TrackingError;

/// `,"crc":"` + 8 digits + `"}`
const TAIL: usize = 8 + 8 + 2;

/// CRC-32 (IEEE 802.3, reflected), a byte at a time.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    !bytes.iter().fold(!0, |crc, byte| {
        TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8)
    })
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut crc = i as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                0xedb8_8320 ^ (crc >> 1)
            } else {
                crc >> 1
            };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
}

/// What was left out at the end of a file, because the write of it was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// How many bytes of it are there.
    pub bytes: usize,
}

impl std::fmt::Display for Torn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}:{}: torn, {} bytes left out: the write was cut off",
            self.path.display(),
            self.line,
            self.bytes
        )
    }
}

/// The lines of a file.
#[derive(Debug)]
pub(crate) struct Lines<T> {
    /// The records, in order.
    pub records: Vec<T>,
    /// How many bytes they take.
    pub end: u64,
    /// What was left out after them.
    pub torn: Option<Torn>,
}

/// A record as a line, with checksum and newline.
pub(crate) fn encode(record: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(record).expect("records are plain data with text keys");
    assert_eq!(line.pop(), Some(b'}'), "a record is an object");
    let crc = crc32(&line);
    line.extend_from_slice(format!(",\"crc\":\"{crc:08x}\"}}\n").as_bytes());
    line
}

/// The record of a line without its newline.
fn decode<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    let at = line
        .len()
        .checked_sub(TAIL)
        .ok_or("too short for a checksum")?;
    let (body, tail) = line.split_at(at);
    let stated = tail
        .strip_prefix(b",\"crc\":\"")
        .and_then(|rest| rest.strip_suffix(b"\"}"))
        // as written: `from_str_radix` reads capitals and a sign too, which a flipped bit can make
        .filter(|digits| {
            digits
                .iter()
                .all(|d| matches!(d, b'0'..=b'9' | b'a'..=b'f'))
        })
        .and_then(|digits| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok())
        .ok_or("no checksum at its end")?;
    let found = crc32(body);
    if stated != found {
        return Err(format!(
            "altered: checksum is {found:08x}, but the line says {stated:08x}"
        ));
    }
    let mut object = body.to_vec();
    object.push(b'}');
    serde_json::from_slice(&object).map_err(|e| format!("not a known record: {e}"))
}

/// Reads a file; one that is not there has no lines.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Lines<T>, TrackingError> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(mut file) => {
            file.read_to_end(&mut bytes)
                .map_err(TrackingError::io(path, "read"))?;
        }
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(TrackingError::io(path, "read")(e)),
    }
    let end = bytes
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |at| at + 1);
    let mut records = Vec::new();
    for (i, line) in bytes[..end].split_inclusive(|&b| b == b'\n').enumerate() {
        let record = decode(&line[..line.len() - 1]).map_err(|reason| TrackingError::Corrupt {
            path: path.into(),
            line: i + 1,
            reason,
        })?;
        records.push(record);
    }
    let torn = (end < bytes.len()).then(|| Torn {
        path: path.into(),
        line: records.len() + 1,
        bytes: bytes.len() - end,
    });
    Ok(Lines {
        records,
        end: end as u64,
        torn,
    })
}

/// A file open for adding lines, locked against other writers.
#[derive(Debug)]
pub(crate) struct Appender {
    file: File,
    path: PathBuf,
    end: u64,
    durable: bool,
}

impl Appender {
    /// Opens a file, makes it where it is not there, and cuts a torn line off.
    pub(crate) fn open<T: DeserializeOwned>(
        path: &Path,
        durable: bool,
    ) -> Result<(Appender, Lines<T>), TrackingError> {
        // a reader that asks `in_use` holds the lock for an instant
        Appender::wait(path, durable, Duration::from_millis(500))
    }

    /// As `open`, and waits for another writer to be done.
    pub(crate) fn wait<T: DeserializeOwned>(
        path: &Path,
        durable: bool,
        patience: Duration,
    ) -> Result<(Appender, Lines<T>), TrackingError> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(path)
            .map_err(TrackingError::io(path, "opened"))?;
        lock(&file, path, patience)?;
        let lines = read(path)?;
        if lines.torn.is_some() {
            file.set_len(lines.end)
                .map_err(TrackingError::io(path, "cut"))?;
        }
        Ok((
            Appender {
                file,
                path: path.into(),
                end: lines.end,
                durable,
            },
            lines,
        ))
    }

    /// Adds lines by one write, so that a process killed between two calls leaves whole lines.
    pub(crate) fn add<'a, T: Serialize + 'a>(
        &mut self,
        records: impl IntoIterator<Item = &'a T>,
    ) -> Result<(), TrackingError> {
        let bytes: Vec<u8> = records.into_iter().flat_map(encode).collect();
        if let Err(e) = self.file.write_all(&bytes) {
            // a full disk takes part of it: what follows must not join half a line
            let _ = self.file.set_len(self.end);
            return Err(TrackingError::io(&self.path, "written")(e));
        }
        self.end += bytes.len() as u64;
        if self.durable { self.sync() } else { Ok(()) }
    }

    /// Has the system bring what was written to the disk.
    pub(crate) fn sync(&mut self) -> Result<(), TrackingError> {
        self.file
            .sync_data()
            .map_err(TrackingError::io(&self.path, "brought to the disk"))
    }
}

fn lock(file: &File, path: &Path, patience: Duration) -> Result<(), TrackingError> {
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if began.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(TrackingError::InUse { path: path.into() });
            }
            Err(TryLockError::Error(e)) => return Err(TrackingError::io(path, "locked")(e)),
        }
    }
}

/// Whether a file is locked by a writer.
pub(crate) fn in_use(path: &Path) -> bool {
    let Ok(file) = File::open(path) else {
        return false;
    };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{decode, encode};

    #[test]
    fn a_checksum_is_read_as_it_is_written() {
        // the first of these whose checksum has a letter in front
        let (line, at) = (0..)
            .map(|step| encode(&json!({ "step": step })))
            .find_map(|line| {
                let at = line.len() - 11;
                line[at].is_ascii_lowercase().then_some((line, at))
            })
            .unwrap();
        let whole = &line[..line.len() - 1];
        assert!(decode::<Value>(whole).is_ok());
        let mut capital = whole.to_vec();
        capital[at] ^= 1 << 5;
        assert_eq!(
            decode::<Value>(&capital),
            Err("no checksum at its end".into())
        );
    }
}
