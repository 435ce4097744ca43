//! A Jupyter client: starts a kernel as a process group of its own, runs code on it, and leaves nothing
//! of it behind.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jupyter_protocol::connection_info::{ConnectionInfo, Transport};
use jupyter_protocol::messaging::{
    ExecuteRequest, ExecutionState, JupyterMessage, JupyterMessageContent, KernelInfoRequest,
    ReplyStatus, ShutdownRequest, Stdio as StreamName,
};
use jupyter_zmq_client as zmq;
use nbformat::v4::{ErrorOutput, ExecuteResult, MultilineString, Output};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// A page cannot hold more than this of one cell's text; the kernel is ended when a cell prints more.
pub const MAX_TEXT: usize = 2 << 20;

/// How a kernel is started.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Program and arguments; `{connection_file}` stands for the connection file's path.
    pub argv: Vec<OsString>,
    /// Variables set for it, beside those inherited.
    pub env: Vec<(OsString, OsString)>,
    /// How messages call it.
    pub name: String,
}

impl Launch {
    /// An `evcxr_jupyter`-like binary.
    pub fn binary(path: &Path) -> Launch {
        Launch {
            argv: vec![
                path.into(),
                "--control_file".into(),
                "{connection_file}".into(),
            ],
            env: Vec::new(),
            name: path.display().to_string(),
        }
    }
}

/// Why a kernel gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The program could not be started.
    #[error("the kernel `{name}` cannot be started: {source}")]
    Start {
        /// The kernel's name.
        name: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The kernel's process ended by itself.
    #[error("the kernel ended ({status}){}", tail_text(.stderr))]
    Ended {
        /// How it ended.
        status: String,
        /// Its last lines on stderr.
        stderr: Vec<String>,
    },
    /// No answer in time.
    #[error("no answer within {} s: the kernel was ended", .after.as_secs())]
    Timeout {
        /// The time given.
        after: Duration,
    },
    /// A cell printed more than a page can hold.
    #[error("the cell printed more than {} MB: the kernel was ended", MAX_TEXT >> 20)]
    Flood,
    /// Text of an earlier cell came after that cell had been taken for done.
    #[error("text that a cell before it printed came too late to be stored")]
    Late,
    /// The run was interrupted from outside.
    #[error("interrupted")]
    Interrupted,
    /// The connection failed.
    #[error("the connection to the kernel failed: {0}")]
    Connection(String),
}

fn tail_text(stderr: &[String]) -> String {
    if stderr.is_empty() {
        return "; it wrote nothing on stderr".into();
    }
    format!("; its last lines on stderr:\n{}", stderr.join("\n"))
}

/// What a running kernel tells while one waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Cargo compiles a crate for it.
    Compiling(String),
}

/// The answer to one piece of code.
#[derive(Debug, Clone, Default)]
pub struct Execution {
    /// The kernel's count.
    pub execution_count: Option<i32>,
    /// Text printed, then text on stderr, then results and errors.
    pub outputs: Vec<Output>,
    /// Whether the kernel said `ok`.
    pub ok: bool,
    /// From request to idle.
    pub elapsed: Duration,
}

/// A kernel that runs.
pub struct Kernel {
    child: Child,
    group: Option<i32>,
    stderr: Arc<Mutex<VecDeque<String>>>,
    events: mpsc::UnboundedReceiver<Event>,
    iopub: mpsc::UnboundedReceiver<JupyterMessage>,
    replies: mpsc::UnboundedReceiver<JupyterMessage>,
    shell: zmq::DealerSendConnection,
    control: zmq::ClientControlConnection,
    readers: Vec<tokio::task::JoinHandle<()>>,
    _connection_file: tempfile::NamedTempFile,
    /// From the process's start to its first answer.
    pub startup: Duration,
}

impl Kernel {
    /// Starts a kernel in `folder` and waits until it answers, at most for `patience`.
    ///
    /// # Errors
    /// [`ClientError`]: it cannot be started, ends at once, or does not answer.
    pub async fn start(
        launch: &Launch,
        folder: &Path,
        patience: Duration,
    ) -> Result<Kernel, ClientError> {
        let began = Instant::now();
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (ports, listeners) = zmq::peek_ports_with_listeners(ip, 5)
            .await
            .map_err(connection)?;
        let info = ConnectionInfo {
            ip: ip.to_string(),
            transport: Transport::TCP,
            shell_port: ports[0],
            iopub_port: ports[1],
            stdin_port: ports[2],
            control_port: ports[3],
            hb_port: ports[4],
            key: uuid::Uuid::new_v4().to_string(),
            signature_scheme: "hmac-sha256".into(),
            kernel_name: Some("rust".into()),
        };
        let start_error = |source| ClientError::Start {
            name: launch.name.clone(),
            source,
        };
        // only this user may read the key: NamedTempFile creates with mode 0600
        let mut file = tempfile::Builder::new()
            .prefix("course-kernel-")
            .suffix(".json")
            .tempfile()
            .map_err(start_error)?;
        let text = serde_json::to_string(&info).map_err(connection)?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.flush())
            .map_err(start_error)?;

