//! Build folders: made for a session, gone with it, collected when it was killed, and cleaned up.

mod common;

use common::{alone, book, write};
use kernel::{FolderKind, KernelError, cache_folder, clean, folders, session};
use std::path::Path;

fn session_folders() -> usize {
    folders()
        .iter()
        .filter(|folder| folder.kind == FolderKind::Session)
        .count()
}

#[test]
fn a_folder_lives_as_long_as_its_session() {
    alone("a_folder_lives_as_long_as_its_session", &[], |_| {
        let one = session::prepare(&book(), Path::new("/no/kernel/needed")).unwrap();
        let two = session::prepare(&book(), Path::new("/no/kernel/needed")).unwrap();
        assert_ne!(one.dir, two.dir);
        assert!(!one.dir.starts_with(book().root));
        assert_eq!(session_folders(), 2);
        assert!(
            folders()
                .iter()
                .filter(|f| f.kind == FolderKind::Session)
                .all(|f| f.in_use)
        );

        // A clean-up takes nothing that is in use.
        clean(0).unwrap();
        assert!(one.dir.join("Cargo.lock").is_file());

        let dir = one.dir.clone();
        drop(one);
        assert!(!dir.exists());
        assert!(two.dir.is_dir());
        drop(two);
        let left = std::fs::read_dir(cache_folder().unwrap().join("sessions")).unwrap();
        assert_eq!(left.count(), 0, "a folder or lock file is left");
    });
}

#[test]
fn what_a_killed_session_left_goes_at_the_next_start() {
    alone(
        "what_a_killed_session_left_goes_at_the_next_start",
        &[],
        |_| {
            let left = cache_folder().unwrap().join("sessions/12345-abc");
            write(&left.join("cell/src/lib.rs"), "");
            assert_eq!(session_folders(), 1);
            let session = session::prepare(&book(), Path::new("/no/kernel/needed")).unwrap();
            assert!(!left.exists());
            assert!(session.dir.is_dir());
            assert_eq!(session_folders(), 1);
        },
    );
}

#[test]
fn cleaning_up_begins_with_what_was_used_least_recently() {
    alone(
        "cleaning_up_begins_with_what_was_used_least_recently",
        &[],
        |_| {
            let warm = cache_folder().unwrap().join("warm");
            let old = std::time::SystemTime::now() - std::time::Duration::from_secs(1000);
            for (name, age) in [("a", 0_u32), ("b", 2), ("c", 1)] {
                write(&warm.join(name).join("cell/target/x"), &"x".repeat(1000));
                write(&warm.join(name).join("used"), "");
                let file = std::fs::File::options()
                    .write(true)
                    .open(warm.join(name).join("used"))
                    .unwrap();
                file.set_modified(old - std::time::Duration::from_secs(10) * age)
                    .unwrap();
            }
            assert_eq!(
                folders().iter().map(|folder| folder.bytes).sum::<u64>(),
                3000
            );
            let removed = clean(2000).unwrap();
            assert_eq!(removed.len(), 1);
            assert_eq!(removed[0].path, warm.join("b"));
            let removed = clean(999).unwrap();
            assert_eq!(removed.len(), 2);
            assert!(folders().is_empty());
        },
    );
}

#[test]
fn without_a_toolchain_the_error_says_what_to_install() {
    let empty = tempfile::tempdir().unwrap();
    alone(
        "without_a_toolchain_the_error_says_what_to_install",
        &[("PATH", empty.path())],
        |folder| {
            // A book whose kernel is not built, wherever this one's is.
            let root = folder.join("book");
            write(&root.join("book.toml"), "");
            write(&root.join("Cargo.lock"), "");
            write(&root.join("Cargo.toml"), "");
            write(&root.join("lib/kernel/Cargo.toml"), "");
            write(&root.join("lib/kernel/src/lib.rs"), "");
            let ws = kernel::Workspace::find(&root).unwrap();

            let error = kernel::build(&ws, &mut |_| {}).unwrap_err();
            assert!(
                matches!(error, KernelError::NoTool { tool: "cargo" }),
                "{error:?}"
            );
            let text = error.to_string();
            assert!(
                text.contains("PATH") && text.contains("rustup.rs"),
                "{text}"
            );
            let error = kernel::warm(&ws, &[], &mut |_| {}).unwrap_err();
            assert!(matches!(error, KernelError::NoTool { .. }), "{error:?}");
            let error = session::prepare(&ws, Path::new("/no/kernel/needed")).unwrap_err();
            assert!(matches!(error, KernelError::NoTool { .. }), "{error:?}");
        },
    );
}

#[test]
fn a_kernel_that_does_not_compile_tells_why() {
    alone("a_kernel_that_does_not_compile_tells_why", &[], |folder| {
        let root = folder.join("book");
        write(&root.join("book.toml"), "");
        write(
            &root.join("Cargo.lock"),
            "version = 4\n\n[[package]]\nname = \"kernel\"\nversion = \"0.1.0\"\n",
        );
        write(
            &root.join("Cargo.toml"),
            "[workspace]\nmembers = [\"lib/kernel\"]\nresolver = \"3\"\n[profile.kernel]\ninherits = \"release\"\n",
        );
        write(
            &root.join("lib/kernel/Cargo.toml"),
            "[package]\nname = \"kernel\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[features]\nevcxr = []\n[[bin]]\nname = \"course-kernel\"\npath = \"src/main.rs\"\n",
        );
        write(
            &root.join("lib/kernel/src/main.rs"),
            "fn main() { let x: u8 = \"no\"; }\n",
        );
        let ws = kernel::Workspace::find(&root).unwrap();
        let mut said = 0;
        let error = kernel::build(&ws, &mut |_| said += 1)
            .unwrap_err()
            .to_string();
        assert!(error.contains("building the kernel failed"), "{error}");
        assert!(error.contains("mismatched types"), "{error}");
        assert!(said > 0);
    });
}
