//! What must not be lost, hang or be passed over in silence when something is wrong: each bad input with
//! the real tool on a small book. Every one gives a clear error with file and line and a non-zero exit
//! code, leaves the last good notebook as it was, and leaves no process.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use course::chapter::Chapter;
use course::notebook::{self, Answer};
use course::project::Project;
use course::results::Results;
use nbformat::v4::{MultilineString, Output};

mod support;
use support::{Book, Ran, Started};

/// A kernel that is never reached: the fault is found before.
const NO_KERNEL: [&str; 2] = ["--kernel", "/bin/false"];

/// A chapter whose second cell, with its first line on line 10, is `code`.
fn chapter(name: &str, code: &str) -> String {
    format!("# {name}\n\nProse.\n\n```rust\nlet a: i32 = 1;\n```\n\n```rust\n{code}\n```\n")
}

/// A book with one chapter, `one.md`.
fn book(code: &str) -> Book {
    Book::new(&[("one.md", &chapter("One", code))])
}

/// Stores a good notebook for a chapter, as a run of an earlier text would have.
fn store(book: &Book, path: &str) -> Vec<u8> {
    let project = Project {
        root: book.root().to_path_buf(),
    };
    let text = chapter("Before", "println!(\"{a}\");");
    let chapter = Chapter::parse(path, text).expect("a good chapter");
    let printed = Output::Stream {
        name: "stdout".into(),
        text: MultilineString("1\n".into()),
    };
    let answers = [
        None,
        Some(Answer {
            execution_count: Some(2),
            outputs: vec![],
        }),
        Some(Answer {
            execution_count: Some(3),
            outputs: vec![printed],
        }),
    ];
    let good = notebook::compose(&chapter, None, &answers, &Results::new(), None);
    notebook::save(&project, Path::new(path), &good).expect("the notebook is written");
    std::fs::read(project.notebook_path(Path::new(path))).expect("the notebook is there")
}

/// `course run` on the book's own kernel, which takes what it needs from this repository.
fn run_on_kernel(book: &Book, args: &[&str]) -> Ran {
    let began = Instant::now();
    let ran = support::run(&mut on_kernel(book, args));
    support::timing(&format!("course run {}", args.join(" ")), began);
    ran
}

fn on_kernel(book: &Book, args: &[&str]) -> Command {
    let kernel = support::kernel();
    let mut command = book.tool(&["run", "--kernel", &kernel.to_string_lossy()]);
    command.args(args).env("COURSE_ROOT", support::root());
    command
}

#[test]
fn an_unclosed_fence() {
    let book = Book::new(&[(
        "one.md",
        "# One\n\n```rust\nlet a: i32 = 1;\n\nand so on to the end\n",
    )]);
    let good = store(&book, "one.md");
    for args in [
        &["run", "--kernel", "/bin/false"][..],
        &["check"],
        &["sync"],
        &["status"],
        &["build"],
        &["test"],
    ] {
        book.run(args)
            .fails_with(&["chapters/one.md:3: this fence is never closed"]);
    }
    assert_eq!(book.bytes("notebooks/one.ipynb"), good);
}

