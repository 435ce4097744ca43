//! environment.yml says the same as requirements.txt, and the tests' environment is what they say.

use std::collections::BTreeMap;

mod support;

/// What conda has and PyPI has not.
const CONDA_ONLY: [&str; 5] = ["rust", "rust-src", "c-compiler", "mold", "python"];

fn read(name: &str) -> String {
    std::fs::read_to_string(support::root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// PyPI takes `-`, `_` and `.` for the same in names.
fn normal(name: &str) -> String {
    name.trim().to_lowercase().replace(['_', '.'], "-")
}

/// The versions of requirements.txt, by name.
fn locked() -> BTreeMap<String, Vec<String>> {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in read("requirements.txt").lines() {
        if line.starts_with(['#', ' ']) {
            continue;
        }
        let (name, rest) = line
            .split_once("==")
            .unwrap_or_else(|| panic!("not pinned: {line}"));
        let version = rest.split([' ', ';', '\\']).next().unwrap_or_default();
        versions
            .entry(normal(name))
            .or_default()
            .push(version.to_string());
    }
    versions
}

/// The names that requirements.in asks for.
fn asked() -> Vec<String> {
    let text = read("requirements.in");
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines
        .map(|line| normal(line.split(['<', '>', '=']).next().unwrap_or(line).trim()))
        .collect()
}

/// The entries of environment.yml: name and version as they stand.
fn environment() -> Vec<(String, String)> {
    let yaml: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(&read("environment.yml")).expect("environment.yml is YAML");
    assert_eq!(yaml["name"], "ml-fullstack");
    assert_eq!(
        yaml["channels"].as_sequence().map(Vec::len),
        Some(1),
        "one channel"
    );
    assert_eq!(yaml["channels"][0], "conda-forge");
    let entries = yaml["dependencies"]
        .as_sequence()
        .expect("a list of dependencies");
    let entries = entries
        .iter()
        .map(|e| e.as_str().expect("an entry is one line"));
    entries
        .map(|e| {
            let (name, version) = e.split_once(' ').unwrap_or((e, ""));
            (name.to_string(), version.trim().to_string())
        })
        .collect()
}

#[test]
fn conda_and_pypi_agree() {
    let locked = locked();
    for (name, version) in environment() {
        if CONDA_ONLY.contains(&name.as_str()) {
            continue;
        }
        let twin = locked
            .get(&normal(&name))
            .unwrap_or_else(|| panic!("environment.yml has `{name}`, requirements.txt has not"));
        assert_eq!(
            vec![version.trim_start_matches('=').to_string()],
            *twin,
            "{name}: environment.yml and requirements.txt differ"
        );
        assert!(version.starts_with('='), "{name}: pin it with `=`");
    }
}

#[test]
fn all_that_is_asked_for_is_in_both() {
    let (locked, environment) = (locked(), environment());
    for name in asked() {
        assert!(
            locked.contains_key(&name),
            "requirements.txt lacks {name}: lock it again"
        );
        assert!(
            environment.iter().any(|(n, _)| normal(n) == name),
            "environment.yml lacks {name}"
        );
    }
}

#[test]
fn conda_has_the_rust_that_the_workspace_needs() {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("Cargo.toml is TOML");
    let needed = manifest["workspace"]["package"]["rust-version"]
        .as_str()
        .expect("rust-version");
    let environment: BTreeMap<_, _> = environment().into_iter().collect();
    for name in ["rust", "rust-src"] {
        assert_eq!(environment[name], format!(">={needed}"), "{name}");
    }
    for name in CONDA_ONLY {
        assert!(
            environment.contains_key(name),
            "environment.yml lacks {name}"
        );
    }
}

#[test]
fn every_locked_package_has_hashes() {
    let text = read("requirements.txt");
    let mut open: Option<&str> = None;
    for line in text
        .lines()
        .filter(|l| !l.starts_with('#'))
        .chain(["end=="])
    {
        if line.starts_with("    --hash=sha256:") {
            open = None;
        } else {
            assert_eq!(open, None, "without a hash");
            open = Some(line);
        }
    }
    assert!(
        !text.contains("://") && !text.contains("index-url"),
        "a host is named"
    );
}

#[test]
fn the_tests_environment_is_the_locked_one() {
    let Some(venv) = support::Venv::get("the Python environment") else {
        return;
    };
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let list = support::run(venv.command("python", scratch.path()).args([
        "-m",
        "pip",
        "--disable-pip-version-check",
        "list",
        "--format=json",
    ]));
    list.succeeds();
    let list: serde_json::Value = serde_json::from_str(&list.stdout).expect("pip answers in JSON");
    let installed: BTreeMap<String, String> = list
        .as_array()
        .expect("a list")
        .iter()
        .map(|p| {
            (
                normal(p["name"].as_str().unwrap_or("")),
                p["version"].as_str().unwrap_or("").to_string(),
            )
        })
        .collect();
    let locked = locked();
    for name in asked() {
        let version = installed
            .get(&name)
            .unwrap_or_else(|| panic!("{name} is not installed"));
        assert!(
            locked[&name].contains(version),
            "{name}: {version} is installed, {:?} is locked",
            locked[&name]
        );
    }
    support::run(venv.command("python", scratch.path()).args([
        "-m",
        "pip",
        "--disable-pip-version-check",
        "check",
    ]))
    .succeeds();
    let mlflow = support::run(venv.command("python", scratch.path()).args([
        "-c",
        "import mlflow, nbclient, jupyterlab, sklearn, statsmodels, scipy; print(mlflow.__version__)",
    ]));
    mlflow.succeeds();
    assert_eq!(mlflow.stdout.trim(), locked["mlflow"][0]);
}