        let argv: Vec<OsString> = launch
            .argv
            .iter()
            .map(|a| match a.to_str() {
                Some(s) if s.contains("{connection_file}") => s
                    .replace("{connection_file}", &file.path().to_string_lossy())
                    .into(),
                _ => a.clone(),
            })
            .collect();
        let mut command = Command::new(&argv[0]);
        command
            .args(&argv[1..])
            .envs(launch.env.iter().map(|(k, v)| (k, v)))
            // a panic's backtrace is of the kernel's insides, and differs from machine to machine
            .env("RUST_BACKTRACE", "0")
            .env_remove("CARGO_TARGET_DIR")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        // a tool that is killed outright takes its kernel along
        #[cfg(target_os = "linux")]
        // SAFETY: prctl is async-signal-safe and touches nothing of this process.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
                Ok(())
            });
        }
        let mut child = command.spawn().map_err(start_error)?;
        drop(listeners);
        let group = child.id().and_then(|id| i32::try_from(id).ok());

        let stderr = Arc::new(Mutex::new(VecDeque::new()));
        let (event_sender, events) = mpsc::unbounded_channel();
        let mut readers = Vec::new();
        if let Some(pipe) = child.stderr.take() {
            readers.push(tokio::spawn(read_stderr(
                pipe,
                stderr.clone(),
                event_sender,
            )));
        }
        let ready = Self::connect(&info, &mut child, &mut readers);
        let connected = tokio::select! {
            done = ready => done,
            () = tokio::time::sleep(patience) => Err(ClientError::Timeout { after: patience }),
        };
        let (iopub, replies, shell, control) = match connected {
            Ok(parts) => parts,
            Err(e) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                end_group(group, &mut child).await;
                return Err(with_stderr(e, &stderr));
            }
        };
        let mut kernel = Kernel {
            child,
            group,
            stderr,
            events,
            iopub,
            replies,
            shell,
            control,
            readers,
            _connection_file: file,
            startup: Duration::ZERO,
        };
        match tokio::time::timeout(patience, kernel.wait_ready()).await {
            Ok(Ok(())) => {
                kernel.startup = began.elapsed();
                Ok(kernel)
            }
            Ok(Err(e)) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let e = with_stderr(e, &kernel.stderr);
                kernel.kill().await;
                Err(e)
            }
            Err(_) => {
                kernel.kill().await;
                Err(ClientError::Timeout { after: patience })
            }
        }
    }

    #[allow(clippy::type_complexity)]
    async fn connect(
        info: &ConnectionInfo,
        child: &mut Child,
        readers: &mut Vec<tokio::task::JoinHandle<()>>,
    ) -> Result<
        (
            mpsc::UnboundedReceiver<JupyterMessage>,
            mpsc::UnboundedReceiver<JupyterMessage>,
            zmq::DealerSendConnection,
            zmq::ClientControlConnection,
        ),
        ClientError,
    > {
        let session = uuid::Uuid::new_v4().to_string();
        // the sockets can be connected once the kernel listens
        for port in [info.shell_port, info.iopub_port, info.control_port] {
            loop {
                if let Some(status) = child.try_wait().map_err(connection)? {
                    return Err(ClientError::Ended {
                        status: status_text(status),
                        stderr: Vec::new(),
                    });
                }
                if tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                    .await
                    .is_ok()
                {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        let identity = zmq::peer_identity_for_session(&session).map_err(connection)?;
        let shell = zmq::create_client_shell_connection_with_identity(info, &session, identity)
            .await
            .map_err(connection)?;
        let mut iopub = zmq::create_client_iopub_connection(info, "", &session)
            .await
            .map_err(connection)?;
        let control = zmq::create_client_control_connection(info, &session)
            .await
            .map_err(connection)?;
        let (send, mut receive) = shell.split();
        let (iopub_sender, iopub_receiver) = mpsc::unbounded_channel();
        let (reply_sender, reply_receiver) = mpsc::unbounded_channel();
        readers.push(tokio::spawn(async move {
            loop {
                let sent = match iopub.read().await {
                    Ok(message) => iopub_sender.send(message).is_ok(),
                    // an unknown message is passed over; the socket's end ends the task
                    Err(zmq::RuntimeError::ParseError { .. }) => true,
                    Err(_) => false,
                };
                if !sent {
                    return;
                }
            }
        }));
        readers.push(tokio::spawn(async move {
            loop {
                let sent = match receive.read().await {
                    Ok(message) => reply_sender.send(message).is_ok(),
                    Err(zmq::RuntimeError::ParseError { .. }) => true,
                    Err(_) => false,
                };
                if !sent {
                    return;
                }
            }
        }));
        Ok((iopub_receiver, reply_receiver, send, control))
    }

    /// Asks for the kernel's info until an answer is seen on iopub too: the subscription may lose the
    /// first messages.
    async fn wait_ready(&mut self) -> Result<(), ClientError> {
        loop {
            let request = JupyterMessage::new(KernelInfoRequest::default(), None);
            let id = request.header.msg_id.clone();
            self.shell.send(request).await.map_err(connection)?;
            let mut replied = false;
            let deadline = tokio::time::Instant::now() + Duration::from_millis(400);
            let mut idle = false;
            while !idle {
                tokio::select! {
                    status = self.child.wait() => return Err(ended(status)),
                    Some(message) = self.iopub.recv() => {
                        if is_child_of(&message, &id) && is_idle(&message) {
                            idle = true;
                        }
                    }
                    Some(message) = self.replies.recv() => replied |= is_child_of(&message, &id),
                    // while the shell is not there yet, keep waiting for the reply of this request
                    () = tokio::time::sleep_until(deadline), if replied => break,
                }
            }
            if idle {
                return Ok(());
            }
        }
    }

    /// Runs code to its end. `on_event` hears what is being compiled meanwhile.
    ///
    /// # Errors
    /// [`ClientError`]; the kernel is then of no more use and should be [`kill`](Self::kill)ed.
    pub async fn execute(
        &mut self,
        code: &str,
        limit: Duration,
        mut on_event: impl FnMut(Event),
    ) -> Result<Execution, ClientError> {
        let mut late = 0;
        while let Ok(message) = self.iopub.try_recv() {
            late += text_length(&message);
        }
        let began = Instant::now();
        let deadline = tokio::time::Instant::now() + limit;
        let request = JupyterMessage::new(
            ExecuteRequest {
                allow_stdin: false,
                ..ExecuteRequest::new(code.to_string())
            },
            None,
        );
        let id = request.header.msg_id.clone();
        self.shell.send(request).await.map_err(connection)?;
        let mut heard = Heard::default();
        let (mut idle, mut reply) = (false, None);
        while !idle || reply.is_none() {
            tokio::select! {
                biased;
                Some(message) = self.iopub.recv() => {
                    if is_child_of(&message, &id) {
                        idle |= is_idle(&message);
                        heard.take(message);
                        if heard.stdout.len() + heard.stderr.len() > MAX_TEXT {
                            return Err(ClientError::Flood);
                        }
                    } else {
                        late += text_length(&message);
                    }
                    match late {
                        0 => {}
                        n if n > MAX_TEXT => return Err(ClientError::Flood),
                        _ => return Err(ClientError::Late),
                    }
                }
                Some(message) = self.replies.recv() => {
                    if is_child_of(&message, &id)
                        && let JupyterMessageContent::ExecuteReply(r) = message.content
                    {
                        reply = Some(r);
                    }
                }
                Some(event) = self.events.recv() => on_event(event),
                status = self.child.wait() => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    return Err(with_stderr(ended(status), &self.stderr));
                }
                () = tokio::time::sleep_until(deadline) => return Err(ClientError::Timeout { after: limit }),
            }
        }
        let elapsed = began.elapsed();
        // What a cell printed may come after its idle: the kernel passes text on beside the answers. It
        // keeps the order of what waits to be sent, so that text comes before the idle of a later request.
        let probe = JupyterMessage::new(KernelInfoRequest::default(), None);
        let probe_id = probe.header.msg_id.clone();
        self.shell.send(probe).await.map_err(connection)?;
        let patience = tokio::time::Instant::now() + Duration::from_secs(20);
        while let Ok(Some(message)) = tokio::time::timeout_at(patience, self.iopub.recv()).await {
            if is_child_of(&message, &probe_id) && is_idle(&message) {
                break;
            }
            if is_child_of(&message, &id) {
                heard.take(message);
            }
        }
        if heard.stdout.len() + heard.stderr.len() > MAX_TEXT {
            return Err(ClientError::Flood);
        }
        // and text on stderr comes to the kernel by a road of its own
        let drain = tokio::time::Instant::now() + Duration::from_millis(60);
        while let Ok(Some(message)) = tokio::time::timeout_at(drain, self.iopub.recv()).await {
            if is_child_of(&message, &id) {
                heard.take(message);
            }
        }
        let ok = reply.as_ref().is_some_and(|r| r.status == ReplyStatus::Ok);
        let count = reply.and_then(|r| i32::try_from(r.execution_count.value()).ok());
        Ok(Execution {
            execution_count: count,
            outputs: heard.outputs(),
            ok,
            elapsed,
        })
    }

    /// Asks the kernel to end, and ends what has not ended within two seconds.
    pub async fn shutdown(mut self) {
        let request = JupyterMessage::new(ShutdownRequest { restart: false }, None);
        if self.control.send(request).await.is_ok() {
            let _ = tokio::time::timeout(Duration::from_secs(2), self.child.wait()).await;
        }
        self.kill().await;
    }

    /// Ends the kernel's whole process group at once.
    pub async fn kill(mut self) {
        end_group(self.group, &mut self.child).await;
        for reader in &self.readers {
            reader.abort();
        }
    }

    /// The process group of the kernel.
    pub fn group(&self) -> Option<i32> {
        self.group
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        signal_group(self.group, libc::SIGKILL);
        for reader in &self.readers {
            reader.abort();
        }
    }
}

/// Sends a signal to a process group; a group that is gone is no fault.
fn signal_group(group: Option<i32>, signal: i32) {
    #[cfg(unix)]
    if let Some(group) = group {
        // SAFETY: kill has no memory effects; the group is the one this client created.
        unsafe {
            libc::kill(-group, signal);
        }
    }
    #[cfg(not(unix))]
    let _ = (group, signal);
}

async fn end_group(group: Option<i32>, child: &mut Child) {
    // the kernel cleans its session folder up when asked politely
    signal_group(group, libc::SIGTERM);
    let _ = tokio::time::timeout(Duration::from_millis(500), child.wait()).await;
    signal_group(group, libc::SIGKILL);
    let _ = child.kill().await;
}

/// The messages that belong to one request.
#[derive(Default)]
struct Heard {
    stdout: String,
    stderr: String,
    rich: Vec<Output>,
}

impl Heard {
    fn take(&mut self, message: JupyterMessage) {
        match message.content {
            JupyterMessageContent::StreamContent(s) => match s.name {
                StreamName::Stdout => self.stdout.push_str(&s.text),
                StreamName::Stderr => self.stderr.push_str(&s.text),
            },
            JupyterMessageContent::ExecuteResult(r) => {
                self.rich.push(Output::ExecuteResult(ExecuteResult {
                    execution_count: r.execution_count,
                    data: r.data,
                    metadata: r.metadata,
                }))
            }
            JupyterMessageContent::DisplayData(d) => {
                self.rich
                    .push(Output::DisplayData(nbformat::v4::DisplayData {
                        data: d.data,
                        metadata: d.metadata,
                    }));
            }
            JupyterMessageContent::ErrorOutput(e) => self.rich.push(Output::Error(ErrorOutput {
                ename: e.ename,
                evalue: e.evalue,
                traceback: e.traceback,
            })),
            _ => {}
        }
    }

    /// stdout and stderr reach us on two roads, so that their order is chance: one stream each.
    fn outputs(self) -> Vec<Output> {
        let mut outputs = Vec::new();
        for (name, text) in [("stdout", self.stdout), ("stderr", self.stderr)] {
            if !text.is_empty() {
                outputs.push(Output::Stream {
                    name: name.into(),
                    text: MultilineString(text),
                });
            }
        }
        outputs.extend(self.rich);
        outputs
    }
}

async fn read_stderr(
    pipe: tokio::process::ChildStderr,
    tail: Arc<Mutex<VecDeque<String>>>,
    events: mpsc::UnboundedSender<Event>,
) {
    let mut lines = BufReader::new(pipe).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line).trim_end().to_string();
        if let Some(what) = strip_ansi(&line).trim_start().strip_prefix("Compiling ") {
            let _ = events.send(Event::Compiling(
                what.split(" (").next().unwrap_or(what).to_string(),
            ));
        }
        if let Ok(mut tail) = tail.lock() {
            tail.push_back(line);
            if tail.len() > 20 {
                tail.pop_front();
            }
        }
    }
}

