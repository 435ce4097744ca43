//! The chapter's table, split and pipeline, for the tests.
#![allow(dead_code)] // each test file takes what it needs

use foundations::resampling::{Split, stratified_split};
use sha2::Digest;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use tabular::threshold::Costs;
use tabular::{Customer, Pipeline, Table};

pub const SEED: u64 = 2026;
pub const ALPHA: f64 = 10.0;

/// The customers by a reader of a page, without polars: a test compares the two.
pub fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let file = datasets::churn().expect("the data are there").path;
        let bytes = std::fs::read(&file).expect("a file");
        let text = String::from_utf8(bytes.clone()).expect("a text");
        let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = lines.next().expect("a header");
        let rows: Vec<BTreeMap<&str, &str>> = lines
            .map(|fields| header.iter().copied().zip(fields).collect())
            .collect();
        let left = rows
            .iter()
            .map(|row| f64::from(row["churn"] == "Yes"))
            .collect();
        let mut table = Table::of(rows.iter().map(customer).collect(), left);
        table.path = file;
        table.sha256 = sha2::Sha256::digest(&bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        table
    })
}

fn customer(row: &BTreeMap<&str, &str>) -> Customer {
    let yes = |name: &str| row[name] == "1";
    let text = |name: &str| row[name].to_owned();
    Customer {
        female: yes("female"),
        senior_citizen: yes("senior_citizen"),
        partner: yes("partner"),
        dependents: yes("dependents"),
        tenure: row["tenure"].parse().expect("months"),
        phone_service: yes("phone_service"),
        multiple_lines: text("multiple_lines"),
        internet_service: text("internet_service"),
        online_security: text("online_security"),
        online_backup: text("online_backup"),
        device_protection: text("device_protection"),
        tech_support: text("tech_support"),
        streaming_tv: text("streaming_tv"),
        streaming_movies: text("streaming_movies"),
        contract: text("contract"),
        paperless_billing: yes("paperless_billing"),
        payment_method: text("payment_method"),
        monthly_charges: row["monthly_charges"].parse().expect("dollars"),
        total_charges: row["total_charges"].parse().ok(),
    }
}

pub fn split() -> Split {
    stratified_split(table().left.view(), 0.25, SEED).expect("a split")
}

pub fn train() -> Table {
    table().take(&split().train)
}

pub fn test() -> Table {
    table().take(&split().test)
}

pub fn costs() -> Costs {
    Costs::new(650.0, 50.0, 0.3).expect("costs")
}

pub fn pipeline() -> &'static Pipeline {
    static PIPELINE: OnceLock<Pipeline> = OnceLock::new();
    PIPELINE.get_or_init(|| {
        tabular::fit(&train(), ALPHA, costs().break_even(), SEED).expect("a pipeline")
    })
}

/// A folder of one test, which goes with it.
///
/// Not `tempfile`'s: that asks for `bitflags` with `std`, and cargo would compile polars once more for the tests.
pub struct Folder(std::path::PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("tabular-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a folder");
        Folder(path)
    }

    pub fn path(&self) -> &std::path::Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
