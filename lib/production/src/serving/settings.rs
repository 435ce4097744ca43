use std::net::SocketAddr;
use std::time::Duration;

use super::ServingError;

/// Limits and times of a service; [`Settings::set`] takes them as text.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where to listen; port 0 takes a free one. `127.0.0.1:8080` unless set.
    pub address: SocketAddr,
    /// Threads that answer; the processor's cores unless set.
    pub threads: usize,
    /// The longest body of a request, in bytes; 512 KiB unless set.
    pub body_limit: usize,
    /// The most rows of a batch; 1,000 unless set.
    pub batch_limit: usize,
    /// Requests that are worked on at once; 64 unless set.
    pub concurrency: usize,
    /// Requests that may wait for a place; more are told to come later. 4,096 unless set.
    pub queue: usize,
    /// Connections at once; more wait to be accepted. 8,192 unless set.
    pub connections: usize,
    /// How long an answer may take, the wait for a place included; 5 s unless set.
    pub timeout: Duration,
    /// How long a client may take to send a request's head, and its body; 10 s unless set.
    pub read_timeout: Duration,
    /// How often the source is asked for newer versions; 5 s unless set.
    pub reload: Duration,
    /// The share of the requests that the canary answers, from 0 to 1; 0.05 unless set.
    pub canary_share: f64,
    /// Rows in the window that drift is judged by; 2,000 unless set.
    pub drift_window: usize,
    /// Predictions that are remembered until their outcome comes; 100,000 unless set.
    pub remembered: usize,
    /// Outcomes that a version's quality is judged by; 2,000 unless set.
    pub quality_window: usize,
    /// How long the service says that it is not ready before it stops accepting; none unless set.
    pub drain: Duration,
    /// How long requests may take to end once the service stops; 20 s unless set.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            threads: std::thread::available_parallelism().map_or(2, usize::from),
            body_limit: 512 * 1024,
            batch_limit: 1_000,
            concurrency: 64,
            queue: 4_096,
            connections: 8_192,
            timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(10),
            reload: Duration::from_secs(5),
            canary_share: 0.05,
            drift_window: 2_000,
            remembered: 100_000,
            quality_window: 2_000,
            drain: Duration::ZERO,
            grace: Duration::from_secs(20),
        }
    }
}

impl Settings {
    /// The names that [`set`](Self::set) takes.
    pub const NAMES: [&str; 16] = [
        "address",
        "threads",
        "body-limit",
        "batch-limit",
        "concurrency",
        "queue",
        "connections",
        "timeout",
        "read-timeout",
        "reload",
        "canary-share",
        "drift-window",
        "remembered",
        "quality-window",
        "drain",
        "grace",
    ];

    /// Sets one by its name, from text; times in seconds.
    ///
    /// # Errors
    /// [`ServingError::Setting`] with what is wrong.
    ///
    /// # Examples
    /// ```
    /// use production::serving::Settings;
    ///
    /// let mut settings = Settings::default();
    /// settings.set("timeout", "0.5")?;
    /// assert_eq!(settings.timeout.as_millis(), 500);
    /// let error = settings.set("canary-share", "7").unwrap_err().to_string();
    /// assert_eq!(error, "canary-share: 7 is no share from 0 to 1");
    /// # Ok::<(), production::serving::ServingError>(())
    /// ```
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), ServingError> {
        let name = *Settings::NAMES
            .iter()
            .find(|known| **known == name)
            .ok_or_else(|| ServingError::Setting {
                setting: "settings",
                reason: format!("no {name:?}; there are {}", Settings::NAMES.join(", ")),
            })?;
        let wrong = |what: &str| ServingError::Setting {
            setting: name,
            reason: format!("{value} is {what}"),
        };
        let count = || -> Result<usize, ServingError> {
            let count = value.parse().ok().filter(|count| *count > 0);
            count.ok_or_else(|| wrong("no whole number from 1"))
        };
        let seconds = || -> Result<Duration, ServingError> {
            let seconds = value.parse().ok();
            let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            time.ok_or_else(|| wrong("no time in seconds"))
        };
        let time = || -> Result<Duration, ServingError> {
            let time = seconds()?;
            if time.is_zero() {
                return Err(wrong("too short"));
            }
            Ok(time)
        };
        match name {
            "address" => {
                let address = value.parse();
                self.address = address.map_err(|_| wrong("no address such as 127.0.0.1:8080"))?;
            }
            "threads" => self.threads = count()?,
            "body-limit" => self.body_limit = count()?,
            "batch-limit" => self.batch_limit = count()?,
            "concurrency" => self.concurrency = count()?.min(100_000),
            "queue" => self.queue = count()?,
            "connections" => self.connections = count()?.min(1_000_000),
            "timeout" => self.timeout = time()?,
            "read-timeout" => self.read_timeout = time()?,
            "reload" => self.reload = time()?,
            "canary-share" => {
                let share: Option<f64> = value.parse().ok();
                let share = share.filter(|share| (0.0..=1.0).contains(share));
                self.canary_share = share.ok_or_else(|| wrong("no share from 0 to 1"))?;
            }
            "drift-window" => self.drift_window = count()?,
            "remembered" => self.remembered = count()?,
            "quality-window" => self.quality_window = count()?,
            "drain" => self.drain = seconds()?,
            _ => self.grace = seconds()?,
        }
        Ok(())
    }
}
