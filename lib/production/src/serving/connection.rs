//! Connections: accepted up to a limit, read with patience that ends, and let finish when the service stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Semaphore, watch};

use super::ServingError;
use super::http::App;

/// Connections that the system holds until they are accepted.
const BACKLOG: u32 = 4_096;

/// Listens at an address.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener, ServingError> {
    let open = || -> std::io::Result<TcpListener> {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|source| ServingError::Listen {
        address: address.to_string(),
        source,
    })
}

/// Serves until told to stop; whether every request came to its end within the grace.
pub(crate) async fn serve(
    app: &App,
    listener: TcpListener,
    router: Router,
    mut stop: watch::Receiver<bool>,
) -> bool {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(app.settings.connections));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(app.settings.read_timeout);
    let told = async {
        // an error: whoever could tell is gone
        let _ = stop.wait_for(|stop| *stop).await;
        app.stopping.store(true, Ordering::Relaxed);
        tokio::time::sleep(app.settings.drain).await;
    };
    tokio::pin!(told);
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = &mut told => break,
            accepted = accepted => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // such as too many open files: others may end meanwhile
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _place = place;
            // a client that hangs up or sends no HTTP is its own affair
            let _ = connection.await;
        });
    }
    drop(listener);
    tokio::time::timeout(app.settings.grace, graceful.shutdown())
        .await
        .is_ok()
}
