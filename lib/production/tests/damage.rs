//! What is logged is there, whatever happens to the process or to the file.

mod support;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use production::tracking::{Status, Tracker, TrackingError};
use support::{child, sample, tracker};

#[test]
fn a_killed_process_loses_at_most_the_torn_line() {
    if let Some(folder) = std::env::var_os("TRACKING_TEST_KILL") {
        let tracker = tracker(Path::new(&folder));
        let run = tracker.start_run("to be killed").unwrap();
        for step in 0.. {
            run.log_metric("loss", 1.0 / (1.0 + step as f64), step)
                .unwrap();
            // said after the call has returned: this one must be there
            println!("{step}");
        }
    }
    for turn in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let mut child = child(
            "a_killed_process_loses_at_most_the_torn_line",
            "TRACKING_TEST_KILL",
            folder.path(),
        )
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
        let out = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || std::io::read_to_string(out).unwrap_or_default());
        let began = Instant::now();
        while Tracker::local(folder.path())
            .unwrap()
            .runs()
            .unwrap()
            .iter()
            .all(|run| run.metrics.len() < 100)
        {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "the child does not log"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(7 * turn));
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        let said = reader
            .join()
            .unwrap()
            .lines()
            .filter_map(|l| l.parse::<usize>().ok())
            .next_back()
            .unwrap();
        let tracker = Tracker::local(folder.path()).unwrap();
        let run = tracker.runs().unwrap().remove(0);
        assert_eq!(run.status, Status::Killed);
        let steps: Vec<i64> = run.metrics.iter().map(|m| m.step).collect();
        assert!(
            steps.iter().copied().eq(0..steps.len() as i64),
            "no gap, none twice"
        );
        assert!(
            steps.len() > said,
            "{said} was logged, {} are there",
            steps.len()
        );
        assert!(steps.len() <= said + 2, "none is there that was not logged");

        // and it goes on from there
        let again = tracker.resume_run(&run.uuid).unwrap();
        again.log_metric("loss", 0.0, steps.len() as i64).unwrap();
        let ended = again.finish().unwrap().run;
        assert_eq!(
            (ended.status, ended.metrics.len()),
            (Status::Finished, steps.len() + 1)
        );
        assert_eq!(ended.torn, None);
    }
}

#[test]
fn a_file_cut_at_any_byte_gives_the_lines_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(folder.path());
    let (uuid, file) = sample(&tracker);
    let whole = fs::read(&file).unwrap();
    let ends: Vec<usize> = (0..whole.len())
        .filter(|&i| whole[i] == b'\n')
        .map(|i| i + 1)
        .collect();
    assert_eq!(ends.len(), 8);
    for cut in ends[0]..=whole.len() {
        fs::write(&file, &whole[..cut]).unwrap();
        let run = tracker.run(&uuid).unwrap();
        let lines = ends.iter().filter(|&&end| end <= cut).count();
        assert_eq!(run.params.len(), usize::from(lines >= 2), "cut at {cut}");
        assert_eq!(
            run.metrics.len(),
            lines.saturating_sub(2).min(2),
            "cut at {cut}"
        );
        let status = if lines == 8 {
            Status::Finished
        } else {
            Status::Killed
        };
        assert_eq!(run.status, status, "cut at {cut}");
        match run.torn {
            None => assert_eq!(cut, ends[lines - 1]),
            Some(torn) => {
                assert_eq!((torn.line, torn.bytes), (lines + 1, cut - ends[lines - 1]));
                assert!(
                    torn.to_string()
                        .contains(&format!("run.jsonl:{}: torn", lines + 1)),
                    "{torn}"
                );
            }
        }
    }
    // what is logged afterwards does not join the torn line
    fs::write(&file, &whole[..ends[3] + 9]).unwrap();
    let run = tracker.resume_run(&uuid).unwrap();
    run.log_metric("loss", 7.0, 9).unwrap();
    let _ = run.finish().unwrap();
    let run = tracker.run(&uuid).unwrap();
    assert_eq!(
        (run.metrics.len(), run.metric("loss"), run.torn),
        (3, Some(7.0), None)
    );
}

