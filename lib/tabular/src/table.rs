//! Customers with what became of them, as rows.

use crate::Customer;
use crate::features::{COLUMNS, encode};
use ndarray::{Array1, Array2, Axis};
use std::path::PathBuf;

/// Customers, what became of them, and the model's columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The file that they were read from.
    pub path: PathBuf,
    /// The SHA-256 of that file, in hexadecimal.
    pub sha256: String,
    /// The customers, in the order of the file.
    pub customers: Vec<Customer>,
    /// 1 for those who left, 0 for the others, shape `(n,)`.
    pub left: Array1<f64>,
    /// The columns of [`COLUMNS`], not yet standardised, shape `(n, 23)`.
    pub x: Array2<f64>,
}

impl Table {
    /// A table of customers that were not read from a file: the path is empty, and so is the checksum.
    ///
    /// # Panics
    /// If `left` is not as long as `customers`.
    ///
    /// # Examples
    /// ```
    /// use ndarray::array;
    /// use tabular::{Customer, Table};
    ///
    /// let table = Table::of(vec![Customer::example()], array![1.0]);
    /// assert_eq!((table.len(), table.x.dim()), (1, (1, 23)));
    /// ```
    pub fn of(customers: Vec<Customer>, left: Array1<f64>) -> Self {
        assert_eq!(customers.len(), left.len(), "a label for each customer");
        let mut x = Array2::zeros((customers.len(), COLUMNS.len()));
        for (mut row, customer) in x.rows_mut().into_iter().zip(&customers) {
            row.assign(&ndarray::arr1(&encode(customer)));
        }
        Table {
            path: PathBuf::new(),
            sha256: String::new(),
            customers,
            left,
            x,
        }
    }

    /// The number of customers.
    pub fn len(&self) -> usize {
        self.customers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.customers.is_empty()
    }

    /// The customers of these rows, which may occur more than once.
    ///
    /// # Panics
    /// If a row is not below [`len`](Self::len).
    pub fn take(&self, rows: &[usize]) -> Table {
        Table {
            path: self.path.clone(),
            sha256: self.sha256.clone(),
            customers: rows
                .iter()
                .map(|&row| self.customers[row].clone())
                .collect(),
            left: self.left.select(Axis(0), rows),
            x: self.x.select(Axis(0), rows),
        }
    }
}
