//! The kernel itself: what a reader meets, two at once, and what is left of one that ends.

#![cfg(unix)]

#[path = "common/client.rs"]
mod client;
mod common;

use client::Kernel;
use common::{alone, binary, book, wait_until, write};
use std::path::{Path, PathBuf};

/// Starts a kernel for this book.
fn start(binary: &Path) -> Kernel {
    start_with(binary, &[])
}

fn start_with(binary: &Path, env: &[(&str, &str)]) -> Kernel {
    let root = book().root;
    Kernel::start(binary, &root, &root.join("lib"), env)
}

fn sessions() -> Vec<PathBuf> {
    let folder = kernel::cache_folder().unwrap().join("sessions");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}

/// Whether a process with this id is there, and no mere remainder of one.
fn alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").starts_with(" Z"))
}

#[test]
fn a_session_from_its_start_to_its_end() {
    alone("a_session_from_its_start_to_its_end", &[], |_| {
        let Some(binary) = binary() else { return };
        let mut kernel = start_with(&binary, &[("RUST_BACKTRACE", "0")]);
        assert_eq!(sessions().len(), 1);

        // Variables live on, with a type that is written and with one that is found.
        kernel.show("let xs: Vec<f64> = vec![1.0, 2.5];");
        assert!(kernel.show("println!(\"{}\", xs.len());").contains('2'));
        let toolchain_has_sources = std::process::Command::new("rustc")
            .args(["--print", "sysroot"])
            .output()
            .map(|out| PathBuf::from(String::from_utf8_lossy(&out.stdout).trim()))
            .is_ok_and(|root| root.join("lib/rustlib/src/rust/library/core").is_dir());
        if toolchain_has_sources {
            kernel.show("let doubled = xs.iter().map(|x| x * 2.0).collect::<Vec<_>>();");
            assert!(
                kernel
                    .show("println!(\"{doubled:?}\");")
                    .contains("[2.0, 5.0]")
            );
            kernel.show("let counts = std::collections::HashMap::from([(\"a\", 1)]);");
            assert!(
                kernel
                    .show("println!(\"{}\", counts[\"a\"]);")
                    .contains('1')
            );
        }

        // A panic keeps what there was, and does not show the kernel's insides.
        let answer = kernel.run("panic!(\"on purpose\");");
        assert!(answer.text.contains("on purpose"), "{}", answer.text);
        assert!(!answer.text.contains("stack backtrace"), "{}", answer.text);
        assert!(kernel.show("println!(\"{}\", xs[1]);").contains("2.5"));

        // A cell that does not compile is an error, and the next one runs.
        let answer = kernel.run("let n: u8 = \"no\";");
        assert!(
            !answer.ok && answer.text.contains("mismatched types"),
            "{}",
            answer.text
        );
        kernel.show("println!(\"on\");");

        // Cells see the reader's environment, not the session's.
        let shown = kernel.show(
            "for name in [\"CARGO_HOME\", \"RUST_SRC_PATH\", \"EVCXR_TMPDIR\", \"COURSE_SESSION\", \"LD_LIBRARY_PATH\"] {\n    println!(\"{name}={:?}\", std::env::var_os(name));\n}",
        );
        for name in ["CARGO_HOME", "RUST_SRC_PATH", "LD_LIBRARY_PATH"] {
            let line = format!("{name}={:?}", std::env::var_os(name));
            assert!(shown.contains(&line), "{line}\n{shown}");
        }
        assert!(shown.contains("COURSE_SESSION=None"), "{shown}");

        let pid = kernel.show("println!(\"pid {}\", std::process::id());");
        let pid = pid.trim().strip_prefix("pid ").unwrap().to_owned();
        assert!(kernel.shut_down().success());
        assert_eq!(sessions(), Vec::<PathBuf>::new());
        wait_until("the cells' process has ended", || !alive(&pid));
    });
}

#[test]
fn two_at_once_do_not_disturb_each_other() {
    alone("two_at_once_do_not_disturb_each_other", &[], |_| {
        let Some(binary) = binary() else { return };
        let mut one = start(&binary);
        let mut two = start(&binary);
        assert_eq!(sessions().len(), 2);
        one.show("let who: String = \"one\".to_owned(); fn f() -> u8 { 1 }");
        two.show("let who: String = \"two\".to_owned(); fn f() -> u8 { 2 }");
        assert!(one.show("println!(\"{who} {}\", f());").contains("one 1"));
        assert!(two.show("println!(\"{who} {}\", f());").contains("two 2"));
        assert!(one.shut_down().success());
        assert!(two.show("println!(\"{who} still\");").contains("two still"));
        assert!(two.shut_down().success());
        assert_eq!(sessions(), Vec::<PathBuf>::new());
    });
}

#[test]
fn nothing_is_left_of_one_that_is_told_to_end() {
    alone("nothing_is_left_of_one_that_is_told_to_end", &[], |_| {
        let Some(binary) = binary() else { return };
        for (signal, group) in [(libc::SIGTERM, false), (libc::SIGINT, true)] {
            let mut kernel = start(&binary);
            let pid = kernel.show("println!(\"pid {}\", std::process::id());");
            let pid = pid.trim().strip_prefix("pid ").unwrap().to_owned();
            kernel.signal(signal, group);
            assert_eq!(sessions(), Vec::<PathBuf>::new(), "signal {signal}");
            wait_until("the cells' process has ended", || !alive(&pid));
        }
    });
}