#[test]
fn a_flipped_bit_is_found_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(folder.path());
    let (uuid, file) = sample(&tracker);
    let whole = fs::read(&file).unwrap();
    for at in 0..whole.len() - 1 {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << bit;
            fs::write(&file, &damaged).unwrap();
            let line = 1 + whole[..at].iter().filter(|&&b| b == b'\n').count();
            match tracker.run(&uuid) {
                Err(TrackingError::Corrupt { line: found, .. }) => {
                    assert_eq!(found, line, "byte {at}, bit {bit}")
                }
                Err(TrackingError::Newer { .. }) if line == 1 => {}
                other => panic!("byte {at}, bit {bit}: {other:?}"),
            }
        }
    }
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    fs::write(&file, damaged).unwrap();
    let message = tracker.runs().unwrap_err().to_string();
    assert!(
        message.contains("run.jsonl:") && message.contains("checksum"),
        "{message}"
    );
}

#[test]
fn a_store_of_a_later_version_is_named_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(folder.path());
    let (uuid, file) = sample(&tracker);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("\"format\":1", "\"format\":2", 1)).unwrap();
    let message = tracker.run(&uuid).unwrap_err().to_string();
    assert!(
        message.ends_with("format 2, this program reads up to 1: a newer version of it is needed"),
        "{message}"
    );
}

#[test]
fn two_cannot_write_to_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(folder.path());
    let run = tracker.start_run("taken").unwrap();
    let error = tracker.resume_run(run.uuid()).unwrap_err();
    assert!(matches!(error, TrackingError::InUse { .. }), "{error}");
    assert!(
        error
            .to_string()
            .ends_with("run.jsonl: in use by another writer"),
        "{error}"
    );
    let uuid = run.finish().unwrap().run.uuid;
    assert!(
        tracker
            .resume_run(&uuid)
            .unwrap_err()
            .to_string()
            .contains("is finished; start another")
    );
}

#[test]
fn threads_may_log_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let run = tracker(folder.path()).start_run("threads").unwrap();
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let run = &run;
            scope.spawn(move || {
                for step in 0..500 {
                    run.log_metric(&format!("loss {worker}"), 0.5, step)
                        .unwrap();
                }
            });
        }
    });
    let record = run.finish().unwrap().run;
    assert_eq!(
        (record.metrics.len(), record.metric_names().len()),
        (4_000, 8)
    );
}

#[test]
fn a_full_disk_is_an_error_and_leaves_whole_lines() {
    if let Some(folder) = std::env::var_os("TRACKING_TEST_FULL") {
        let tracker = tracker(Path::new(&folder));
        let run = tracker.start_run("full").unwrap();
        // SAFETY: both calls set what this process, which is this test alone, may do.
        unsafe {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            let limit = libc::rlimit {
                rlim_cur: 4_000,
                rlim_max: 4_000_000,
            };
            libc::setrlimit(libc::RLIMIT_FSIZE, &limit);
        }
        let error = (0..)
            .find_map(|step| run.log_metric("loss", 0.5, step).err())
            .unwrap();
        // SAFETY: as above.
        unsafe {
            let limit = libc::rlimit {
                rlim_cur: 4_000_000,
                rlim_max: 4_000_000,
            };
            libc::setrlimit(libc::RLIMIT_FSIZE, &limit);
        }
        run.log_metric("loss", 0.25, -1).unwrap();
        println!("error: {error}");
        let _ = run.finish().unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = child(
        "a_full_disk_is_an_error_and_leaves_whole_lines",
        "TRACKING_TEST_FULL",
        folder.path(),
    );
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("run.jsonl: cannot be written: File too large"),
        "{text}"
    );
    let run = tracker(folder.path()).runs().unwrap().remove(0);
    assert_eq!((run.status, run.torn), (Status::Finished, None));
    assert_eq!(run.metrics.last().unwrap().step, -1);
    assert!(run.metrics.len() > 10);
}
