//! What rust-analyzer is shown of a session.

mod common;

use common::{alone, book, write};
use kernel::{Dep, cargo_proxy, session};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

fn names(metadata: &Value) -> BTreeSet<&str> {
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| package["name"].as_str().unwrap())
        .collect()
}

/// What cargo says in a session whose cell names `deps`.
fn metadata(session: &session::Session, deps: &str) -> Value {
    let folder = book().root.join("notebooks/foundations");
    let mut manifest =
        "[package]\nname = \"ctx\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[lib]\npath = \"src/lib.rs\"\n[dependencies]\n"
            .to_owned();
    for dep in Dep::all(deps, &folder).unwrap() {
        manifest.push_str(&format!("{} = {}\n", dep.name, dep.spec));
    }
    write(&session.cell.join("Cargo.toml"), &manifest);
    let output = Command::new("cargo")
        .args(["metadata", "--format-version=1", "--offline"])
        .current_dir(&session.dir)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_needed_packages_stay_and_the_others_go() {
    alone("the_needed_packages_stay_and_the_others_go", &[], |_| {
        let session = session::prepare(&book(), Path::new("/no/kernel/needed")).unwrap();
        let mut answer = metadata(
            &session,
            ":dep foundations = { path = \"../../lib/foundations\" }\n:dep display = { path = \"../../lib/display\" }\n",
        );
        let whole = answer.clone();
        let before = names(&whole);
        for name in [
            "ctx",
            "foundations",
            "display",
            "ndarray",
            "statrs",
            "plotters",
            "course-seed",
        ] {
            assert!(before.contains(name), "{name}: {before:?}");
        }

        cargo_proxy::keep_needed(&mut answer);
        let kept = names(&answer);
        for name in ["ctx", "foundations", "display", "ndarray"] {
            assert!(kept.contains(name), "{name} is needed: {kept:?}");
        }
        for name in [
            "statrs",
            "plotters",
            "rand",
            "matrixmultiply",
            "course-seed",
        ] {
            assert!(!kept.contains(name), "{name} is not: {kept:?}");
        }

        // Whatever is named anywhere is there.
        let ids: BTreeSet<&str> = answer["packages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|package| package["id"].as_str().unwrap())
            .collect();
        let nodes = answer["resolve"]["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), ids.len());
        for node in nodes {
            assert!(ids.contains(node["id"].as_str().unwrap()));
            for dep in node["deps"].as_array().unwrap() {
                assert!(ids.contains(dep["pkg"].as_str().unwrap()), "{dep}");
            }
            for dep in node["dependencies"].as_array().unwrap() {
                assert!(ids.contains(dep.as_str().unwrap()), "{dep}");
            }
        }
        let members = answer["workspace_members"].as_array().unwrap();
        assert_eq!(members.len(), 1);
        assert!(members[0].as_str().unwrap().contains("ctx"));
    });
}

#[test]
fn what_a_cell_names_itself_stays_without_what_that_needs() {
    alone(
        "what_a_cell_names_itself_stays_without_what_that_needs",
        &[],
        |_| {
            let session = session::prepare(&book(), Path::new("/no/kernel/needed")).unwrap();
            let mut answer = metadata(&session, ":dep ndarray = \"0.16\"\n");
            cargo_proxy::keep_needed(&mut answer);
            assert_eq!(names(&answer), BTreeSet::from(["ctx", "ndarray"]));
        },
    );
}

#[test]
fn an_answer_without_a_cell_is_left_as_it_is() {
    let mut answer = serde_json::json!({
        "packages": [{ "id": "p", "name": "core", "source": null }],
        "workspace_members": [],
        "resolve": { "nodes": [{ "id": "p", "deps": [], "dependencies": [] }] },
    });
    let before = answer.clone();
    cargo_proxy::keep_needed(&mut answer);
    assert_eq!(answer, before);
}
