//! The composition root: config in, a running server out; start, wait, drain.
//!
//! ```text
//! control thread     listeners ─▶ dealer ─▶ the worker with the fewest connections; admin HTTP; sweep; signals
//! worker threads     one current-thread runtime each, serving the connections that it was dealt
//! ```
//!
//! A connection stays on one thread, so a request never crosses threads. docs/decisions/0001-runtime-shape.md has the
//! measurements behind this.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::config::{Config, UnixSocketConfig};
use crate::grpc::connection::{Accepted, Place};
use crate::grpc::server::Services;
use crate::http::Admin;
use crate::pact::cooperation::ledger::LedgerLimits;
use crate::pdp::DecisionPoint;
use crate::pdp::auditor::Auditor;
use crate::telemetry::metrics::Metrics;

/// How often recovered subjects are dropped.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);
/// How long accepting rests after it failed: out of file descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A TCP address cannot be listened on.
    #[error("cannot listen on `{address}` ({field})")]
    Bind {
        /// The config field.
        field: &'static str,
        /// What it says.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The Unix socket cannot be listened on.
    #[error("cannot listen on `{}` (server.unix_socket.path)", path.display())]
    BindUnix {
        /// The socket's path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A worker thread cannot be started.
    #[error("cannot start a worker thread")]
    Worker(#[source] io::Error),
}

/// A running server.
#[derive(Debug)]
pub struct App {
    /// Where gRPC is served over TCP.
    pub grpc_address: Option<SocketAddr>,
    /// Where gRPC is served over a Unix socket.
    pub unix_socket: Option<PathBuf>,
    /// Where the admin HTTP door is.
    pub admin_address: Option<SocketAddr>,
    /// Which state backend is in use.
    pub state_backend: &'static str,
    ready: Arc<AtomicBool>,
    services: Services,
    drain: watch::Sender<bool>,
    workers: Vec<Worker>,
    drain_timeout: Duration,
}

/// Where a worker takes its connections from.
type Deal = mpsc::UnboundedSender<(Accepted, Place)>;

#[derive(Debug)]
struct Worker {
    // The number of its holders, less one, is the worker's number of connections.
    connections: Arc<()>,
    deal: Deal,
    ended: oneshot::Receiver<()>,
    _thread: JoinHandle<()>,
}

impl App {
    /// Binds every listener and starts to serve. Call it on a tokio runtime that keeps running: it accepts there.
    ///
    /// # Errors
    /// When a listener cannot be bound or a thread cannot be started.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self, StartError> {
        let names: Vec<_> = config.policies.iter().map(|policy| policy.name.as_str()).collect();
        let metrics = Arc::new(Metrics::new(&names, &config.digest));
        let decision_point = Arc::new(DecisionPoint::new(config, clock, Arc::clone(&metrics)));
        let auditor = Arc::new(Auditor::new(LedgerLimits {
            max_agents: config.cooperation.max_agents,
            max_interaction_ids: config.cooperation.max_interaction_ids,
        }));
        let services = Services::new(config, &decision_point, &auditor, &metrics);

        let server = &config.server;
        let tcp = match server.listen {
            Some(address) => Some(bind("server.listen", address).await?),
            None => None,
        };
        let unix = server.unix_socket.as_ref().map(bind_unix).transpose()?;
        let admin = match config.admin.listen {
            Some(address) => Some(bind("admin.listen", address).await?),
            None => None,
        };
        let local = |listener: &Option<TcpListener>| listener.as_ref().and_then(|l| l.local_addr().ok());
        let (grpc_address, admin_address) = (local(&tcp), local(&admin));

        let (drain, draining) = watch::channel(false);
        let workers: Vec<_> = (0..server.worker_threads.max(1))
            .map(|_| start_worker(services.clone(), draining.clone()))
            .collect::<Result<_, _>>()
            .map_err(StartError::Worker)?;
        let dealer = Dealer {
            workers: workers
                .iter()
                .map(|worker| (Arc::clone(&worker.connections), worker.deal.clone()))
                .collect(),
            permits: Arc::new(Semaphore::new(server.max_connections)),
        };
        if let Some(listener) = tcp {
            tokio::spawn(dealer.clone().deal_tcp(listener, draining.clone()));
        }
        if let Some(listener) = unix {
            tokio::spawn(dealer.deal_unix(listener, draining.clone()));
        }
        tokio::spawn(sweep(Arc::clone(&decision_point), draining));

        let ready = Arc::new(AtomicBool::new(true));
        let state_backend = decision_point.store().name();
        if let Some(listener) = admin {
            let admin = Admin { decision_point, metrics, ready: Arc::clone(&ready) };
            tokio::spawn(async move { axum::serve(listener, admin.router()).await });
        }
        services.set_serving(true).await;
        Ok(Self {
            grpc_address,
            unix_socket: server.unix_socket.as_ref().map(|socket| socket.path.clone()),
            admin_address,
            state_backend,
            ready,
            services,
            drain,
            workers,
            drain_timeout: server.drain_timeout,
        })
    }

    /// Stops accepting, lets requests in progress finish, and returns when they have or `drain_timeout` has passed.
    /// True if all of them finished.
    pub async fn drain(self) -> bool {
        self.ready.store(false, Ordering::Relaxed);
        self.services.set_serving(false).await;
        if let Some(path) = &self.unix_socket {
            // While we still listen: once we do not, a successor may have its own socket there. Somebody may have
            // removed ours already.
            let _ = std::fs::remove_file(path);
        }
        // Nobody receives when every worker has ended already.
        let _ = self.drain.send(true);
        let ended = async {
            for worker in self.workers {
                // An error means that the worker's thread is gone, which is an end as well.
                let _ = worker.ended.await;
            }
        };
        tokio::time::timeout(self.drain_timeout, ended).await.is_ok()
    }
}

fn start_worker(services: Services, draining: watch::Receiver<bool>) -> io::Result<Worker> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (deal, dealt) = mpsc::unbounded_channel();
    let (end, ended) = oneshot::channel();
    let thread = std::thread::Builder::new().name("worker".to_owned()).spawn(move || {
        if let Err(error) = runtime.block_on(services.serve(dealt, draining)) {
            tracing::error!(%error, "a worker stopped serving");
        }
        // The app may have stopped waiting.
        let _ = end.send(());
    })?;
    Ok(Worker { connections: Arc::new(()), deal, ended, _thread: thread })
}

