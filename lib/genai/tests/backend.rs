//! The endpoint against servers on loopback that answer well, badly, slowly or not at all.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use genai::backend::{Backend, BackendError, Endpoint};
use genai::llm::{Message, Role, Sampling};

/// Serves one connection after the other by `answer`, which is given the request; keeps the requests.
fn server(
    answer: impl Fn(&mut TcpStream, usize) + Send + 'static,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = requests.clone();
    std::thread::spawn(move || {
        for (count, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut text = Vec::new();
            let mut piece = [0; 4096];
            loop {
                let read = stream.read(&mut piece).unwrap();
                text.extend(&piece[..read]);
                let all = String::from_utf8_lossy(&text).to_lowercase();
                let length = all
                    .split("content-length: ")
                    .nth(1)
                    .and_then(|t| t.split("\r\n").next()?.parse().ok());
                let head = all.find("\r\n\r\n").map(|at| at + 4);
                if let (Some(head), Some(length)) = (head, length)
                    && text.len() >= head + usize::min(length, 1 << 20)
                {
                    break;
                }
                if read == 0 {
                    break;
                }
            }
            seen.lock()
                .unwrap()
                .push(String::from_utf8_lossy(&text).into_owned());
            answer(&mut stream, count);
        }
    });
    (base, requests)
}

fn reply(stream: &mut TcpStream, status: &str, body: &str) {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body.as_bytes());
}

const GOOD: &str = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n\
     : a comment\n\
     data: {\"choices\":[{\"delta\":{\"content\":\"Besitz \"}}]}\n\n\
     data: {\"choices\":[{\"delta\":{\"content\":\"heißt 所有权\"}}]}\n\n\
     data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
     data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5}}\n\n\
     data: [DONE]\n\n";

fn endpoint(base: &str) -> Endpoint {
    Endpoint::new(base, "small").unwrap().patience(
        Duration::from_millis(300),
        3,
        Duration::from_millis(5),
    )
}

fn ask(endpoint: &Endpoint) -> (Result<genai::llm::Completion, BackendError>, Vec<String>) {
    let mut pieces = Vec::new();
    let messages = [
        Message::new(Role::System, "Be brief."),
        Message::new(Role::User, "What is \"ownership\"?\n"),
    ];
    let answer = endpoint.chat(&messages, &Sampling::default(), &mut |text| {
        pieces.push(text.to_owned())
    });
    (answer, pieces)
}

#[test]
fn an_answer_comes_piece_by_piece() {
    let (base, requests) = server(|stream, _| reply(stream, "200 OK", GOOD));
    let (answer, pieces) = ask(&endpoint(&base).key("secret-key"));
    let answer = answer.unwrap();
    assert_eq!(answer.text, "Besitz heißt 所有权");
    assert_eq!(pieces, ["Besitz ", "heißt 所有权"]);
    assert_eq!(
        (answer.prompt_tokens, answer.tokens, answer.ended),
        (7, 5, true)
    );
    let requests = requests.lock().unwrap();
    assert!(
        requests[0].starts_with("POST /v1/chat/completions HTTP/1.1"),
        "{}",
        requests[0]
    );
    assert!(
        requests[0]
            .to_lowercase()
            .contains("authorization: bearer secret-key"),
        "{}",
        requests[0]
    );
    let body: serde_json::Value =
        serde_json::from_str(requests[0].split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(body["model"], "small");
    assert_eq!(body["messages"][1]["content"], "What is \"ownership\"?\n");
    assert_eq!(
        (&body["stream"], &body["max_tokens"]),
        (&serde_json::json!(true), &serde_json::json!(128))
    );
}

#[test]
fn nobody_there_is_an_error_after_three_attempts() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let error = ask(&endpoint(&base)).0.unwrap_err();
    assert!(
        matches!(&error, BackendError::Down { attempts: 3, .. }),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .starts_with(&format!("{base}/chat/completions: ")),
        "{error}"
    );
}