fn with_stderr(error: ClientError, tail: &Arc<Mutex<VecDeque<String>>>) -> ClientError {
    match error {
        ClientError::Ended { status, stderr } if stderr.is_empty() => {
            let lines = tail
                .lock()
                .map(|t| t.iter().cloned().collect())
                .unwrap_or_default();
            ClientError::Ended {
                status,
                stderr: lines,
            }
        }
        other => other,
    }
}

fn ended(status: std::io::Result<ExitStatus>) -> ClientError {
    ClientError::Ended {
        status: status.map_or_else(|e| e.to_string(), status_text),
        stderr: Vec::new(),
    }
}

fn status_text(status: ExitStatus) -> String {
    status.to_string()
}

fn connection(e: impl std::fmt::Display) -> ClientError {
    ClientError::Connection(e.to_string())
}

fn is_child_of(message: &JupyterMessage, id: &str) -> bool {
    message
        .parent_header
        .as_ref()
        .is_some_and(|p| p.msg_id == id)
}

/// The bytes of text in a message, if it is one of printed text.
fn text_length(message: &JupyterMessage) -> usize {
    match &message.content {
        JupyterMessageContent::StreamContent(s) => s.text.len(),
        _ => 0,
    }
}

fn is_idle(message: &JupyterMessage) -> bool {
    matches!(&message.content, JupyterMessageContent::Status(s) if s.execution_state == ExecutionState::Idle)
}

