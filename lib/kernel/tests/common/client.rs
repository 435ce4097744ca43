//! A kernel process and a Jupyter client for it.

use jupyter_protocol::connection_info::{ConnectionInfo, Transport};
use jupyter_protocol::messaging::{
    ExecuteRequest, ExecutionState, JupyterMessage, JupyterMessageContent, KernelInfoRequest,
    ReplyStatus, ShutdownRequest,
};
use jupyter_zmq_client as zmq;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(300);

/// A running kernel.
pub struct Kernel {
    runtime: Runtime,
    pub child: Child,
    shell: zmq::ClientShellConnection,
    iopub: zmq::ClientIoPubConnection,
    control: zmq::ClientControlConnection,
    _connection: tempfile::TempDir,
}

/// What a cell answered.
#[derive(Debug)]
pub struct Answer {
    pub ok: bool,
    /// All text that it showed: streams, results and errors.
    pub text: String,
}

impl Kernel {
    /// Starts `binary` in `folder`, as the leader of a process group, for the book at `root`.
    pub fn start(binary: &Path, root: &Path, folder: &Path, env: &[(&str, &str)]) -> Kernel {
        use std::os::unix::process::CommandExt;
        let runtime = Runtime::new().unwrap();
        let connection = tempfile::tempdir().unwrap();
        let ports = runtime
            .block_on(zmq::peek_ports("127.0.0.1".parse().unwrap(), 5))
            .unwrap();
        let info = ConnectionInfo {
            ip: "127.0.0.1".into(),
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
        let file: PathBuf = connection.path().join("connection.json");
        std::fs::write(&file, serde_json::to_string(&info).unwrap()).unwrap();
        let child = Command::new(binary)
            .arg("--control_file")
            .arg(&file)
            .current_dir(folder)
            .env("COURSE_ROOT", root)
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        for port in [info.shell_port, info.iopub_port, info.control_port] {
            super::common::wait_until("the kernel listens", || {
                std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
            });
        }
        let session = uuid::Uuid::new_v4().to_string();
        let (shell, iopub, control) = runtime.block_on(async {
            let identity = zmq::peer_identity_for_session(&session).unwrap();
            let shell =
                zmq::create_client_shell_connection_with_identity(&info, &session, identity)
                    .await
                    .unwrap();
            let iopub = zmq::create_client_iopub_connection(&info, "", &session)
                .await
                .unwrap();
            let control = zmq::create_client_control_connection(&info, &session)
                .await
                .unwrap();
            (shell, iopub, control)
        });
        let mut kernel = Kernel {
            runtime,
            child,
            shell,
            iopub,
            control,
            _connection: connection,
        };
        kernel.wait_ready();
        kernel
    }

    /// A subscription may lose what comes first: asked again until an answer comes there too.
    fn wait_ready(&mut self) {
        self.runtime.block_on(async {
            loop {
                let request = JupyterMessage::new(KernelInfoRequest::default(), None);
                let id = request.header.msg_id.clone();
                self.shell.send(request).await.unwrap();
                timeout(PATIENCE, self.shell.read()).await.unwrap().unwrap();
                while let Ok(Ok(message)) =
                    timeout(Duration::from_millis(500), self.iopub.read()).await
                {
                    if answers(&message, &id) && is_idle(&message) {
                        return;
                    }
                }
            }
        });
    }

    /// Runs a cell to its end.
    pub fn run(&mut self, code: &str) -> Answer {
        self.runtime.block_on(async {
            let request = JupyterMessage::new(ExecuteRequest::new(code.to_owned()), None);
            let id = request.header.msg_id.clone();
            self.shell.send(request).await.unwrap();
            let mut text = String::new();
            loop {
                let message = timeout(PATIENCE, self.iopub.read()).await.unwrap().unwrap();
                if !answers(&message, &id) {
                    continue;
                }
                let idle = is_idle(&message);
                take_text(&message, &mut text);
                if idle {
                    break;
                }
            }
            // What was written to stderr may come late.
            while let Ok(Ok(message)) = timeout(Duration::from_millis(200), self.iopub.read()).await
            {
                take_text(&message, &mut text);
            }
            loop {
                let message = timeout(PATIENCE, self.shell.read()).await.unwrap().unwrap();
                if let JupyterMessageContent::ExecuteReply(reply) = &message.content
                    && answers(&message, &id)
                {
                    return Answer {
                        ok: reply.status == ReplyStatus::Ok,
                        text,
                    };
                }
            }
        })
    }

    /// Runs a cell that must succeed, and returns what it showed.
    pub fn show(&mut self, code: &str) -> String {
        let answer = self.run(code);
        assert!(answer.ok, "{code}\n{}", answer.text);
        answer.text
    }

    /// Asks the kernel to end, and waits for it.
    pub fn shut_down(mut self) -> ExitStatus {
        self.runtime.block_on(async {
            let request = JupyterMessage::new(ShutdownRequest { restart: false }, None);
            self.control.send(request).await.unwrap();
        });
        self.child.wait().unwrap()
    }

    /// Sends `signal` to the kernel, or to its whole group, and waits for it to end.
    pub fn signal(mut self, signal: i32, group: bool) -> ExitStatus {
        let pid = i32::try_from(self.child.id()).unwrap();
        let to = if group { -pid } else { pid };
        // Safety: kill has no memory effects, and the process is this client's own child.
        assert_eq!(unsafe { libc::kill(to, signal) }, 0);
        self.child.wait().unwrap()
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answers(message: &JupyterMessage, id: &str) -> bool {
    message
        .parent_header
        .as_ref()
        .is_some_and(|parent| parent.msg_id == id)
}

fn is_idle(message: &JupyterMessage) -> bool {
    matches!(&message.content, JupyterMessageContent::Status(status) if status.execution_state == ExecutionState::Idle)
}

fn take_text(message: &JupyterMessage, text: &mut String) {
    match &message.content {
        JupyterMessageContent::StreamContent(stream) => text.push_str(&stream.text),
        JupyterMessageContent::ExecuteResult(result) => {
            text.push_str(&serde_json::to_string(&result.data).unwrap());
        }
        JupyterMessageContent::ErrorOutput(error) => text.push_str(&error.evalue),
        _ => {}
    }
}
