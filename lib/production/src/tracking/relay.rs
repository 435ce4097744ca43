//! A way to a server that is cut off, to try pushes with.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering::SeqCst};

/// Passes connections on to a port of this machine while it is allowed to: so many bytes, of requests and answers
/// together, and then every connection is cut until more are allowed.
///
/// A request that is cut reaches the server in part, so that it does not act. Where an answer is cut the server has
/// acted, and its client does not hear of it.
///
/// # Examples
/// ```
/// use std::io::{Read, Write};
/// use std::net::{TcpListener, TcpStream};
/// use production::tracking::Relay;
///
/// let server = TcpListener::bind("127.0.0.1:0")?;
/// let relay = Relay::start(server.local_addr()?.port())?;
/// relay.allow(6);
/// let mut client = TcpStream::connect(("127.0.0.1", relay.port()))?;
/// client.write_all(b"do it")?;                        // five bytes pass
/// let (mut connection, _) = server.accept()?;
/// let mut asked = [0; 5];
/// connection.read_exact(&mut asked)?;
/// connection.write_all(b"done")?;                     // and of the answer not one
/// let mut answer = Vec::new();
/// let _ = client.read_to_end(&mut answer);
/// assert_eq!((&asked, answer.len()), (b"do it", 0));
/// assert_eq!(relay.cut(), (0, 1));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Relay {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    left: AtomicI64,
    requests: AtomicUsize,
    answers: AtomicUsize,
    over: AtomicBool,
}

impl Relay {
    /// Listens at a port of its own, and passes what comes on to another on 127.0.0.1. At first it allows nothing.
    ///
    /// # Errors
    /// That of the system where there is no port to listen at.
    pub fn start(to: u16) -> std::io::Result<Relay> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.over.load(SeqCst) {
                    return;
                }
                let _ = connect(client, to, &shared);
            }
        });
        Ok(Relay { port, state })
    }

    /// The port on 127.0.0.1 that it listens at.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sets how many bytes it may pass on from now.
    pub fn allow(&self, bytes: usize) {
        self.state
            .left
            .store(i64::try_from(bytes).unwrap_or(i64::MAX), SeqCst);
    }

    /// How many requests it has cut, and how many answers.
    #[must_use]
    pub fn cut(&self) -> (usize, usize) {
        let State {
            requests, answers, ..
        } = &*self.state;
        (requests.load(SeqCst), answers.load(SeqCst))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.state.over.store(true, SeqCst);
        // a connection, so that the thread that waits for one sees it
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn connect(client: TcpStream, to: u16, state: &Arc<State>) -> std::io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", to))?;
    let (back, out) = (server.try_clone()?, client.try_clone()?);
    let (there, here) = (Arc::clone(state), Arc::clone(state));
    std::thread::spawn(move || pass(client, server, &there.left, &there.requests));
    std::thread::spawn(move || pass(back, out, &here.left, &here.answers));
    Ok(())
}

/// Passes bytes on while there are some left; counts the cut before the other side can see it.
fn pass(mut from: TcpStream, mut to: TcpStream, left: &AtomicI64, cut: &AtomicUsize) {
    let mut bytes = [0; 256];
    while let Ok(n @ 1..) = from.read(&mut bytes) {
        let taken = left.fetch_update(SeqCst, SeqCst, |left| {
            (left >= n as i64).then(|| left - n as i64)
        });
        if taken.is_err() {
            left.store(0, SeqCst);
            cut.fetch_add(1, SeqCst);
            break;
        }
        if to.write_all(&bytes[..n]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