/// A text without terminal colours.
pub fn strip_ansi(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.peek() == Some(&'[') {
            chars.next();
            for c in chars.by_ref() {
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Finds the kernel that `--kernel` names: a program's path, or an installed kernelspec.
///
/// # Errors
/// A sentence that says what was looked for.
pub async fn find(name: &str) -> Result<Launch, String> {
    let path = PathBuf::from(name);
    if name.contains('/') || name.contains('\\') || path.is_file() {
        return match path.canonicalize() {
            Ok(full) => Ok(Launch::binary(&full)),
            Err(e) => Err(format!("the kernel `{name}` cannot be found: {e}")),
        };
    }
    let found = zmq::find_kernelspec_with_jupyter_paths(name).await;
    let found = match found {
        Ok(spec) => Ok(spec),
        Err(_) => zmq::find_kernelspec(name).await,
    };
    match found {
        Ok(dir) => Ok(Launch {
            argv: dir.kernelspec.argv.iter().map(OsString::from).collect(),
            env: dir
                .kernelspec
                .env
                .unwrap_or_default()
                .into_iter()
                .map(|(k, v)| (k.into(), v.into()))
                .collect(),
            name: name.to_string(),
        }),
        Err(_) => {
            let mut known: Vec<String> = zmq::list_kernelspecs()
                .await
                .into_iter()
                .map(|k| k.kernel_name)
                .collect();
            known.sort();
            known.dedup();
            Err(format!(
                "no kernelspec `{name}` and no such program; installed kernels: {}",
                if known.is_empty() {
                    "none".into()
                } else {
                    known.join(", ")
                }
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_stripped() {
        assert_eq!(strip_ansi("\u{1b}[31mred\u{1b}[0m plain"), "red plain");
    }

    #[tokio::test]
    async fn a_kernel_that_exits_at_once_is_reported_with_its_stderr() {
        let launch = Launch {
            argv: vec![
                "sh".into(),
                "-c".into(),
                "echo out of memory >&2; exit 3".into(),
            ],
            env: Vec::new(),
            name: "sh".into(),
        };
        let Err(error) = Kernel::start(&launch, Path::new("."), Duration::from_secs(10)).await
        else {
            panic!("started")
        };
        let text = error.to_string();
        assert!(
            text.contains("exit status: 3") && text.contains("out of memory"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        assert!(
            find("./no/such/kernel")
                .await
                .unwrap_err()
                .contains("no/such/kernel")
        );
        assert!(
            find("no-such-kernelspec")
                .await
                .unwrap_err()
                .contains("no-such-kernelspec")
        );
        let launch = Launch::binary(Path::new("/no/such/kernel"));
        let Err(error) = Kernel::start(&launch, Path::new("."), Duration::from_secs(5)).await
        else {
            panic!("started")
        };
        assert!(error.to_string().contains("cannot be started"), "{error}");
    }
}