/// Deals accepted connections to the workers, each to the one with the fewest.
#[derive(Debug, Clone)]
struct Dealer {
    /// Each with the count of its connections.
    workers: Vec<(Arc<()>, Deal)>,
    permits: Arc<Semaphore>,
}

impl Dealer {
    async fn deal_tcp(self, listener: TcpListener, mut draining: watch::Receiver<bool>) {
        loop {
            let accepted = async {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                stream.into_std()
            };
            let Some((accepted, permit)) = self.next(accepted, &mut draining).await else { return };
            self.deal(accepted.map(Accepted::Tcp), permit).await;
        }
    }

    async fn deal_unix(self, listener: UnixListener, mut draining: watch::Receiver<bool>) {
        loop {
            let accepted = async { listener.accept().await?.0.into_std() };
            let Some((accepted, permit)) = self.next(accepted, &mut draining).await else { return };
            self.deal(accepted.map(Accepted::Unix), permit).await;
        }
    }

    /// The next connection and its place among `max_connections`; none once the server drains, even while it is full.
    async fn next<S>(
        &self,
        accepted: impl Future<Output = io::Result<S>>,
        draining: &mut watch::Receiver<bool>,
    ) -> Option<(io::Result<S>, OwnedSemaphorePermit)> {
        let next = async {
            // In this order: a listener at rest holds no place that the other one could use.
            let accepted = accepted.await;
            let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
            Some((accepted, permit))
        };
        tokio::select! {
            biased;
            _ = draining.wait_for(|draining| *draining) => None,
            next = next => next,
        }
    }

    async fn deal(&self, accepted: io::Result<Accepted>, permit: OwnedSemaphorePermit) {
        let accepted = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                return;
            }
        };
        // A worker that has ended has the fewest connections, and would get them all.
        let working = self.workers.iter().filter(|(_, deal)| !deal.is_closed());
        let fewest = working.min_by_key(|(connections, _)| Arc::strong_count(connections));
        if let Some((connections, deal)) = fewest {
            // A worker that ends in this moment drops the connection.
            let _ = deal.send((accepted, Place::new(permit, Arc::clone(connections))));
        }
    }
}

async fn bind(field: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Bind { field, address, source })
}

fn bind_unix(socket: &UnixSocketConfig) -> Result<UnixListener, StartError> {
    let bind = || {
        let is_socket =
            std::fs::symlink_metadata(&socket.path).is_ok_and(|file| file.file_type().is_socket());
        // A socket that nobody listens on is left from an earlier run; one that answers, or that we may not ask, is
        // somebody else's.
        let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        if is_socket && std::os::unix::net::UnixStream::connect(&socket.path).is_err_and(refused) {
            std::fs::remove_file(&socket.path)?;
        }
        let listener = UnixListener::bind(&socket.path)?;
        std::fs::set_permissions(&socket.path, std::fs::Permissions::from_mode(socket.mode))?;
        Ok(listener)
    };
    bind().map_err(|source| StartError::BindUnix { path: socket.path.clone(), source })
}

async fn sweep(decision_point: Arc<DecisionPoint>, mut draining: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = draining.changed() => return,
        }
        let decision_point = Arc::clone(&decision_point);
        // On a thread of its own: a large map takes a while to walk.
        let swept =
            tokio::task::spawn_blocking(move || decision_point.store().sweep(decision_point.clock().now()));
        match swept.await {
            Ok(subjects) if subjects > 0 => tracing::debug!(subjects, "recovered subjects dropped"),
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the sweep failed"),
        }
    }
}
