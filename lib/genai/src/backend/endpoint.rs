//! OpenAI's interface for chat, with the answer streamed as server-sent events.

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

use super::{Backend, BackendError};
use crate::llm::{Completion, Message, Sampling};

/// The most bytes of an answer that are read.
const MOST_BYTES: u64 = 16 << 20;

/// An endpoint: llama.cpp's server, vLLM, Ollama and others, or a hosted one (with the feature `tls`).
///
/// # Examples
/// ```
/// use genai::backend::{Backend, Endpoint};
/// let endpoint = Endpoint::new("http://127.0.0.1:8080/v1", "smollm2")?;
/// assert_eq!(endpoint.name(), "smollm2 at http://127.0.0.1:8080/v1");
/// # Ok::<(), genai::backend::BackendError>(())
/// ```
#[derive(Clone)]
pub struct Endpoint {
    base: String,
    model: String,
    key: Option<String>,
    limit: Duration,
    attempts: u32,
    pause: Duration,
}

impl std::fmt::Debug for Endpoint {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("base", &self.base)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// The endpoint whose addresses begin with `base`, which ends in `/v1` as a rule. Each wait is limited to 60 s; what
    /// fails before any text has come is tried 3 times.
    ///
    /// # Errors
    /// [`BackendError::Setting`] if `base` is no address that can be asked, or `model` is empty.
    pub fn new(base: &str, model: &str) -> Result<Self, BackendError> {
        let setting = |name, value: &str, what: &str| BackendError::Setting {
            name,
            value: value.to_owned(),
            what: what.to_owned(),
        };
        let base = base.trim().trim_end_matches('/');
        let secure = base.starts_with("https://");
        if !secure && !base.starts_with("http://") {
            return Err(setting(
                "GENAI_BASE_URL",
                base,
                "it must begin with http:// or https://",
            ));
        }
        if secure && !cfg!(feature = "tls") {
            return Err(setting(
                "GENAI_BASE_URL",
                base,
                "https needs the crate's feature `tls`",
            ));
        }
        let uri: Result<ureq::http::Uri, _> = format!("{base}/chat/completions").parse();
        if uri.is_err() || base.contains(['?', '#', '@']) {
            return Err(setting(
                "GENAI_BASE_URL",
                base,
                "it is not an address without login, query and fragment",
            ));
        }
        if model.trim().is_empty() {
            return Err(setting(
                "GENAI_MODEL",
                model,
                "the endpoint must be told which model to use",
            ));
        }
        Ok(Self {
            base: base.to_owned(),
            model: model.trim().to_owned(),
            key: None,
            limit: Duration::from_secs(60),
            attempts: 3,
            pause: Duration::from_millis(500),
        })
    }

