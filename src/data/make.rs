//! The files of an artefact from the members of an archive.

use std::path::Path;
use std::process::{Command, Stdio};

use datasets::{Recipe, Source};

use super::FetchError;

/// Reads a pickled table with Python's own library and writes two CSV files.
const CHURN: &str = include_str!("../../lib/datasets/scripts/churn.py");

/// The files' contents, in the catalogue's order.
pub(super) fn files(
    recipe: Recipe,
    source: &Source,
    members: Vec<Vec<u8>>,
    folder: &Path,
) -> Result<Vec<Vec<u8>>, FetchError> {
    match recipe {
        Recipe::AsTheyAre => Ok(members),
        Recipe::Churn => churn(&members, folder),
        Recipe::Digits => digits(source, &members),
        _ => Err(FetchError::Making {
            what: "the files",
            reason: "this build of the tool does not know how; build it again".to_owned(),
        }),
    }
}

fn churn(members: &[Vec<u8>], folder: &Path) -> Result<Vec<Vec<u8>>, FetchError> {
    let failed = |reason: String| FetchError::Making {
        what: "churn-rest.csv",
        reason,
    };
    let [packed] = members else {
        return Err(failed("one table is needed".to_owned()));
    };
    let (script, table) = (folder.join(".churn.py"), folder.join(".churn.pickle"));
    std::fs::write(&script, CHURN).map_err(FetchError::write(&script))?;
    std::fs::write(&table, packed).map_err(FetchError::write(&table))?;
    let output = ["python3", "python"]
        .iter()
        .find_map(|python| {
            let mut command = Command::new(python);
            command.arg(&script).arg(&table).arg(folder);
            command.stdin(Stdio::null()).output().ok()
        })
        .ok_or_else(|| failed("python3 is not on PATH".to_owned()))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = text.lines().last().unwrap_or("it gave no reason");
        return Err(failed(format!("scripts/churn.py fails: {last}")));
    }
    let path = folder.join("churn-rest.csv");
    let content = std::fs::read(&path).map_err(|e| failed(format!("{}: {e}", path.display())))?;
    Ok(vec![content])
}

/// Pixels from 0 to 1, some thousand images after one another.
#[derive(serde::Deserialize)]
struct Digits {
    data: Vec<f64>,
}

/// IDX as LeCun's files have it: a magic number, the length of each axis, then the bytes.
fn digits(source: &Source, members: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, FetchError> {
    const SIDE: usize = 28;
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for (digit, (content, member)) in members.iter().zip(source.members).enumerate() {
        let failed = |reason: String| FetchError::Making {
            what: "images.idx3",
            reason: format!("{}: {reason}", member.path),
        };
        let Digits { data } = serde_json::from_slice(content).map_err(|e| failed(e.to_string()))?;
        if data.len() % (SIDE * SIDE) != 0 {
            return Err(failed(format!("{} pixels fill no image", data.len())));
        }
        // written with three decimals of 1/255
        images.extend(data.iter().map(|pixel| (pixel * 255.0).round() as u8));
        labels.resize(labels.len() + data.len() / (SIDE * SIDE), digit as u8);
    }
    let header = |kind: u32, axes: &[usize]| -> Vec<u8> {
        let lengths = axes.iter().map(|&length| length as u32);
        let numbers = std::iter::once(0x0800 + kind).chain(lengths);
        numbers.flat_map(u32::to_be_bytes).collect()
    };
    Ok(vec![
        [header(3, &[labels.len(), SIDE, SIDE]), images].concat(),
        [header(1, &[labels.len()]), labels].concat(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_become_bytes_in_order() {
        let source = &datasets::Artefact::find("mnist-10k").unwrap().sources[0];
        let image = |pixel: &str| vec![pixel; 784].join(",");
        let members = [
            format!("{{\"data\":[{},{}]}}", image("0"), image("1")),
            format!("{{\"data\":[{}]}}", image("0.502")),
        ];
        let members: Vec<Vec<u8>> = members.map(String::into_bytes).into();
        let made = digits(source, &members).unwrap();
        assert_eq!(
            made[0][..16],
            [0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 28, 0, 0, 0, 28]
        );
        assert_eq!(made[0].len(), 16 + 3 * 784);
        assert_eq!(
            [made[0][16], made[0][16 + 784], made[0][16 + 1568]],
            [0, 255, 128]
        );
        assert_eq!(made[1], [0, 0, 8, 1, 0, 0, 0, 3, 0, 0, 1]);
        let error = digits(source, &[b"{\"data\":[1]}".to_vec()]).unwrap_err();
        assert!(
            error.to_string().contains("1 pixels fill no image"),
            "{error}"
        );
        let error = digits(source, &[b"{".to_vec()]).unwrap_err();
        assert!(error.to_string().contains("0.json: EOF"), "{error}");
    }
}
