//! Requests that are tried again: what is worth another attempt, how long to wait, and what to tell.

use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::TrackingError;
use super::server::{Login, Server};

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why an attempt failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server may or may not have acted; asking again may help.
    Again {
        message: String,
        after: Option<Duration>,
    },
    /// Asking again would not help.
    Never(TrackingError),
}

impl From<TrackingError> for Failure {
    fn from(error: TrackingError) -> Failure {
        Failure::Never(error)
    }
}

/// What a request carries.
pub(crate) enum Payload<'a> {
    Nothing,
    Json(&'a Value),
    Bytes(&'a File),
}

/// A client of one server.
#[derive(Debug)]
pub(crate) struct Http {
    agent: Agent,
    server: Server,
    authorization: Option<String>,
    /// How many requests were made, and how many of them again.
    pub(crate) requests: u64,
    pub(crate) retries: u64,
}

impl Http {
    pub(crate) fn new(server: &Server) -> Http {
        let limit = Some(server.time_limit);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // a redirect would turn a POST into something else: its address belongs in MLFLOW_TRACKING_URI
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(server.time_limit.min(Duration::from_secs(10))))
            .timeout_send_request(limit)
            // no limit for the whole of an upload, which may be large; one for each piece of it
            .timeout_per_write(limit)
            .timeout_recv_response(limit)
            .timeout_recv_body(limit)
            .user_agent(concat!("production/", env!("CARGO_PKG_VERSION")))
            .build();
        let authorization = match &server.login {
            Login::None => None,
            Login::Basic { username, password } => Some(format!(
                "Basic {}",
                base64(format!("{username}:{password}").as_bytes())
            )),
            Login::Token(token) => Some(format!("Bearer {token}")),
        };
        Http {
            agent: config.new_agent(),
            server: server.clone(),
            authorization,
            requests: 0,
            retries: 0,
        }
    }

    /// Method and address, as messages name a request.
    pub(crate) fn name(&self, method: &str, path: &str) -> String {
        let path = path.split('?').next().unwrap_or_default();
        format!("{method} {}{path}", self.server.uri)
    }

    /// One attempt; the JSON of a good answer.
    pub(crate) fn once(
        &mut self,
        method: &str,
        path: &str,
        payload: &Payload,
    ) -> Result<Value, Failure> {
        self.requests += 1;
        let request = self.name(method, path);
        let mut response = self.send(method, path, payload).map_err(|e| match e {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                Failure::Never(TrackingError::Answer {
                    request: request.clone(),
                    reason: format!("the address or the login cannot be sent: {e}"),
                })
            }
            ureq::Error::Timeout(_) => again(format!(
                "no answer within {} s",
                self.server.time_limit.as_secs_f64()
            )),
            e => again(e.to_string()),
        })?;
        let status = response.status().as_u16();
        let header = |name: &str| {
            Some(
                response
                    .headers()
                    .get(name)?
                    .to_str()
                    .ok()?
                    .trim()
                    .to_owned(),
            )
        };
        let after = header("retry-after")
            .and_then(|v| v.parse().ok())
            .map(Duration::from_secs);
        let location = header("location");
        let body = response
            .body_mut()
            .with_config()
            .limit(1 << 30)
            .lossy_utf8(true)
            .read_to_string();
        let body = body.map_err(|e| again(format!("the answer was cut off: {e}")))?;
        // an upload is answered by nothing at all
        let json: Option<Value> = if body.is_empty() {
            Some(Value::Null)
        } else {
            serde_json::from_str(&body).ok()
        };
        if (200..300).contains(&status) {
            return json.ok_or_else(|| {
                Failure::Never(TrackingError::Answer {
                    request,
                    reason: format!("{:?} is no JSON", brief(&body)),
                })
            });
        }
        let field = |name: &str| {
            json.as_ref()
                .and_then(|j| j[name].as_str())
                .map(str::to_owned)
        };
        let message = match location {
            Some(to) if (300..400).contains(&status) => format!("it sends on to {to}"),
            _ => brief(&field("message").unwrap_or(body.clone())),
        };
        if matches!(status, 408 | 429 | 500 | 502 | 503 | 504) {
            let message = format!("the server answers {status}: {message}");
            return Err(Failure::Again { message, after });
        }
        let code = field("error_code").unwrap_or_default();
        Err(Failure::Never(TrackingError::Refused {
            request,
            status,
            code,
            message,
        }))
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        payload: &Payload,
    ) -> Result<Response<Body>, ureq::Error> {
        let url = format!("{}{path}", self.server.uri);
        if method == "GET" {
            let request = self.agent.get(&url);
            return match &self.authorization {
                Some(value) => request.header("Authorization", value).call(),
                None => request.call(),
            };
        }
        let request = match method {
            "PUT" => self.agent.put(&url),
            "PATCH" => self.agent.patch(&url),
            "DELETE" => self.agent.delete(&url).force_send_body(),
            _ => self.agent.post(&url),
        };
        let request = match &self.authorization {
            Some(value) => request.header("Authorization", value),
            None => request,
        };
        match payload {
            Payload::Nothing => request.send_empty(),
            Payload::Json(value) => request
                .content_type("application/json")
                .send(serde_json::to_vec(value).expect("JSON").as_slice()),
            Payload::Bytes(file) => request.content_type("application/octet-stream").send(*file),
        }
    }

    /// Attempts until one succeeds, one fails for good, or they are used up. `attempt` is given whether the server may
    /// have acted on an earlier one.
    pub(crate) fn retry<T>(
        &mut self,
        request: &str,
        mut attempt: impl FnMut(&mut Http, bool) -> Result<T, Failure>,
    ) -> Result<T, TrackingError> {
        let began = Instant::now();
        let mut pause = self.server.pause;
        for tried in 1.. {
            let (message, after) = match attempt(self, tried > 1) {
                Ok(value) => return Ok(value),
                Err(Failure::Never(error)) => return Err(error),
                Err(Failure::Again { message, after }) => (message, after),
            };
            if tried >= self.server.attempts {
                return Err(TrackingError::Unavailable {
                    request: request.into(),
                    message,
                    attempts: tried,
                    seconds: began.elapsed().as_secs_f64(),
                });
            }
            self.retries += 1;
            // a random half is left out, so that many clients of a server that comes back do not come all at once
            let wait = pause
                .mul_f64(0.5 + 0.5 * random())
                .max(after.unwrap_or_default());
            std::thread::sleep(wait.min(LONGEST_PAUSE));
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
        unreachable!("the loop ends by its returns")
    }
}

fn again(message: String) -> Failure {
    Failure::Again {
        message,
        after: None,
    }
}

/// A number in [0, 1) from the standard library's hash keys.
fn random() -> f64 {
    (RandomState::new().build_hasher().finish() >> 11) as f64 / (1u64 << 53) as f64
}

/// The first lines of a message.
fn brief(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(400) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// Text as part of an address: all but letters, digits and `-._~` as `%XX`.
pub(crate) fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(b).to_string()
            }
            _ => format!("%{b:02X}"),
        })
        .collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = (0..3).fold(0u32, |group, i| {
            group << 8 | u32::from(chunk.get(i).copied().unwrap_or(0))
        });
        for i in 0..4 {
            let digit = DIGITS[(group >> (18 - 6 * i)) as usize & 63];
            text.push(if i <= chunk.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{base64, percent};

    // RFC 4648, section 10
    #[test]
    fn base64_is_that_of_the_standard() {
        for (text, code) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), code, "{text}");
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn an_address_holds_ascii_alone() {
        assert_eq!(percent("a b/ü~"), "a%20b%2F%C3%BC~");
    }
}