#[test]
fn a_500_is_tried_again_and_told_with_what_the_server_says() {
    let (base, requests) = server(|stream, _| {
        reply(
            stream,
            "500 Internal Server Error",
            "{\"error\": {\"message\": \"out of memory\"}}",
        );
    });
    let error = ask(&endpoint(&base)).0.unwrap_err();
    assert!(
        matches!(
            &error,
            BackendError::Status {
                status: 500,
                attempts: 3,
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .ends_with("status 500 after 3 attempts: out of memory"),
        "{error}"
    );
    assert_eq!(requests.lock().unwrap().len(), 3);

    let (base, _) = server(|stream, count| match count {
        0 => reply(stream, "503 Service Unavailable", "loading"),
        _ => reply(stream, "200 OK", GOOD),
    });
    assert_eq!(ask(&endpoint(&base)).0.unwrap().text, "Besitz heißt 所有权");
}

#[test]
fn a_refusal_is_not_tried_again() {
    let (base, requests) =
        server(|stream, _| reply(stream, "401 Unauthorized", "{\"error\":\"bad key\"}"));
    let error = ask(&endpoint(&base).key("secret-key")).0.unwrap_err();
    assert!(
        matches!(
            &error,
            BackendError::Status {
                status: 401,
                attempts: 1,
                ..
            }
        ),
        "{error}"
    );
    assert!(!error.to_string().contains("secret-key"));
    assert_eq!(requests.lock().unwrap().len(), 1);
}

#[test]
fn one_that_is_slow_is_given_up() {
    let (base, _) = server(|_, _| std::thread::sleep(Duration::from_secs(5)));
    let began = Instant::now();
    let error = ask(&endpoint(&base)).0.unwrap_err();
    assert!(
        matches!(&error, BackendError::Slow { received: 0, .. }),
        "{error}"
    );
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn one_that_stops_halfway_is_no_answer() {
    // silence in the middle, a cut connection, an end without a reason, something else than JSON
    let half = GOOD
        .split("data: {\"choices\":[{\"delta\":{},")
        .next()
        .unwrap();
    let (base, _) = server(move |stream, _| {
        let _ = stream
            .write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{half}").as_bytes());
        std::thread::sleep(Duration::from_secs(5));
    });
    let (answer, pieces) = ask(&endpoint(&base));
    let error = answer.unwrap_err();
    assert!(
        matches!(&error, BackendError::Slow { received: 23, .. }),
        "{error}"
    );
    assert_eq!(pieces.len(), 2);

    let (base, _) = server(move |stream, _| {
        let _ = stream
            .write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{half}").as_bytes());
    });
    let error = ask(&endpoint(&base)).0.unwrap_err();
    assert!(
        matches!(&error, BackendError::Answer { .. }) && error.to_string().contains("cut off"),
        "{error}"
    );

    let (base, _) = server(move |stream, _| reply(stream, "200 OK", half));
    let error = ask(&endpoint(&base)).0.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("it ended after 23 bytes without a reason"),
        "{error}"
    );

    let (base, _) = server(|stream, _| reply(stream, "200 OK", "data: <html>\n\n"));
    let error = ask(&endpoint(&base)).0.unwrap_err();
    assert!(
        error.to_string().contains("an event is not JSON"),
        "{error}"
    );

    let (base, _) = server(|stream, _| {
        reply(
            stream,
            "200 OK",
            "data: {\"error\":{\"message\":\"too long\"}}\n\n",
        )
    });
    let error = ask(&endpoint(&base)).0.unwrap_err();
    assert!(error.to_string().ends_with("too long"), "{error}");
}

#[test]
fn settings_that_cannot_be_used_name_the_variable() {
    for base in [
        "127.0.0.1:8080",
        "ftp://x/v1",
        "http://",
        "http://a b/v1",
        "http://me:pw@x/v1",
        "http://x/v1?key=1",
    ] {
        let error = Endpoint::new(base, "m").unwrap_err();
        assert!(
            matches!(
                &error,
                BackendError::Setting {
                    name: "GENAI_BASE_URL",
                    ..
                }
            ),
            "{base}: {error}"
        );
    }
    let error = Endpoint::new("http://127.0.0.1/v1", " ").unwrap_err();
    assert!(
        matches!(
            &error,
            BackendError::Setting {
                name: "GENAI_MODEL",
                ..
            }
        ),
        "{error}"
    );
    #[cfg(not(feature = "tls"))]
    assert!(
        Endpoint::new("https://x/v1", "m")
            .unwrap_err()
            .to_string()
            .contains("feature `tls`")
    );
    let debug = format!(
        "{:?}",
        Endpoint::new("http://x/v1", "m").unwrap().key("secret-key")
    );
    assert!(!debug.contains("secret-key"), "{debug}");
}
