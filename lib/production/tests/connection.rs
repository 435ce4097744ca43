//! A server that is down, slow, or talks nonsense: a clear error each, and nothing lost.

mod support;

use std::time::{Duration, Instant};

use production::tracking::{Delivery, Pushed, Server, Status, TrackingError};
use support::wire::{Answer, Fake};
use support::{free_port, quick, tracker};

/// What comes of logging a small run, and finishing it, with a server.
fn log_and_finish(server: Server) -> (Delivery, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(folder.path()).with_server(server);
    let run = tracker.start_run("small").unwrap();
    let began = Instant::now();
    run.log_param("alpha", 1).unwrap();
    run.log_metric("loss", 0.5, 0).unwrap();
    assert!(
        began.elapsed() < Duration::from_millis(500),
        "logging does not wait for the server"
    );
    let began = Instant::now();
    let ended = run.finish().unwrap();
    assert_eq!(ended.run.status, Status::Finished);
    let kept = tracker.run(&ended.run.uuid).unwrap();
    assert_eq!(
        (kept.status, kept.metric("loss")),
        (Status::Finished, Some(0.5)),
        "the store has it all"
    );
    (ended.server, began.elapsed())
}

fn error(delivery: Delivery) -> TrackingError {
    match delivery {
        Delivery::Later(error) => error,
        other => panic!("{other:?}"),
    }
}

/// The answers that a run of `log_and_finish` needs.
fn good() -> Vec<Answer> {
    [
        r#"{"experiment": {"experiment_id": "0", "lifecycle_stage": "active"}}"#,
        r#"{"runs": []}"#,
        r#"{"run": {"info": {"run_id": "r", "artifact_uri": "mlflow-artifacts:/0/r/artifacts"}}}"#,
        "{}",
        "{}",
    ]
    .map(|body| Answer::json(200, body))
    .to_vec()
}

#[test]
fn a_good_server_is_asked_five_times() {
    let fake = Fake::start(good());
    let Delivery::Delivered(pushed) = log_and_finish(quick(fake.port)).0 else {
        panic!()
    };
    assert_eq!(
        pushed.to_string(),
        "1 run, 1 value of metrics, 1 parameter, 0 files, 0 model versions by 5 requests"
    );
    assert_eq!(
        fake.lines(),
        [
            "GET /api/2.0/mlflow/experiments/get-by-name?experiment_name=Default HTTP/1.1",
            "POST /api/2.0/mlflow/runs/search HTTP/1.1",
            "POST /api/2.0/mlflow/runs/create HTTP/1.1",
            "POST /api/2.0/mlflow/runs/log-batch HTTP/1.1",
            "POST /api/2.0/mlflow/runs/update HTTP/1.1",
        ]
    );
    assert_eq!(fake.first_header("authorization"), None);
}

