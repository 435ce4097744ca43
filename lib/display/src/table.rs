use std::fmt;

use crate::html::escape;
use crate::number;
use crate::value::{NamedResults, Value, names_results};

/// One cell of a [`Table`]: a text, or a number that is aligned at its decimal point.
///
/// Whole numbers and floats turn into cells by themselves (floats with four significant digits);
/// the constructors state another form.
///
/// # Examples
/// ```
/// use display::Cell;
/// assert_eq!(Cell::from(0.157844733).to_string(), "0.1578");
/// assert_eq!(Cell::fixed(-0.157844733, 2).to_string(), "−0.16");
/// assert_eq!(Cell::p_value(1e-20).to_string(), "<\u{a0}0.001");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    text: String,
    number: bool,
}

impl Cell {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Cell {
            text: text.into(),
            number: false,
        }
    }

    /// A number with `decimals` digits after the point.
    pub fn fixed(x: f64, decimals: usize) -> Self {
        Cell::number(number::fixed(x, decimals))
    }

    /// A number in scientific notation, with `decimals` digits after the point.
    pub fn scientific(x: f64, decimals: usize) -> Self {
        Cell::number(number::scientific(x, decimals))
    }

    /// A number with `digits` significant digits.
    pub fn significant(x: f64, digits: usize) -> Self {
        Cell::number(number::significant(x, digits))
    }

    /// A share as a percentage, with `decimals` digits after the point.
    pub fn percent(x: f64, decimals: usize) -> Self {
        Cell::number(number::percent(x, decimals))
    }

    /// A p-value: three decimals, or `< 0.001`.
    pub fn p_value(p: f64) -> Self {
        if p < 0.001 {
            Cell::number("<\u{a0}0.001".to_owned())
        } else {
            Cell::fixed(p, 3)
        }
    }

    /// Nothing: an en dash.
    pub fn none() -> Self {
        Cell::number("–".to_owned())
    }

    fn number(text: String) -> Self {
        Cell { text, number: true }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

macro_rules! cell_from {
    ($($from:ty => |$x:ident| $to:expr;)*) => {$(
        impl From<$from> for Cell {
            fn from($x: $from) -> Self {
                $to
            }
        }
    )*};
}

cell_from! {
    f64 => |x| Cell::significant(x, 4);
    &f64 => |x| Cell::significant(*x, 4);
    f32 => |x| Cell::significant(f64::from(x), 4);
    i64 => |x| Cell::number(number::integer(x));
    i32 => |x| Cell::number(number::integer(x.into()));
    u32 => |x| Cell::number(number::integer(x.into()));
    u8 => |x| Cell::number(number::integer(x.into()));
    u64 => |x| Cell::number(i64::try_from(x).map_or_else(|_| x.to_string(), number::integer));
    usize => |x| Cell::from(x as u64);
    bool => |x| Cell::text(x.to_string());
    char => |x| Cell::text(x);
    &str => |x| Cell::text(x);
    &String => |x| Cell::text(x);
    String => |x| Cell::text(x);
    Value => |x| match x {
        Value::Number(_) | Value::Integer(_) => Cell::number(x.to_string()),
        Value::Text(_) | Value::Bool(_) => Cell::text(x.to_string()),
    };
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(cell: Option<T>) -> Self {
        cell.map_or_else(Cell::none, Into::into)
    }
}

/// What [`Table::row`] takes: an array or vector of cells of one type, or a tuple of cells of
/// different types.
pub trait Row {
    /// The cells, from left to right.
    fn cells(self) -> Vec<Cell>;
}

impl<T: Into<Cell>, const N: usize> Row for [T; N] {
    fn cells(self) -> Vec<Cell> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<T: Into<Cell>> Row for Vec<T> {
    fn cells(self) -> Vec<Cell> {
        self.into_iter().map(Into::into).collect()
    }
}

macro_rules! row_of_tuple {
    ($($name:ident)*) => {
        impl<$($name: Into<Cell>),*> Row for ($($name,)*) {
            fn cells(self) -> Vec<Cell> {
                #[allow(non_snake_case)]
                let ($($name,)*) = self;
                vec![$($name.into()),*]
            }
        }
    };
}
row_of_tuple!(A);
row_of_tuple!(A B);
row_of_tuple!(A B C);
row_of_tuple!(A B C D);
row_of_tuple!(A B C D E);
row_of_tuple!(A B C D E F);
row_of_tuple!(A B C D E F G);
row_of_tuple!(A B C D E F G H);
row_of_tuple!(A B C D E F G H I);
row_of_tuple!(A B C D E F G H I J);
row_of_tuple!(A B C D E F G H I J K);
row_of_tuple!(A B C D E F G H I J K L);

/// A table, its numbers aligned at the decimal point.
///
/// # Examples
/// ```
/// use display::{Cell, Table};
/// let table = Table::new(["term", "estimate", "p"])
///     .caption("Least squares of mpg on horsepower")
///     .row(("intercept", 39.935861, Cell::p_value(1e-187)))
///     .row(("horsepower", -0.157844733, Cell::p_value(7e-81)))
///     .result("ols.slope", -0.157844733);
/// assert!(table.to_html().starts_with("<div class=\"course-table\""));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<Cell>>,
    caption: Option<String>,
    pub(crate) results: NamedResults,
}

names_results!(Table);

impl Table {
    /// A table with these column names.
    pub fn new<S: Into<String>>(columns: impl IntoIterator<Item = S>) -> Self {
        Table {
            header: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
            caption: None,
            results: NamedResults::default(),
        }
    }

    /// The line above the table that says what it shows.
    #[must_use]
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = Some(caption.into());
        self
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If it has not one cell a column.
    #[must_use]
    pub fn row(mut self, row: impl Row) -> Self {
        let cells = row.cells();
        assert!(
            cells.len() == self.header.len(),
            "row {} has {} cells, but the table has {} columns",
            self.rows.len(),
            cells.len(),
            self.header.len()
        );
        self.rows.push(cells);
        self
    }

    /// Adds several rows.
    ///
    /// # Panics
    /// If one has not one cell a column.
    #[must_use]
    pub fn rows<R: Row>(self, rows: impl IntoIterator<Item = R>) -> Self {
        rows.into_iter().fold(self, Table::row)
    }

    /// Whether every cell of a column is a number.
    fn is_numeric(&self, column: usize) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|row| row[column].number)
    }

    /// The longest part from the decimal point on, of the numbers of a column.
    fn longest_tail(&self, column: usize) -> String {
        let tails = self.rows.iter().map(|row| tail(&row[column].text));
        tails
            .max_by_key(|tail| tail.chars().count())
            .unwrap_or_default()
            .to_owned()
    }

    /// The table as HTML.
    pub fn to_html(&self) -> String {
        let mut html = String::from(
            "<div class=\"course-table\" style=\"overflow-x:auto\">\n\
             <table style=\"font-variant-numeric:tabular-nums lining-nums;border-collapse:collapse\">\n",
        );
        if let Some(caption) = &self.caption {
            html += &format!(
                "<caption style=\"text-align:left\">{}</caption>\n",
                escape(caption)
            );
        }
        let columns: Vec<Option<String>> = (0..self.header.len())
            .map(|column| self.is_numeric(column).then(|| self.longest_tail(column)))
            .collect();
        html += "<thead><tr>";
        for (name, numeric) in self.header.iter().zip(&columns) {
            let side = if numeric.is_some() { "right" } else { "left" };
            html += &format!(
                "<th scope=\"col\" style=\"text-align:{side}\">{}</th>",
                escape(name)
            );
        }
        html += "</tr></thead>\n<tbody>\n";
        for row in &self.rows {
            html += "<tr>";
            for (cell, numeric) in row.iter().zip(&columns) {
                let text = escape(&cell.text);
                html += &match numeric {
                    None => format!("<td style=\"text-align:left\">{text}</td>"),
                    Some(longest) => {
                        let missing: String = longest
                            .chars()
                            .skip(tail(&cell.text).chars().count())
                            .collect();
                        let pad = if missing.is_empty() {
                            String::new()
                        } else {
                            format!(
                                "<span aria-hidden=\"true\" style=\"visibility:hidden\">{}</span>",
                                escape(&missing)
                            )
                        };
                        format!(
                            "<td style=\"text-align:right;white-space:nowrap\">{text}{pad}</td>"
                        )
                    }
                };
            }
            html += "</tr>\n";
        }
        html += "</tbody>\n</table>\n</div>";
        html
    }
}