/// The cells that fail on the kernel, and what is said of each. All run in one go: a chapter stops at
/// its first failed cell, the others go on.
#[test]
fn cells_that_fail() {
    let cells = [
        (
            "compile",
            "let b: i32 = a;\nlet c: i32 = \"text\";",
            // the compiler's message on the chapter's own lines
            &[
                "chapters/compile.md:11: cell 2 does not compile",
                "chapters/compile.md:11 ]",
                " 11 │ let c",
                "E0308",
            ][..],
        ),
        (
            "panic",
            "panic!(\"no such row: {a}\");",
            &["chapters/panic.md:10: cell 2 panicked", "no such row: 1"],
        ),
        (
            "err",
            "let n: i32 = \"x1\".parse()?;",
            &[
                "chapters/err.md:10: cell 2 returned an error",
                "invalid digit found in string",
            ],
        ),
        (
            "flood",
            "for i in 0..50_000 { println!(\"{i:0999}\"); }",
            &[
                "chapters/flood.md:10: cell 2: the cell printed more than 2 MB: the kernel was ended",
            ],
        ),
        (
            "line",
            "println!(\"{}\", \"x\".repeat(50_000_000));",
            &["chapters/line.md:10: cell 2: the cell printed more than 2 MB: the kernel was ended"],
        ),
        (
            "utf8",
            "use std::io::Write;\nstd::io::stdout().write_all(b\"a \\xff\\xfe b\\n\")?;",
            &["chapters/utf8.md:10: cell 2 printed bytes that are not UTF-8 text"],
        ),
        (
            "stderr",
            "use std::io::Write;\nstd::io::stderr().write_all(b\"a \\xff\\xfe b\\n\")?;\n```\n\n```rust\npanic!(\"not seen\");",
            &["chapters/stderr.md:10: a cell wrote bytes that are not UTF-8 text on stderr"],
        ),
        (
            "exit",
            "std::process::exit(3);",
            &[
                "chapters/exit.md:10: cell 2 ended the process that runs cells",
                "exit status: 3",
            ],
        ),
        (
            "exit0",
            "std::process::exit(0);",
            &[
                "chapters/exit0.md:10: cell 2 ended the process that runs cells",
                "exit status: 0",
            ],
        ),
        (
            "abort",
            "std::process::abort();",
            &[
                "chapters/abort.md:10: cell 2 ended the process that runs cells",
                "SIGABRT",
            ],
        ),
    ];
    let texts: Vec<(String, String)> = cells
        .iter()
        .map(|(name, code, _)| (format!("{name}.md"), chapter(name, code)))
        .chain([("good.md".to_string(), chapter("good", "println!(\"{a}\");"))])
        .collect();
    let listed: Vec<(&str, &str)> = texts
        .iter()
        .map(|(p, t)| (p.as_str(), t.as_str()))
        .collect();
    let book = Book::new(&listed);
    for (path, _) in &listed {
        store(&book, path);
    }
    let before = book.files();
    let ran = run_on_kernel(&book, &[]);
    for (_, _, wanted) in &cells {
        ran.fails_with(wanted);
    }
    let faults = ran
        .stderr
        .lines()
        .filter(|l| l.starts_with("chapters/"))
        .count();
    assert_eq!(faults, cells.len(), "one fault a chapter:\n{}", ran.stderr);
    let after = book.files();
    for (path, bytes) in &before {
        let good = Path::new("notebooks/good.ipynb");
        assert_eq!(bytes == &after[path], path != good, "{}", path.display());
    }
    assert_eq!(before.len(), after.len(), "no file is added");
    assert!(book.text("notebooks/good.ipynb").contains("\"1\\n\""));
}

#[test]
fn a_cell_that_loops_for_ever() {
    let book = book("loop {}");
    let good = store(&book, "one.md");
    let ran = run_on_kernel(&book, &["--timeout", "5"]);
    ran.fails_with(&["chapters/one.md:10: cell 2: no answer within 5 s: the kernel was ended"]);
    assert_eq!(book.bytes("notebooks/one.ipynb"), good);
}

