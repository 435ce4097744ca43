use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::SystemTime;

use serde_json::json;
use tokio::sync::watch;

use super::fleet::{Change, Deployment, Load};
use super::gate::Gate;
use super::http::{App, Ids, router};
use super::log::Log;
use super::metrics::Metrics;
use super::monitor::Monitor;
use super::quality::Quality;
use super::{LinearModel, Model, ServingError, Settings, Source, connection};

/// Shadows that are asked at once.
const SHADOWS: usize = 8;

/// A model to be served.
///
/// # Examples
/// ```
/// use std::io::{Read, Write};
/// use production::serving::{Folder, Service, Settings};
///
/// let folder = tempfile::tempdir()?; // with no champion.model yet
/// let settings = Settings { address: "127.0.0.1:0".parse()?, ..Settings::default() };
/// let running = Service::new(Folder::new(folder.path())).settings(settings).start()?;
///
/// let mut connection = std::net::TcpStream::connect(running.address())?;
/// connection.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
/// let mut answer = String::new();
/// connection.read_to_string(&mut answer)?;
/// assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
/// assert!(answer.contains("champion.model: there is no such file"));
/// assert!(running.stop().in_time);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Service {
    source: Box<dyn Source>,
    load: Load,
    settings: Settings,
    log: Option<Box<dyn Write + Send>>,
    until_signal: bool,
}

impl Service {
    /// A service of the versions that a source names, read as [`LinearModel`].
    #[must_use]
    pub fn new(source: impl Source + 'static) -> Service {
        Service {
            source: Box::new(source),
            load: Arc::new(|path| Ok(Arc::new(LinearModel::load(path)?))),
            settings: Settings::default(),
            log: None,
            until_signal: false,
        }
    }

    /// Sets how a version's file is read.
    #[must_use]
    pub fn load_with<F>(mut self, load: F) -> Service
    where
        F: Fn(&Path) -> Result<Arc<dyn Model>, ServingError> + Send + Sync + 'static,
    {
        self.load = Arc::new(load);
        self
    }

    /// Sets limits and times.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Service {
        self.settings = settings;
        self
    }

    /// Sets where log lines go, a line of JSON each; nowhere unless set.
    #[must_use]
    pub fn log_to(mut self, sink: impl Write + Send + 'static) -> Service {
        self.log = Some(Box::new(sink));
        self
    }

    /// Stops the service where the process is told to end: by SIGTERM, or by SIGINT, which Ctrl-C sends.
    #[must_use]
    pub fn until_signal(mut self) -> Service {
        self.until_signal = true;
        self
    }

    /// Starts the service on threads of its own, and returns once it listens.
    ///
    /// Without a champion it starts all the same: `/readyz` says why it is not ready, and the source is asked again.
    ///
    /// # Errors
    /// [`ServingError::Listen`]; [`ServingError::Setting`] where threads cannot be had.
    pub fn start(self) -> Result<Running, ServingError> {
        let settings = self.settings;
        let app = Arc::new(App {
            deployment: Deployment::new(self.source, self.load),
            gate: Gate::new(settings.concurrency, settings.queue),
            shadows: Gate::new(SHADOWS, 0),
            metrics: Metrics::default(),
            monitor: Monitor::new(settings.drift_window),
            quality: Quality::new(settings.remembered, settings.quality_window),
            log: Log::new(self.log),
            ids: Ids::new(),
            stopping: AtomicBool::new(false),
            started: SystemTime::now(),
            settings,
        });
        refresh(&app);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(app.settings.threads)
            .thread_name("serving")
            .enable_all()
            .build()
            .map_err(|error| ServingError::Setting {
                setting: "threads",
                reason: error.to_string(),
            })?;
        let (stop, told) = watch::channel(false);
        let (listens, when_listening) = mpsc::channel();
        let shared = Arc::clone(&app);
        let signalled = self.until_signal.then(|| stop.clone());
        let thread = std::thread::spawn(move || {
            if let Some(stop) = signalled {
                runtime.spawn(async move {
                    signal().await;
                    let _ = stop.send(true);
                });
            }
            let in_time = runtime.block_on(run(shared, told, listens));
            // what is still computed must not hold the process
            runtime.shutdown_background();
            in_time
        });
        match when_listening.recv() {
            Ok(Ok(address)) => Ok(Running {
                app,
                address,
                stop,
                thread: Some(thread),
            }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(ServingError::Setting {
                setting: "threads",
                reason: "the service ended before it listened".into(),
            }),
        }
    }
}

/// Waits until the process is told to end.
async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut end) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = end.recv() => return,
                _ = tokio::signal::ctrl_c() => return,
            }
        }
    }
    // without a handler nothing can be waited for
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

type Listens = mpsc::Sender<Result<SocketAddr, ServingError>>;

async fn run(app: Arc<App>, told: watch::Receiver<bool>, listens: Listens) -> bool {
    let listener = match connection::listen(app.settings.address) {
        Ok(listener) => listener,
        Err(error) => {
            let _ = listens.send(Err(error));
            return false;
        }
    };
    let address = listener.local_addr().unwrap_or(app.settings.address);
    app.log.event(
        "info",
        "listening",
        json!({ "address": address.to_string() }),
    );
    let _ = listens.send(Ok(address));
    let watched = Arc::clone(&app);
    let reloading = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(watched.settings.reload);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks.tick().await; // the first comes at once, and was done already
        loop {
            ticks.tick().await;
            let one = Arc::clone(&watched);
            let _ = tokio::task::spawn_blocking(move || refresh(&one)).await;
        }
    });
    let in_time = connection::serve(&app, listener, router(Arc::clone(&app)), told).await;
    reloading.abort();
    app.log
        .event("info", "stopped", json!({ "in_time": in_time }));
    in_time
}

/// Loads what is new; tells of it in log and metrics.
fn refresh(app: &App) {
    for change in app.deployment.refresh() {
        match change {
            Change::Loaded { role, version } => {
                app.metrics.reload("loaded");
                let fields = json!({ "role": role.name(), "version": version });
                app.log.event("info", "model loaded", fields);
            }
            Change::Removed { role, version } => {
                app.metrics.reload("removed");
                let fields = json!({ "role": role.name(), "version": version });
                app.log.event("info", "model removed", fields);
            }
            Change::Failed { what, error } => {
                app.metrics.reload("failed");
                let fields = json!({ "what": what, "error": error });
                app.log.event("error", "model not loaded", fields);
            }
        }
    }
}

/// A service that runs; it is stopped where this is dropped.
pub struct Running {
    app: Arc<App>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<bool>>,
}

/// How a service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Whether every request came to its end within the grace.
    pub in_time: bool,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks the source now, rather than at the next interval; returns once what is new serves.
    pub fn reload(&self) {
        refresh(&self.app);
    }

    /// Stops it: no new connections, and time for the requests that are being answered.
    #[must_use]
    pub fn stop(mut self) -> Drained {
        let _ = self.stop.send(true);
        self.join()
    }

    /// Waits until it ends, which takes a signal where [`Service::until_signal`] is set.
    #[must_use]
    pub fn wait(mut self) -> Drained {
        self.join()
    }

    fn join(&mut self) -> Drained {
        let ended = self.thread.take().map(JoinHandle::join);
        Drained {
            in_time: matches!(ended, Some(Ok(true))),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        self.join();
    }
}