/// What follows the whole part of a number: from the decimal point on, or from what ends the digits.
fn tail(number: &str) -> &str {
    let whole = |c: char| {
        c.is_ascii_digit() || matches!(c, ',' | number::MINUS | '<' | '\u{a0}' | '–' | '∞')
    };
    let start = number.find(|c: char| !whole(c)).unwrap_or(number.len());
    if number.starts_with(|c: char| c.is_ascii_alphabetic()) {
        ""
    } else {
        &number[start..]
    }
}

impl fmt::Display for Table {
    /// The table in plain text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |text: &str| text.chars().count();
        if let Some(caption) = &self.caption {
            writeln!(f, "{caption}")?;
        }
        let mut columns = Vec::new();
        for (column, name) in self.header.iter().enumerate() {
            let numeric = self.is_numeric(column);
            let longest = if numeric {
                count(&self.longest_tail(column))
            } else {
                0
            };
            let cells: Vec<String> = self
                .rows
                .iter()
                .map(|row| {
                    let text = &row[column].text;
                    let pad = if numeric {
                        longest - count(tail(text))
                    } else {
                        0
                    };
                    format!("{text}{}", " ".repeat(pad))
                })
                .collect();
            let width = cells
                .iter()
                .map(|cell| count(cell))
                .max()
                .unwrap_or(0)
                .max(count(name));
            columns.push((name, cells, width, numeric));
        }
        let line = |texts: Vec<&str>| {
            let padded = texts
                .iter()
                .zip(&columns)
                .map(|(text, (_, _, width, numeric))| {
                    if *numeric {
                        format!("{text:>width$}")
                    } else {
                        format!("{text:<width$}")
                    }
                });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        write!(
            f,
            "{}",
            line(columns.iter().map(|column| column.0.as_str()).collect())
        )?;
        for i in 0..self.rows.len() {
            write!(
                f,
                "\n{}",
                line(columns.iter().map(|column| column.1[i].as_str()).collect())
            )?;
        }
        Ok(())
    }
}

/// Named results by themselves, shown as a small table of names and values.
///
/// # Examples
/// ```
/// use display::{Results, Tolerance};
/// let results = Results::new()
///     .result("auto.rows", 392_usize)
///     .result_within("fit.seconds", 0.0123, Tolerance::Volatile);
/// assert_eq!(
///     results.results_json().unwrap(),
///     r#"{"version":1,"results":{"auto.rows":{"value":392,"tolerance":"exact"},"fit.seconds":{"value":0.0123,"tolerance":"volatile"}}}"#
/// );
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Results {
    pub(crate) results: NamedResults,
}

names_results!(Results);

impl Results {
    /// No results yet.
    pub fn new() -> Self {
        Results::default()
    }

    fn table(&self) -> Table {
        let rows = self.results.0.iter();
        Table::new(["result", "value"])
            .rows(rows.map(|named| (named.name.as_str(), Cell::from(named.value.clone()))))
    }

    /// The results as an HTML table.
    pub fn to_html(&self) -> String {
        self.table().to_html()
    }
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table().fmt(f)
    }
}
