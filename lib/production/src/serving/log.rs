//! Structured logs: a line of JSON an event.

use std::io::Write;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

/// Where log lines go; nowhere unless set.
pub(crate) struct Log(Option<Mutex<Box<dyn Write + Send>>>);

impl Log {
    pub fn new(sink: Option<Box<dyn Write + Send>>) -> Log {
        Log(sink.map(Mutex::new))
    }

    /// Writes an event; `fields` is an object.
    pub fn event(&self, level: &str, event: &str, fields: Value) {
        let Some(sink) = &self.0 else { return };
        let mut line = Map::new();
        line.insert("time".into(), now().into());
        line.insert("level".into(), level.into());
        line.insert("event".into(), event.into());
        if let Value::Object(fields) = fields {
            line.extend(fields);
        }
        let mut text = Value::Object(line).to_string();
        text.push('\n');
        let mut sink = sink.lock().unwrap_or_else(|e| e.into_inner());
        // a full disk or a closed pipe must not stop the service
        let _ = sink.write_all(text.as_bytes());
        let _ = sink.flush();
    }

    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }
}

/// Now, in UTC, as RFC 3339 with milliseconds.
fn now() -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    rfc3339(since.as_secs(), since.subsec_millis())
}

fn rfc3339(seconds: u64, millis: u32) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // days since 1 March of the year 0, in eras of 400 years
    let z = days + 719_468;
    let (era, day) = (z / 146_097, z % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let m = (5 * of_year + 2) / 153;
    let date = of_year - (153 * m + 2) / 5 + 1;
    let month = if m < 10 { m + 3 } else { m - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn dates_are_those_of_the_calendar() {
        // `date -u -d @SECONDS`
        assert_eq!(rfc3339(0, 0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(951_782_400, 7), "2000-02-29T00:00:00.007Z");
        assert_eq!(rfc3339(1_735_689_599, 999), "2024-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(4_107_542_400, 0), "2100-03-01T00:00:00.000Z");
    }
}