#[test]
fn what_is_left_of_one_that_is_killed_goes_with_the_next() {
    alone(
        "what_is_left_of_one_that_is_killed_goes_with_the_next",
        &[],
        |_| {
            let Some(binary) = binary() else { return };
            let mut kernel = start(&binary);
            let pid = kernel.show("println!(\"pid {}\", std::process::id());");
            let pid = pid.trim().strip_prefix("pid ").unwrap().to_owned();
            // In the middle of a cell that never ends.
            kernel.show("std::thread::spawn(|| loop { std::hint::spin_loop() });");
            kernel.signal(libc::SIGKILL, false);
            wait_until("the cells' process has ended", || !alive(&pid));
            let left = sessions();
            assert_eq!(left.len(), 1);
            let next = start(&binary);
            assert!(!left[0].exists());
            next.shut_down();
            assert_eq!(sessions(), Vec::<PathBuf>::new());
        },
    );
}

#[test]
fn one_whose_jupyter_is_gone_ends() {
    alone("one_whose_jupyter_is_gone_ends", &[], |folder| {
        let Some(binary) = binary() else { return };
        // A shell stands for Jupyter: it starts the kernel and is killed.
        let file = folder.join("connection.json");
        let ports: Vec<u16> = (0..5)
            .map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap())
            .map(|listener| listener.local_addr().unwrap().port())
            .collect();
        write(
            &file,
            &format!(
                "{{\"ip\":\"127.0.0.1\",\"transport\":\"tcp\",\"key\":\"k\",\"signature_scheme\":\"hmac-sha256\",\"shell_port\":{},\"iopub_port\":{},\"stdin_port\":{},\"control_port\":{},\"hb_port\":{}}}",
                ports[0], ports[1], ports[2], ports[3], ports[4]
            ),
        );
        let mut shell = std::process::Command::new("sh")
            .args(["-c", "JPY_PARENT_PID=$$ COURSE_ROOT=\"$3\" setsid \"$1\" --control_file \"$2\" & echo $! > \"$4\"; wait", "sh"])
            .arg(&binary)
            .arg(&file)
            .arg(book().root)
            .arg(folder.join("pid"))
            .spawn()
            .unwrap();
        wait_until("the kernel listens", || {
            std::net::TcpStream::connect(("127.0.0.1", ports[0])).is_ok()
        });
        let pid = std::fs::read_to_string(folder.join("pid")).unwrap();
        assert_eq!(sessions().len(), 1);
        shell.kill().unwrap();
        shell.wait().unwrap();
        wait_until("the kernel has ended", || !alive(pid.trim()));
        assert_eq!(sessions(), Vec::<PathBuf>::new());
    });
}

/// A dependency that one session has compiled is there for the next.
#[test]
fn what_a_session_compiles_serves_the_next() {
    alone("what_a_session_compiles_serves_the_next", &[], |folder| {
        let Some(binary) = binary() else { return };
        let root = folder.join("book");
        write(&root.join("book.toml"), "");
        write(
            &root.join("Cargo.toml"),
            "[workspace]\nmembers = [\"lib/x\"]\nresolver = \"3\"\n",
        );
        write(
            &root.join("Cargo.lock"),
            "version = 4\n\n[[package]]\nname = \"x\"\nversion = \"1.0.0\"\n",
        );
        let manifest = "[package]\nname = \"x\"\nversion = \"1.0.0\"\nedition = \"2024\"\n";
        write(&root.join("lib/x/Cargo.toml"), manifest);
        write(&root.join("lib/x/src/lib.rs"), "pub fn one() -> u8 { 1 }\n");
        write(
            &root.join("chapters/p/c.md"),
            "```rust,setup\n:dep x = { path = \"../../lib/x\" }\n```\n",
        );
        let notebooks = root.join("notebooks/p");
        std::fs::create_dir_all(&notebooks).unwrap();
        let cell = ":dep x = { path = \"../../lib/x\" }\nprintln!(\"x says {}\", x::one());";
        let compiled = || {
            let deps = sessions()[0].join("cell/target");
            let found = std::process::Command::new("find")
                .arg(deps)
                .args(["-name", "libx-*.rlib"])
                .output()
                .unwrap();
            !found.stdout.is_empty()
        };

        let mut first = Kernel::start(&binary, &root, &notebooks, &[]);
        assert!(!compiled());
        assert!(first.show(cell).contains("x says 1"));
        assert!(first.shut_down().success());

        let mut second = Kernel::start(&binary, &root, &notebooks, &[]);
        assert!(compiled());
        assert!(second.show(cell).contains("x says 1"));
        second.shut_down();

        // A crate that has changed is compiled anew.
        write(
            &root.join("lib/x/src/lib.rs"),
            "pub fn one() -> u8 { 11 }\n",
        );
        let mut third = Kernel::start(&binary, &root, &notebooks, &[]);
        assert!(third.show(cell).contains("x says 11"));
        third.shut_down();
    });
}
