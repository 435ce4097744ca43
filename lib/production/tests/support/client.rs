//! A small HTTP client, so that tests see every byte: what is sent is what the test wrote.
#![allow(dead_code)] // each test file uses a part

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The error's code, and the code of each of its fields.
    pub fn codes(&self) -> (String, Vec<(String, String)>) {
        let error = &self.json()["error"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let fields = error["fields"].as_array().cloned().unwrap_or_default();
        let fields = fields.iter().map(|f| (text(&f["field"]), text(&f["code"])));
        (text(&error["code"]), fields.collect())
    }

    /// The value of a metric, by its line's beginning.
    pub fn metric(&self, start: &str) -> Option<f64> {
        let start = format!("{start} ");
        let line = self
            .body
            .lines()
            .find_map(|line| line.strip_prefix(&start))?;
        line.parse().ok()
    }
}

/// Sends bytes, and reads an answer; the connection stays open.
pub fn exchange(connection: &mut TcpStream, bytes: &[u8]) -> std::io::Result<Answer> {
    connection.write_all(bytes)?;
    answer(connection)
}

/// Reads one answer.
pub fn answer(connection: &mut TcpStream) -> std::io::Result<Answer> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        connection.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0);
    let mut answer = Answer {
        status,
        head,
        body: String::new(),
    };
    let length = answer
        .header("content-length")
        .and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    if answer.header("transfer-encoding") == Some("chunked") {
        body = chunks(connection)?;
    }
    connection.read_exact(if length.is_some() { &mut body } else { &mut [] })?;
    answer.body = String::from_utf8_lossy(&body).into_owned();
    Ok(answer)
}

/// A body that comes in parts, each after its length.
fn chunks(connection: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = Vec::new();
        let mut byte = [0];
        while !line.ends_with(b"\r\n") {
            connection.read_exact(&mut byte)?;
            line.push(byte[0]);
        }
        let length = usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16);
        let length = length.map_err(std::io::Error::other)?;
        let mut part = vec![0; length + 2];
        connection.read_exact(&mut part)?;
        body.extend_from_slice(&part[..length]);
        if length == 0 {
            return Ok(body);
        }
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let connection = TcpStream::connect(address).expect("the service accepts");
    connection
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    connection
}

/// A request as bytes.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!(
        "{method} {path} HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{text}\r\n{body}").into_bytes()
}

pub fn get(address: SocketAddr, path: &str) -> Answer {
    exchange(&mut connect(address), &request("GET", path, &[], "")).expect("an answer")
}

/// Posts JSON.
pub fn post(address: SocketAddr, path: &str, body: &str) -> Answer {
    post_with(address, path, &[], body)
}

/// Posts JSON with more headers.
pub fn post_with(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut all = vec![("content-type", "application/json")];
    all.extend_from_slice(headers);
    exchange(&mut connect(address), &request("POST", path, &all, body)).expect("an answer")
}