#[test]
fn an_interrupt_and_a_kill_while_a_cell_runs() {
    for (signal, code) in [
        (libc::SIGINT, Some(130)),
        (libc::SIGTERM, Some(130)),
        (libc::SIGKILL, None),
    ] {
        let book = book("std::fs::write(\"started\", \"\")?;\nloop {}");
        let good = store(&book, "one.md");
        let mut started = Started::new(&mut on_kernel(&book, &[]));
        let deadline = Instant::now() + Duration::from_secs(120);
        while !book.path("notebooks/started").exists() {
            assert!(
                started.runs() && Instant::now() < deadline,
                "the cell never started"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        started.signal(signal);
        let ran = started.wait(Duration::from_secs(20));
        assert_eq!(ran.code, code, "signal {signal}:\n{}", ran.text());
        ran.leaves_nothing();
        assert_eq!(book.bytes("notebooks/one.ipynb"), good);
    }
}

#[test]
fn notebooks_that_are_none() {
    let book = book("println!(\"{a}\");");
    let good = String::from_utf8(store(&book, "one.md")).expect("UTF-8");
    let half = &good[..good.len() / 2];
    let last = half.lines().count();
    let cases = [
        (
            "not JSON",
            "this is prose\n".to_string(),
            "notebooks/one.ipynb:1: not a notebook".to_string(),
        ),
        (
            "half written",
            half.to_string(),
            format!("notebooks/one.ipynb:{last}: not a notebook"),
        ),
        ("empty", String::new(), "notebooks/one.ipynb".to_string()),
        (
            "nbformat 3",
            "{\"nbformat\": 3, \"nbformat_minor\": 0, \"metadata\": {}, \"worksheets\": []}\n"
                .to_string(),
            "notebooks/one.ipynb: an nbformat 3 notebook".to_string(),
        ),
    ];
    for (what, text, wanted) in cases {
        book.write("notebooks/one.ipynb", &text);
        for args in [
            &["run", "--kernel", "/bin/false"][..],
            &["run", "one", "--kernel", "/bin/false"],
            &["sync"],
            &["check"],
            &["build"],
        ] {
            let ran = book.run(args);
            println!("{what}, {args:?}: {}", ran.text().trim());
            ran.fails_with(&[&wanted]);
        }
        assert_eq!(
            book.text("notebooks/one.ipynb"),
            text,
            "{what}: it is left for its owner"
        );
    }
}

#[test]
fn a_notebook_without_ids_gets_them() {
    let book = book("println!(\"{a}\");");
    store(&book, "one.md");
    let mut json: serde_json::Value =
        serde_json::from_slice(&book.bytes("notebooks/one.ipynb")).expect("JSON");
    let cells = json["cells"].as_array_mut().expect("cells");
    for cell in cells {
        cell.as_object_mut().expect("an object").shift_remove("id");
    }
    book.write("notebooks/one.ipynb", json.to_string());
    run_on_kernel(&book, &[]).succeeds();
    let json: serde_json::Value =
        serde_json::from_slice(&book.bytes("notebooks/one.ipynb")).expect("JSON");
    let ids: std::collections::HashSet<&str> = json["cells"]
        .as_array()
        .expect("cells")
        .iter()
        .map(|c| c["id"].as_str().expect("each cell has an id"))
        .collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn a_data_file_that_is_missing_or_altered() {
    let datasets = support::root().join("lib/datasets");
    let setup = format!(
        "```rust,setup\n:dep datasets = {{ path = {:?} }}\n```\n\n",
        datasets.display().to_string()
    );
    let cell = |name: &str| {
        format!("# {name}\n\n{setup}```rust\nlet auto: datasets::Auto = datasets::auto()?;\n```\n")
    };
    let book = Book::new(&[("one.md", &cell("One"))]);
    let good = store(&book, "one.md");
    let file = datasets::find("auto")
        .expect("auto is in the catalogue")
        .file;
    let mut altered =
        std::fs::read(datasets.join("data").join(file)).expect("the data is committed");
    let middle = altered.len() / 2;
    altered[middle] ^= 1;

    book.write("data/unrelated", "");
    let folder = book.path("data");
    let run = || {
        let began = Instant::now();
        let ran = support::run(on_kernel(&book, &[]).env("COURSE_DATA", &folder));
        support::timing("course run", began);
        ran
    };
    run().fails_with(&[
        "chapters/one.md:8: cell 2 returned an error",
        file,
        "is not there",
    ]);
    book.write(&format!("data/{file}"), &altered);
    run().fails_with(&[
        "chapters/one.md:8: cell 2 returned an error",
        file,
        "sha256",
    ]);
    assert_eq!(book.bytes("notebooks/one.ipynb"), good);
}

#[test]
fn data_that_the_catalogue_lacks() {
    let book = Book::new(&[(
        "one.md",
        &format!("---\ndata: [atlantis]\n---\n{}", chapter("One", "")),
    )]);
    let mut run = book.tool(&["run"]);
    support::run(run.args(NO_KERNEL)).fails_with(&["chapters/one.md:2: no data set `atlantis`"]);
}

#[test]
fn no_toolchain_on_path() {
    let book = book("println!(\"{a}\");");
    let good = store(&book, "one.md");
    let empty = tempfile::tempdir().expect("a temporary folder");
    let ran = support::run(on_kernel(&book, &[]).env("PATH", empty.path()));
    ran.fails_with(&[
        "chapters/one.md:6: the kernel ended",
        "`cargo` is not on PATH: install Rust",
    ]);
    assert_eq!(book.bytes("notebooks/one.ipynb"), good);
}

#[test]
fn a_kernel_that_is_none() {
    let book = book("println!(\"{a}\");");
    let good = store(&book, "one.md");
    book.write(
        "kernel",
        "#!/bin/sh\necho 'cannot open the library' >&2\nexit 3\n",
    );
    let run = |kernel: &str| {
        let ran = book.run(&["run", "--kernel", kernel]);
        println!("{kernel}: {}", ran.stderr.trim());
        ran
    };
    run("./kernel").fails_with(&[
        "chapters/one.md:6: the kernel",
        "cannot be started: Permission denied",
    ]);
    std::fs::set_permissions(book.path("kernel"), std::fs::Permissions::from_mode(0o755))
        .expect("chmod");
    run("./kernel").fails_with(&[
        "chapters/one.md:6: the kernel ended (exit status: 3)",
        "cannot open the library",
    ]);
    run("/bin/false").fails_with(&["chapters/one.md:6: the kernel ended (exit status: 1)"]);
    run("./no-such-kernel").fails_with(&["the kernel `./no-such-kernel` cannot be found"]);
    run("no-such-name").fails_with(&["no kernelspec `no-such-name`"]);
    assert_eq!(book.bytes("notebooks/one.ipynb"), good);
}

#[test]
fn a_kernel_that_is_killed() {
    // the cell ends the kernel, which is the parent of the process that runs cells
    let book = book(
        "let kernel: String = std::os::unix::process::parent_id().to_string();\n\
         std::process::Command::new(\"sh\").args([\"-c\", &format!(\"kill -9 {kernel}\")]).status()?;\n\
         std::thread::sleep(std::time::Duration::from_secs(60));",
    );
    let good = store(&book, "one.md");
    run_on_kernel(&book, &[])
        .fails_with(&["chapters/one.md:10: cell 2: the kernel ended (signal: 9"]);
    assert_eq!(book.bytes("notebooks/one.ipynb"), good);
}

#[test]
fn a_full_disk() {
    // a file system of 256 KiB in a mount namespace of its own: it goes with the process
    let namespace = ["unshare", "--user", "--map-root-user", "--mount"];
    let mount = Command::new(namespace[0])
        .args(&namespace[1..])
        .args(["sh", "-c", "mount -t tmpfs -o size=64k none /mnt"])
        .output();
    if !mount.is_ok_and(|o| o.status.success()) {
        support::skip(
            "a full disk",
            "`unshare --user --mount` and a tmpfs are needed (Linux, util-linux, user namespaces)",
        );
        return;
    }
    let book = book("println!(\"{a}\");");
    let good = store(&book, "one.md");
    let kernel = support::kernel();
    let disk = tempfile::tempdir().expect("a temporary folder");
    let keep = tempfile::tempdir().expect("a temporary folder");
    let script = "set -e
        mount -t tmpfs -o size=256k none \"$DISK\"
        cp -R \"$BOOK\"/. \"$DISK\"; mkdir -p \"$DISK/target\"; : > \"$DISK/target/course-run.lock\"
        dd if=/dev/zero of=\"$DISK/filler\" bs=4096 2>/dev/null || true
        cd \"$DISK\"; code=0
        \"$COURSE\" run --kernel \"$KERNEL\" || code=$?
        cp notebooks/one.ipynb \"$KEEP\"; ls -A notebooks > \"$KEEP/listing\"; exit $code";
    let mut command = Command::new(namespace[0]);
    command
        .args(&namespace[1..])
        .args(["sh", "-c", script])
        .env("DISK", disk.path())
        .env("BOOK", book.root())
        .env("KEEP", keep.path())
        .env("COURSE", env!("CARGO_BIN_EXE_course"))
        .env("KERNEL", &kernel)
        .env("COURSE_ROOT", support::root());
    let ran = support::run(&mut command);
    println!("{}", ran.text().trim());
    ran.fails_with(&["notebooks/one.ipynb: cannot be written, the file before it is kept: No space left on device"]);
    assert_eq!(
        std::fs::read(keep.path().join("one.ipynb")).expect("it is kept"),
        good
    );
    let listing = std::fs::read_to_string(keep.path().join("listing")).expect("the listing");
    assert_eq!(listing, "one.ipynb\n", "no half file is left");
}

#[test]
fn two_runs_at_once() {
    let book = book(
        "std::fs::write(\"started\", \"\")?;\nwhile !std::path::Path::new(\"go\").exists() {}\nprintln!(\"{a}\");",
    );
    let good = store(&book, "one.md");
    let mut first = Started::new(&mut on_kernel(&book, &[]));
    let deadline = Instant::now() + Duration::from_secs(120);
    while !book.path("notebooks/started").exists() {
        assert!(
            first.runs() && Instant::now() < deadline,
            "the first run never started"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let second = run_on_kernel(&book, &[]);
    second.fails_with(&["another `course run` is at work on this book"]);
    assert_eq!(book.bytes("notebooks/one.ipynb"), good);
    book.write("notebooks/go", "");
    first.wait(Duration::from_secs(60)).succeeds();
    assert!(book.text("notebooks/one.ipynb").contains("\"1\\n\""));
    run_on_kernel(&book, &[]).succeeds();
}

#[test]
fn names_that_lead_elsewhere() {
    let book = book("println!(\"{a}\");");
    store(&book, "one.md");
    book.write("secret.md", chapter("Secret", ""));
    let before = book.files();
    for name in [
        "../secret",
        "chapters/../secret",
        "/etc/passwd",
        "one/../../secret",
        "",
    ] {
        let mut command = book.tool(&["run", name]);
        support::run(command.args(NO_KERNEL)).fails_with(&["leads out of chapters/"]);
        book.run(&["sync", name])
            .fails_with(&["leads out of chapters/"]);
        book.run(&["check", name])
            .fails_with(&["leads out of chapters/"]);
        let new = book.run(&["new", name]);
        assert_ne!(new.code, Some(0), "new {name:?}:\n{}", new.text());
    }
    for name in ["two words", "elsewhere"] {
        let mut command = book.tool(&["run", name]);
        support::run(command.args(NO_KERNEL))
            .fails_with(&["no such chapter in chapters/SUMMARY.md", "known: one"]);
    }
    let new = book.run(&["new", "part/two words"]);
    assert_ne!(
        new.code,
        Some(0),
        "a name with a space makes no good address:\n{}",
        new.text()
    );
    assert_eq!(book.files(), before);

    book.write(
        "chapters/SUMMARY.md",
        "# Summary\n\n- [One](one.md)\n- [Secret](../secret.md)\n",
    );
    for args in [
        &["run", "--kernel", "/bin/false"][..],
        &["check"],
        &["build"],
        &["sync"],
        &["status"],
    ] {
        book.run(args)
            .fails_with(&["chapters/SUMMARY.md:4: `../secret.md` leads out of chapters/"]);
    }
}

#[test]
fn a_chapter_with_spaces_in_its_name_runs() {
    let text = chapter("Two words", "println!(\"{a}\");");
    let book = Book::new(&[("a part/two words.md", &text)]);
    run_on_kernel(&book, &["a part/two words"]).succeeds();
    assert!(
        book.text("notebooks/a part/two words.ipynb")
            .contains("\"1\\n\"")
    );
    book.write(
        "chapters/a part/two words.md",
        text.replace("println!(\"{a}\");", "let b: u8 = 300;"),
    );
    run_on_kernel(&book, &["chapters/a part/two words.md"])
        .fails_with(&["chapters/a part/two words.md:10: cell 2 does not compile"]);
}
