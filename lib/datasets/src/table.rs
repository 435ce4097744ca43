//! Plain CSV as the course's files have it: a header line, commas, no quotes.

use std::path::Path;

use crate::DatasetError;

/// The columns of one file.
pub(crate) struct Columns<const N: usize> {
    /// One vector a numeric column, in the order of the header.
    pub(crate) numbers: [Vec<f64>; N],
    /// The text column, empty where the file has none.
    pub(crate) text: Vec<String>,
}

/// Parses `bytes` as CSV with exactly the numeric columns `numeric`, then the column `text` if any.
pub(crate) fn parse<const N: usize>(
    path: &Path,
    bytes: &[u8],
    numeric: [&str; N],
    text: Option<&str>,
) -> Result<Columns<N>, DatasetError> {
    let malformed =
        |line: usize, column: usize, expected: String, found: String| DatasetError::Malformed {
            path: path.to_owned(),
            line,
            column,
            expected,
            found,
        };
    let content = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let start = before
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        malformed(
            line,
            column,
            "UTF-8".to_owned(),
            format!("byte 0x{:02x}", bytes[before.len()]),
        )
    })?;
    let header = [&numeric[..], text.as_slice()].concat().join(",");
    let mut lines = content.lines();
    let found = lines.next().unwrap_or_default();
    if found != header {
        return Err(malformed(
            1,
            1,
            format!("the header `{header}`"),
            format!("`{found}`"),
        ));
    }
    let mut columns = Columns {
        numbers: [const { Vec::new() }; N],
        text: Vec::new(),
    };
    for (index, line) in lines.enumerate() {
        let place = index + 2;
        let mut column = 1;
        let mut cells = line.split(',');
        for (name, values) in numeric.iter().zip(&mut columns.numbers) {
            let Some(cell) = cells.next() else {
                return Err(malformed(
                    place,
                    column,
                    format!("a value of `{name}`"),
                    "the end of the line".to_owned(),
                ));
            };
            match cell.parse::<f64>() {
                Ok(value) if value.is_finite() => values.push(value),
                _ => {
                    return Err(malformed(
                        place,
                        column,
                        format!("a number for `{name}`"),
                        format!("`{cell}`"),
                    ));
                }
            }
            column += cell.chars().count() + 1;
        }
        if let Some(name) = text {
            match cells.next() {
                Some(cell) if !cell.is_empty() => {
                    columns.text.push(cell.to_owned());
                    column += cell.chars().count() + 1;
                }
                _ => {
                    return Err(malformed(
                        place,
                        column,
                        format!("a value of `{name}`"),
                        "nothing".to_owned(),
                    ));
                }
            }
        }
        if let Some(cell) = cells.next() {
            // Column of the comma that should not be there.
            return Err(malformed(
                place,
                column - 1,
                "the end of the line".to_owned(),
                format!("`,{cell}`"),
            ));
        }
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(bytes: &[u8]) -> String {
        match parse(
            Path::new("cars.csv"),
            bytes,
            ["mpg", "weight"],
            Some("name"),
        ) {
            Ok(_) => panic!("no fault in {:?}", String::from_utf8_lossy(bytes)),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_fault_names_file_line_and_column() {
        let header = "mpg,weight,name\n";
        assert_eq!(
            fault(format!("{header}18,3504,buick\n15,x,ford\n").as_bytes()),
            "cars.csv:3:4: expected a number for `weight`, found `x`"
        );
        assert_eq!(
            fault(format!("{header}18\n").as_bytes()),
            "cars.csv:2:4: expected a value of `weight`, found the end of the line"
        );
        assert_eq!(
            fault(format!("{header}18,3504,\n").as_bytes()),
            "cars.csv:2:9: expected a value of `name`, found nothing"
        );
        assert_eq!(
            fault(format!("{header}18,3504,buick,7\n").as_bytes()),
            "cars.csv:2:14: expected the end of the line, found `,7`"
        );
        assert_eq!(
            fault(format!("{header}NaN,3504,buick\n").as_bytes()),
            "cars.csv:2:1: expected a number for `mpg`, found `NaN`"
        );
        assert_eq!(
            fault(b"mpg,mass,name\n"),
            "cars.csv:1:1: expected the header `mpg,weight,name`, found `mpg,mass,name`"
        );
        assert_eq!(
            fault(b"mpg,weight,name\n18,\xc3\xa9\xff,b\n"),
            "cars.csv:2:5: expected UTF-8, found byte 0xff"
        );
        assert_eq!(
            fault(b""),
            "cars.csv:1:1: expected the header `mpg,weight,name`, found ``"
        );
    }

    proptest! {
        #[test]
        fn every_finite_number_is_read_back(values in prop::collection::vec(prop::num::f64::NORMAL, 1..40)) {
            let text: String = values.iter().map(|v| format!("{v}\n")).collect();
            let columns = parse(Path::new("x.csv"), format!("x\n{text}").as_bytes(), ["x"], None).unwrap();
            prop_assert_eq!(&columns.numbers[0], &values);
        }

        #[test]
        fn no_input_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut with_header = b"a,b\n".to_vec();
            with_header.extend(&bytes);
            let _ = parse(Path::new("x.csv"), &with_header, ["a"], Some("b"));
            let _ = parse(Path::new("x.csv"), &bytes, ["a"], Some("b"));
        }
    }
}
