//! HTTP by hand: a proxy that breaks the connection where a test says, and a server that answers what a test says.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The status that a path is answered with; `None` where nobody answers.
pub fn status(port: u16, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut text = String::new();
    BufReader::new(stream).read_line(&mut text).ok()?;
    text.split(' ').nth(1)?.parse().ok()
}

/// A request: its head, and its body.
pub struct Request {
    pub head: String,
    pub body: Vec<u8>,
}

impl Request {
    /// Method and path.
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let mut request = Request {
            head,
            body: Vec::new(),
        };
        let length = request
            .header("content-length")
            .map_or(0, |v| v.parse().expect("a length"));
        request.body = vec![0; length];
        stream.read_exact(&mut request.body).ok()?;
        Some(request)
    }
}

/// Where a proxy breaks the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The request does not reach the server.
    Before,
    /// The server has acted; its answer does not arrive.
    After,
}

/// A proxy that passes requests on until the one of a number (from 0), breaks that one, and then
/// either nothing gets through any more or all of it does.
pub struct Proxy {
    pub port: u16,
    seen: Arc<AtomicUsize>,
    revived: Arc<AtomicBool>,
}

impl Proxy {
    pub fn start(to: u16, at: usize, cut: Cut, dead_after: bool) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(AtomicUsize::new(0));
        let revived = Arc::new(AtomicBool::new(false));
        let (count, well) = (Arc::clone(&seen), Arc::clone(&revived));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (count, well) = (Arc::clone(&count), Arc::clone(&well));
                std::thread::spawn(move || {
                    let mut stream = BufReader::new(stream);
                    while let Some(request) = Request::read(&mut stream) {
                        let number = count.fetch_add(1, Ordering::SeqCst);
                        let well = well.load(Ordering::SeqCst);
                        let hit = number == at && !well;
                        if number > at && dead_after && !well || hit && cut == Cut::Before {
                            return;
                        }
                        let answer = forward(to, port, &request);
                        if hit {
                            return;
                        }
                        if stream.get_mut().write_all(&answer).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Proxy {
            port,
            seen,
            revived,
        }
    }

    /// From now on everything gets through.
    pub fn revive(&self) {
        self.revived.store(true, Ordering::SeqCst);
    }

    /// How many requests came.
    pub fn requests(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

/// The whole answer of a server.
fn forward(to: u16, own: u16, request: &Request) -> Vec<u8> {
    let mut upstream = TcpStream::connect(("127.0.0.1", to)).expect("the server is up");
    let head = request
        .head
        .replace(&format!("127.0.0.1:{own}"), &format!("127.0.0.1:{to}"));
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    upstream
        .write_all(head.as_bytes())
        .and_then(|()| upstream.write_all(&request.body))
        .expect("the server reads");
    let mut answer = Vec::new();
    upstream
        .read_to_end(&mut answer)
        .expect("the server answers");
    let text = String::from_utf8_lossy(&answer[..answer.len().min(4000)]).into_owned();
    // the connection to the client is kept: the head must not say otherwise
    assert!(
        !text
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked"),
        "{text}"
    );
    let at = text.to_ascii_lowercase().find("connection: close\r\n");
    if let Some(at) = at {
        answer.drain(at..at + "connection: close\r\n".len());
    }
    answer
}

/// What a [`Fake`] does with a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Status, further header lines, body.
    With(u16, String, String),
    /// The connection is broken after this many bytes of an answer whose head promises more.
    Torn(usize),
    /// Nothing, for so long.
    Silence(Duration),
}

impl Answer {
    pub fn json(status: u16, body: &str) -> Answer {
        Answer::With(
            status,
            "Content-Type: application/json\r\n".into(),
            body.into(),
        )
    }
}

/// A server that gives one answer a request, the last of them again and again, and keeps the requests.
pub struct Fake {
    pub port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Fake {
    pub fn start(answers: impl IntoIterator<Item = Answer>) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, kept) = (Arc::clone(&answers), Arc::clone(&kept));
                std::thread::spawn(move || {
                    let mut stream = BufReader::new(stream);
                    while let Some(request) = Request::read(&mut stream) {
                        kept.lock().unwrap().push(request);
                        let answer = {
                            let mut answers = answers.lock().unwrap();
                            if answers.len() > 1 {
                                answers.pop_front()
                            } else {
                                answers.front().cloned()
                            }
                        };
                        let out = stream.get_mut();
                        match answer.expect("an answer") {
                            Answer::With(status, headers, body) => {
                                let text = format!(
                                    "HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}",
                                    body.len()
                                );
                                let _ = out.write_all(text.as_bytes());
                            }
                            Answer::Torn(bytes) => {
                                let text = format!(
                                    "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{}",
                                    "{".repeat(bytes)
                                );
                                let _ = out.write_all(text.as_bytes());
                                return;
                            }
                            Answer::Silence(time) => {
                                std::thread::sleep(time);
                                return;
                            }
                        }
                    }
                });
            }
        });
        Fake { port, requests }
    }

    /// The requests that came: method, path and version.
    pub fn lines(&self) -> Vec<String> {
        self.requests
            .lock()
            .unwrap()
            .iter()
            .map(|r| r.line().to_owned())
            .collect()
    }

    /// A header of the first request.
    pub fn first_header(&self, name: &str) -> Option<String> {
        self.requests
            .lock()
            .unwrap()
            .first()?
            .header(name)
            .map(str::to_owned)
    }
}
