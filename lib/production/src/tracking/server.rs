//! Which server, as whom, and how patiently.

use std::time::Duration;

use super::TrackingError;

/// A server that speaks MLflow's REST interface. Its secrets are in no message and no `Debug` output.
#[derive(Clone)]
pub struct Server {
    pub(crate) uri: String,
    pub(crate) login: Login,
    pub(crate) attempts: u32,
    pub(crate) pause: Duration,
    pub(crate) time_limit: Duration,
}

#[derive(Clone)]
pub(crate) enum Login {
    None,
    Basic { username: String, password: String },
    Token(String),
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let login = match &self.login {
            Login::None => "none".to_owned(),
            Login::Basic { username, .. } => format!("as {username}"),
            Login::Token(_) => "by token".to_owned(),
        };
        f.debug_struct("Server")
            .field("uri", &self.uri)
            .field("login", &login)
            .field("attempts", &self.attempts)
            .field("pause", &self.pause)
            .field("time_limit", &self.time_limit)
            .finish()
    }
}

impl Server {
    /// A server at an address such as `http://127.0.0.1:5000`, with or without a path. A request is tried 6 times,
    /// 0.5 to 16 s apart, each for 30 s at most.
    ///
    /// # Errors
    /// [`TrackingError::Setting`] where it is not an address of http, or one of https without the feature `tls`.
    ///
    /// # Examples
    /// ```
    /// use production::tracking::Server;
    ///
    /// let server = Server::new("http://127.0.0.1:5000/")?.basic("ada", "a secret");
    /// assert!(!format!("{server:?}").contains("a secret"));
    /// assert!(Server::new("sqlite:///mlflow.db").is_err());
    /// # Ok::<(), production::tracking::TrackingError>(())
    /// ```
    pub fn new(uri: &str) -> Result<Server, TrackingError> {
        let wrong = |reason: String| {
            Err(TrackingError::Setting {
                setting: "MLFLOW_TRACKING_URI",
                reason,
            })
        };
        let uri = uri.trim().trim_end_matches('/');
        let Some((scheme, rest)) = uri.split_once("://") else {
            return wrong(format!(
                "{uri:?} is no address such as http://127.0.0.1:5000"
            ));
        };
        match scheme {
            "http" => {}
            "https" if cfg!(feature = "tls") => {}
            "https" => {
                return wrong("https needs the feature `tls` of the crate `production`".into());
            }
            _ => {
                return wrong(format!(
                    "{scheme}: runs go to a server over http; a folder is COURSE_TRACKING_DIR"
                ));
            }
        }
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if host.contains('@') {
            return wrong(
                "names and passwords belong in MLFLOW_TRACKING_USERNAME and _PASSWORD, not here"
                    .into(),
            );
        }
        if host.is_empty() || rest.contains(['?', '#', ' ']) {
            return wrong(format!(
                "{uri:?} is no address such as http://127.0.0.1:5000"
            ));
        }
        Ok(Server {
            uri: uri.into(),
            login: Login::None,
            attempts: 6,
            pause: Duration::from_millis(500),
            time_limit: Duration::from_secs(30),
        })
    }

    /// The server that the environment variables name, if they do.
    ///
    /// # Errors
    /// [`TrackingError::Setting`] naming the variable.
    pub fn from_env() -> Result<Option<Server>, TrackingError> {
        let Some(uri) = variable("MLFLOW_TRACKING_URI")? else {
            return Ok(None);
        };
        let mut server = Server::new(&uri)?;
        let username = variable("MLFLOW_TRACKING_USERNAME")?;
        let password = variable("MLFLOW_TRACKING_PASSWORD")?;
        let token = variable("MLFLOW_TRACKING_TOKEN")?;
        server = match (username, password, token) {
            (Some(username), Some(password), _) => server.basic(&username, &password),
            (Some(_), None, _) => {
                return missing("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_USERNAME");
            }
            (None, Some(_), _) => {
                return missing("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD");
            }
            (None, None, Some(token)) => server.token(&token),
            (None, None, None) => server,
        };
        if let Some(retries) = number("MLFLOW_HTTP_REQUEST_MAX_RETRIES")? {
            server = server.attempts(1 + u32::try_from(retries).unwrap_or(u32::MAX - 1));
        }
        if let Some(seconds) = number("MLFLOW_HTTP_REQUEST_TIMEOUT")? {
            server = server.time_limit(Duration::from_secs(seconds.max(1)));
        }
        Ok(Some(server))
    }

    /// Asks with a name and a password.
    #[must_use]
    pub fn basic(mut self, username: &str, password: &str) -> Server {
        self.login = Login::Basic {
            username: username.into(),
            password: password.into(),
        };
        self
    }

    /// Asks with a bearer token.
    #[must_use]
    pub fn token(mut self, token: &str) -> Server {
        self.login = Login::Token(token.into());
        self
    }

    /// How often a request is tried, at least once.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Server {
        self.attempts = attempts.max(1);
        self
    }

    /// The pause before the second attempt; each further one is twice as long, of which a random half is left out.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Server {
        self.pause = pause;
        self
    }

    /// How long an attempt may wait for the server.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Server {
        self.time_limit = limit;
        self
    }

    /// Its address.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }
}

/// A variable that is set and not empty.
pub(crate) fn variable(name: &'static str) -> Result<Option<String>, TrackingError> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value.trim().to_owned()).filter(|v| !v.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(e) => Err(TrackingError::Setting {
            setting: name,
            reason: e.to_string(),
        }),
    }
}

fn number(name: &'static str) -> Result<Option<u64>, TrackingError> {
    let Some(value) = variable(name)? else {
        return Ok(None);
    };
    match value.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(TrackingError::Setting {
            setting: name,
            reason: format!("{value:?} is not a whole number"),
        }),
    }
}

fn missing<T>(setting: &'static str, other: &str) -> Result<T, TrackingError> {
    Err(TrackingError::Setting {
        setting,
        reason: format!("not set, but {other} is"),
    })
}