#[test]
fn a_server_that_is_down_costs_the_pauses_and_nothing_else() {
    let port = free_port();
    let server = quick(port).attempts(4).pause(Duration::from_millis(40));
    let (delivery, took) = log_and_finish(server);
    let error = error(delivery);
    let message = error.to_string();
    assert!(
        message.starts_with(&format!(
            "GET http://127.0.0.1:{port}/api/2.0/mlflow/experiments/get-by-name: "
        )),
        "{message}"
    );
    assert!(
        message.contains("refused") && message.contains("(4 attempts in "),
        "{message}"
    );
    assert!(message.ends_with("push it later"), "{message}");
    // 40 + 80 + 160 ms, of each at most a half left out
    assert!(
        took >= Duration::from_millis(140) && took < Duration::from_secs(3),
        "{took:?}"
    );
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let fake = Fake::start([Answer::Silence(Duration::from_secs(20))]);
    let server = quick(fake.port)
        .attempts(2)
        .time_limit(Duration::from_millis(300));
    let (delivery, took) = log_and_finish(server);
    let message = error(delivery).to_string();
    assert!(
        message.contains("no answer within 0.3 s (2 attempts in"),
        "{message}"
    );
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn what_may_pass_is_tried_again() {
    for trouble in [
        Answer::json(
            500,
            r#"{"error_code": "INTERNAL_ERROR", "message": "database is locked"}"#,
        ),
        Answer::json(429, "{}"),
        Answer::With(502, String::new(), "<html>Bad Gateway</html>".into()),
        Answer::With(503, String::new(), String::new()),
        Answer::With(504, String::new(), String::new()),
        Answer::Torn(100),
        Answer::Silence(Duration::ZERO),
    ] {
        let mut answers = vec![trouble.clone(), trouble.clone()];
        answers.extend(good());
        let fake = Fake::start(answers);
        match log_and_finish(quick(fake.port).attempts(3)).0 {
            Delivery::Delivered(Pushed {
                retries: 2,
                requests: 7,
                ..
            }) => {}
            other => panic!("{trouble:?}: {other:?}"),
        }
    }
}

#[test]
fn a_server_that_keeps_failing_is_quoted() {
    let fake = Fake::start([Answer::json(
        500,
        r#"{"error_code": "INTERNAL_ERROR", "message": "database is locked"}"#,
    )]);
    let message = error(log_and_finish(quick(fake.port).attempts(3)).0).to_string();
    assert!(
        message.contains("the server answers 500: database is locked (3 attempts"),
        "{message}"
    );
    assert_eq!(fake.lines().len(), 3);
}

#[test]
fn a_server_may_say_when_to_come_back() {
    let mut answers = vec![Answer::With(
        429,
        "Retry-After: 1\r\n".into(),
        String::new(),
    )];
    answers.extend(good());
    let fake = Fake::start(answers);
    let (delivery, took) = log_and_finish(quick(fake.port).attempts(2));
    assert!(matches!(delivery, Delivery::Delivered(_)), "{delivery:?}");
    assert!(took >= Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_refusal_is_not_tried_again() {
    for (status, body, wanted) in [
        (
            400,
            r#"{"error_code": "INVALID_PARAMETER_VALUE", "message": "no such thing"}"#,
            "answers 400: no such thing",
        ),
        (
            401,
            "You are not authenticated. Please see https://…",
            "answers 401: You are not authenticated.",
        ),
        (403, "Permission denied", "answers 403: Permission denied"),
        (
            404,
            "<html>\n  nothing\n  here</html>",
            "answers 404: <html> nothing here</html>",
        ),
        (413, "", "answers 413"),
    ] {
        let fake = Fake::start([Answer::With(status, String::new(), body.into())]);
        let error = error(log_and_finish(quick(fake.port).attempts(5)).0);
        assert!(
            matches!(error, TrackingError::Refused { status: s, .. } if s == status),
            "{error:?}"
        );
        assert!(error.to_string().contains(wanted), "{error}");
        assert_eq!(fake.lines().len(), 1, "{status} is asked once");
    }
}

#[test]
fn what_is_not_mlflow_is_said_to_be_so() {
    let page = Answer::With(
        200,
        String::new(),
        "<html>Sign in to the hotel's network</html>".into(),
    );
    let fake = Fake::start([page]);
    let message = error(log_and_finish(quick(fake.port).attempts(5)).0).to_string();
    assert!(
        message.contains(
            "not an answer of MLflow: \"<html>Sign in to the hotel's network</html>\" is no JSON"
        ),
        "{message}"
    );
    let fake = Fake::start([Answer::json(200, r#"{"experiment": {}}"#)]);
    let message = error(log_and_finish(quick(fake.port).attempts(5)).0).to_string();
    assert!(
        message.contains("/experiments/get-by-name: not an answer of MLflow: a field is missing"),
        "{message}"
    );
    let fake = Fake::start([Answer::With(
        302,
        "Location: https://login.example/\r\n".into(),
        String::new(),
    )]);
    let message = error(log_and_finish(quick(fake.port).attempts(5)).0).to_string();
    assert!(
        message.contains("answers 302: it sends on to https://login.example/"),
        "{message}"
    );
}

#[test]
fn an_experiment_that_was_deleted_is_explained() {
    let fake = Fake::start([Answer::json(
        200,
        r#"{"experiment": {"experiment_id": "7", "lifecycle_stage": "deleted"}}"#,
    )]);
    let message = error(log_and_finish(quick(fake.port)).0).to_string();
    assert!(
        message.contains("the experiment \"Default\" was deleted on the server; restore it there"),
        "{message}"
    );
}

#[test]
fn artifacts_that_a_server_does_not_pass_on_are_explained() {
    let mut answers = good();
    answers[2] = Answer::json(
        200,
        r#"{"run": {"info": {"run_id": "r", "artifact_uri": "s3://bucket/r/artifacts"}}}"#,
    );
    let fake = Fake::start(answers);
    let folder = tempfile::tempdir().unwrap();
    let run = tracker(folder.path())
        .with_server(quick(fake.port))
        .start_run("files")
        .unwrap();
    run.log_bytes("a", "b").unwrap();
    let message = error(run.finish().unwrap().server).to_string();
    assert!(
        message.contains("keeps artifacts at s3://bucket/r/artifacts, which it does not pass on"),
        "{message}"
    );
    assert!(message.contains("--serve-artifacts"), "{message}");
}

#[test]
fn an_artifact_that_was_altered_is_not_sent() {
    let fake = Fake::start(good());
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(folder.path()).with_server(quick(fake.port));
    let run = tracker.start_run("files").unwrap();
    run.log_bytes("a", "b").unwrap();
    std::fs::write(
        tracker
            .folder()
            .join("runs")
            .join(run.uuid())
            .join("artifacts/a"),
        "c",
    )
    .unwrap();
    let error = error(run.finish().unwrap().server);
    assert!(matches!(error, TrackingError::Altered { .. }), "{error}");
    assert!(
        fake.lines().iter().all(|line| !line.starts_with("PUT")),
        "{:?}",
        fake.lines()
    );
}

#[test]
fn a_login_is_sent_and_not_shown() {
    for (login, header) in [
        ("basic", "Basic YWRhOmEgc2VjcmV0"),
        ("token", "Bearer a secret"),
    ] {
        let fake = Fake::start([Answer::With(401, String::new(), String::new())]);
        let server = quick(fake.port);
        let server = if login == "basic" {
            server.basic("ada", "a secret")
        } else {
            server.token("a secret")
        };
        let shown = format!("{server:?}");
        let folder = tempfile::tempdir().unwrap();
        let run = tracker(folder.path())
            .with_server(server)
            .start_run("secret")
            .unwrap();
        let shown = shown + &format!("{run:?}");
        let shown = shown + &format!("{:?}", run.finish().unwrap());
        assert_eq!(fake.first_header("authorization").as_deref(), Some(header));
        assert!(
            !shown.contains("a secret") && !shown.contains("YWRhOmEgc2VjcmV0"),
            "{shown}"
        );
        for entry in std::fs::read_dir(folder.path().join("runs"))
            .unwrap()
            .flatten()
        {
            let text = std::fs::read_to_string(entry.path().join("run.jsonl")).unwrap();
            assert!(
                !text.contains("secret\"") || !text.contains("a secret"),
                "{text}"
            );
        }
    }
    // what no header may hold
    let fake = Fake::start(good());
    let error = error(log_and_finish(quick(fake.port).token("line\nbreak")).0);
    assert!(
        error
            .to_string()
            .contains("the address or the login cannot be sent"),
        "{error}"
    );
}

#[test]
fn without_a_server_there_is_nothing_to_push_to() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(folder.path());
    let run = tracker.start_run("alone").unwrap();
    for error in [run.flush().unwrap_err(), tracker.push().unwrap_err()] {
        assert_eq!(
            error.to_string(),
            "MLFLOW_TRACKING_URI: no server is set to bring runs to"
        );
    }
    assert!(matches!(run.finish().unwrap().server, Delivery::NoServer));
}

#[test]
fn one_refused_run_does_not_keep_the_others() {
    // the first run is refused by its name; the second goes
    let mut answers = vec![
        good()[0].clone(),
        good()[1].clone(),
        Answer::json(400, r#"{"error_code": "X", "message": "not this one"}"#),
    ];
    answers.extend(good().split_off(1));
    let fake = Fake::start(answers);
    let folder = tempfile::tempdir().unwrap();
    let offline = tracker(folder.path());
    for name in ["first", "second"] {
        offline.start_run(name).unwrap().finish().map(drop).unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    let error = offline.with_server(quick(fake.port)).push().unwrap_err();
    assert!(error.to_string().contains("not this one"), "{error}");
    let lines = fake.lines();
    assert_eq!(
        lines.iter().filter(|l| l.contains("runs/create")).count(),
        2,
        "{lines:?}"
    );
    assert_eq!(
        lines.iter().filter(|l| l.contains("runs/update")).count(),
        1,
        "{lines:?}"
    );
}

#[test]
fn addresses_are_judged_before_anything_is_sent() {
    for (uri, why) in [
        ("sqlite:///mlflow.db", "runs go to a server over http"),
        ("file:///tmp/runs", "runs go to a server over http"),
        (
            "127.0.0.1:5000",
            "is no address such as http://127.0.0.1:5000",
        ),
        ("http://", "is no address"),
        ("http://host/?a=b", "is no address"),
        (
            "http://ada:secret@host",
            "belong in MLFLOW_TRACKING_USERNAME",
        ),
        #[cfg(not(feature = "tls"))]
        ("https://host", "https needs the feature `tls`"),
    ] {
        let message = Server::new(uri).unwrap_err().to_string();
        assert!(
            message.starts_with("MLFLOW_TRACKING_URI: ") && message.contains(why),
            "{uri}: {message}"
        );
        assert!(!message.contains("secret"), "{message}");
    }
    assert_eq!(
        Server::new(" http://host:5000/mlflow/ ").unwrap().uri(),
        "http://host:5000/mlflow"
    );
}
