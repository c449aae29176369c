//! The server: listens, hands connections out, stops in good time.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::{App, HttpParts};
use crate::config::HttpConfig;
use crate::connection::Connections;
use crate::error::Error;
use crate::gate::Gate;

/// How many clients are told at the same time that there is no place for them.
const REFUSALS: usize = 32;
/// The pause after the system could not accept a connection, such as for want of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// An HTTP server that listens and does not answer yet.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use runcor_http::{HttpConfig, HttpParts, Server};
/// # async fn example(runtime: Arc<dyn runcor_core::Runtime>) -> Result<(), runcor_http::Error> {
/// let config = HttpConfig { port: 0, ..HttpConfig::default() };
/// let server = Server::bind(config, HttpParts::new(runtime)).await?;
/// let url = format!("http://{}/v1/health", server.local_addr());
/// # let _ = url;
/// # Ok(())
/// # }
/// ```
pub struct Server {
    app: Arc<App>,
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Checks the settings and takes the port.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for settings that make no sense,
    /// [`Error::PublicWithoutToken`] for a public address without a token,
    /// [`Error::PortInUse`] and [`Error::Bind`] when the address can't be had.
    pub async fn bind(config: HttpConfig, parts: HttpParts) -> Result<Self, Error> {
        config.check()?;
        let listener = listen(&config).await?;
        let address = listener.local_addr().map_err(|source| cannot_bind(&config, source))?;
        Ok(Self { app: Arc::new(App::new(config, parts)), listener, address })
    }

    /// Returns the address with the real port.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until `shutdown` is cancelled, and returns once everything has ended.
    ///
    /// After the signal no connection is accepted, event streams end at once,
    /// and requests under way may take `shutdownTimeout` longer.
    pub async fn serve(self, shutdown: CancellationToken) {
        let kill = CancellationToken::new();
        // Who drops this future ends the connections too.
        let _guard = kill.clone().drop_guard();
        let config = &self.app.config;
        let gate = Gate::new(Arc::clone(&self.app), self.address.ip().is_loopback());
        let stop = self.app.stop.clone();
        let connections = Arc::new(Connections::new(gate, config, stop.clone(), kill.clone()));
        let accepting = Accepting {
            connections,
            places: Arc::new(Semaphore::new(config.max_connections.min(Semaphore::MAX_PERMITS))),
            refusals: Arc::new(Semaphore::new(REFUSALS)),
            tasks: TaskTracker::new(),
        };
        for risk in config.risks(!self.address.ip().is_loopback()) {
            tracing::warn!("{risk}");
        }
        tracing::info!(address = %self.address, "the HTTP server listens");
        accepting.run(self.listener, &shutdown).await;
        stop.cancel();
        accepting.tasks.close();
        if tokio::time::timeout(config.shutdown_timeout, accepting.tasks.wait()).await.is_err() {
            tracing::warn!(open = accepting.tasks.len(), "requests are cut off: the time is up");
            kill.cancel();
            accepting.tasks.wait().await;
        }
    }

    /// Answers requests in the background.
    #[must_use]
    pub fn start(self) -> ServerHandle {
        let (address, shutdown) = (self.address, CancellationToken::new());
        let task = tokio::spawn(self.serve(shutdown.clone()));
        ServerHandle { address, shutdown, task }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A server that runs in the background; dropping the handle lets it run on.
#[derive(Debug)]
pub struct ServerHandle {
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl ServerHandle {
    /// Returns the address with the real port.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops the server and returns once everything has ended.
    pub async fn stop(self) {
        self.shutdown.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the HTTP server ended badly");
        }
    }
}

/// Takes connections from the listener and gives each a task and a place.
struct Accepting {
    connections: Arc<Connections>,
    places: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl Accepting {
    async fn run(&self, listener: TcpListener, shutdown: &CancellationToken) {
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => self.begin(stream),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "can't accept connections for the moment");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn begin(&self, stream: TcpStream) {
        let connections = Arc::clone(&self.connections);
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            self.tasks.spawn(async move {
                connections.serve(stream).await;
                drop(place);
            });
        } else if let Ok(turn) = Arc::clone(&self.refusals).try_acquire_owned() {
            self.tasks.spawn(async move {
                connections.refuse(stream).await;
                drop(turn);
            });
        }
    }
}

/// Returns whether an error of accepting concerns only the connection that was to be accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

async fn listen(config: &HttpConfig) -> Result<TcpListener, Error> {
    let host = config.hostname.trim();
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let found = lookup_host((bare, config.port)).await;
    let addresses: Vec<_> = found.map_err(|source| cannot_bind(config, source))?.collect();
    let open = config.is_open() && !config.allow_unauthenticated;
    if open && addresses.iter().any(|address| !address.ip().is_loopback()) {
        return Err(Error::PublicWithoutToken { hostname: config.hostname.clone() });
    }
    let mut failure = None;
    for address in addresses {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(Error::PortInUse { addr: address });
            }
            Err(error) => failure = Some(error),
        }
    }
    let source = failure.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into());
    Err(cannot_bind(config, source))
}

fn cannot_bind(config: &HttpConfig, source: io::Error) -> Error {
    Error::Bind { hostname: config.hostname.clone(), port: config.port, source }
}