    /// With a key, sent as a bearer token.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.trim().to_owned()).filter(|key| !key.is_empty());
        self
    }

    /// With another limit for each wait, and another number of attempts (at least 1), `pause` apart.
    #[must_use]
    pub fn patience(mut self, limit: Duration, attempts: u32, pause: Duration) -> Self {
        (self.limit, self.attempts, self.pause) = (limit, attempts.max(1), pause);
        self
    }

    /// The endpoint of `GENAI_BASE_URL`, `GENAI_MODEL` and `GENAI_API_KEY`; `None` where the first is not set.
    ///
    /// # Errors
    /// As [`Endpoint::new`].
    pub fn from_environment() -> Result<Option<Self>, BackendError> {
        let set = |name| {
            std::env::var(name)
                .ok()
                .filter(|value: &String| !value.trim().is_empty())
        };
        let Some(base) = set("GENAI_BASE_URL") else {
            return Ok(None);
        };
        let endpoint = Self::new(&base, &set("GENAI_MODEL").unwrap_or_default())?;
        Ok(Some(
            endpoint.key(&set("GENAI_API_KEY").unwrap_or_default()),
        ))
    }

    fn url(&self) -> String {
        format!("{}/chat/completions", self.base)
    }

    fn body(&self, messages: &[Message], sampling: &Sampling) -> Value {
        let messages: Vec<Value> = messages
            .iter()
            .map(|m| json!({ "role": m.role.name(), "content": m.content }))
            .collect();
        json!({
            "model": self.model,
            "messages": messages,
            "temperature": sampling.temperature,
            "max_tokens": sampling.most_tokens,
            "seed": sampling.seed,
            "stream": true,
            "stream_options": { "include_usage": true },
        })
    }

    /// One attempt, and whether another may help.
    fn once(
        &self,
        body: &str,
        on_text: &mut dyn FnMut(&str),
        attempt: u32,
    ) -> Result<Completion, (BackendError, bool)> {
        let (url, limit) = (self.url(), Some(self.limit));
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(limit)
            .timeout_send_request(limit)
            .timeout_recv_response(limit)
            .timeout_per_read(limit)
            .build()
            .new_agent();
        let mut request = agent.post(&url).header("content-type", "application/json");
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let slow = |received| BackendError::Slow {
            url: url.clone(),
            seconds: self.limit.as_secs_f64(),
            received,
        };
        let mut response = request.send(body).map_err(|error| match error {
            ureq::Error::Timeout(_) => (slow(0), false),
            error => (
                BackendError::Down {
                    url: url.clone(),
                    attempts: attempt,
                    what: error.to_string(),
                },
                true,
            ),
        })?;
        let status = response.status().as_u16();
        if status != 200 {
            let mut text = Vec::new();
            let _ = response
                .body_mut()
                .as_reader()
                .take(2000)
                .read_to_end(&mut text);
            let text = String::from_utf8_lossy(&text);
            let what = message(&text);
            let again = matches!(status, 408 | 429 | 500..=599);
            return Err((
                BackendError::Status {
                    url,
                    status,
                    attempts: attempt,
                    what,
                },
                again,
            ));
        }
        let reader = BufReader::new(response.body_mut().as_reader().take(MOST_BYTES));
        self.read(reader, on_text).map_err(|error| (error, false))
    }

    /// Reads the events of an answer.
    fn read(
        &self,
        mut reader: impl BufRead,
        on_text: &mut dyn FnMut(&str),
    ) -> Result<Completion, BackendError> {
        let wrong = |what: String| BackendError::Answer {
            url: self.url(),
            what,
        };
        let mut answer = Completion {
            text: String::new(),
            prompt_tokens: 0,
            tokens: 0,
            ended: false,
        };
        let (mut finished, mut line) = (None, Vec::new());
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line).map_err(|error| {
                if timed_out(&error) {
                    return BackendError::Slow {
                        url: self.url(),
                        seconds: self.limit.as_secs_f64(),
                        received: answer.text.len(),
                    };
                }
                wrong(format!(
                    "it was cut off after {} bytes: {error}",
                    answer.text.len()
                ))
            })?;
            if read == 0 {
                break;
            }
            let text = String::from_utf8_lossy(&line);
            let Some(data) = text.trim_end().strip_prefix("data:").map(str::trim) else {
                continue;
            };
            if data == "[DONE]" {
                break;
            }
            let event: Value = serde_json::from_str(data)
                .map_err(|e| wrong(format!("an event is not JSON ({e}): {}", beginning(data))))?;
            if let Some(error) = event.get("error") {
                return Err(wrong(message(&json!({ "error": error }).to_string())));
            }
            let choice = &event["choices"][0];
            if let Some(piece) = choice["delta"]["content"]
                .as_str()
                .filter(|piece| !piece.is_empty())
            {
                answer.text.push_str(piece);
                on_text(piece);
            }
            if let Some(reason) = choice["finish_reason"].as_str() {
                finished = Some(reason.to_owned());
            }
            let count = |key: &str| event["usage"][key].as_u64().map(|n| n as usize);
            answer.prompt_tokens = count("prompt_tokens").unwrap_or(answer.prompt_tokens);
            answer.tokens = count("completion_tokens").unwrap_or(answer.tokens);
        }
        match finished {
            Some(reason) => answer.ended = reason == "stop",
            None => {
                return Err(wrong(format!(
                    "it ended after {} bytes without a reason",
                    answer.text.len()
                )));
            }
        }
        Ok(answer)
    }
}

impl Backend for Endpoint {
    fn name(&self) -> String {
        format!("{} at {}", self.model, self.base)
    }

    fn chat(
        &self,
        messages: &[Message],
        sampling: &Sampling,
        on_text: &mut dyn FnMut(&str),
    ) -> Result<Completion, BackendError> {
        sampling.check()?;
        let body = self.body(messages, sampling).to_string();
        let mut attempt = 1;
        loop {
            match self.once(&body, on_text, attempt) {
                Ok(answer) => return Ok(answer),
                Err((error, again)) if !again || attempt == self.attempts => return Err(error),
                Err(_) => {
                    std::thread::sleep(self.pause * attempt);
                    attempt += 1;
                }
            }
        }
    }
}

/// Whether reading has met the limit: the client hides its own error in one of input and output.
fn timed_out(error: &std::io::Error) -> bool {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<ureq::Error>());
    error.kind() == std::io::ErrorKind::TimedOut || matches!(inner, Some(ureq::Error::Timeout(_)))
}

/// What an endpoint says of an error: its message, or the beginning of its text.
fn message(text: &str) -> String {
    let known: Option<String> = serde_json::from_str::<Value>(text).ok().and_then(|value| {
        let error = &value["error"];
        Some(error["message"].as_str().or(error.as_str())?.to_owned())
    });
    beginning(&known.unwrap_or_else(|| text.trim().to_owned()))
}

fn beginning(text: &str) -> String {
    text.chars().take(200).collect()
}
