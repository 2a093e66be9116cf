//! Puts the parts of a server together, starts them, and stops them in the right order.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::admin::{Admin, Operations};
use crate::admin_password::{self, AdminPasswordError, NewAdminPassword};
use crate::blobs::{Blobs, S3Settings};
use crate::cluster::{LocalCluster, NodeId};
use crate::config::{Config, FileStorage, Files, StorageKind};
use crate::engine::clock::{SystemClock, ThreadEntropy};
use crate::engine::files::recover;
use crate::engine::{Engine, Parts};
use crate::external;
use crate::gateway::session::SessionContext;
use crate::gateway::tls::Identity;
pub use crate::gateway::tls::TlsError;
use crate::gateway::{EngineBackend, Gateway, GatewayWatch, Options, Pace, TlsSlot, bind};
use crate::store::{
    InstallationKey, KeyError, MasterKeySource, MemoryStore, OpenError, SqliteOptions, SqliteStore, Store,
    StoreError,
};
use crate::web::Web;

/// Name of the environment variable that may hold the master key.
pub const MASTER_KEY_VARIABLE: &str = "TIM_MASTER_KEY";
/// File descriptors kept free for the database and the log.
const RESERVED_FILES: u64 = 64;

/// Why a server could not start. Nothing is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The settings are impossible in a way only found on use.
    #[error("{0}")]
    Settings(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address} ({setting}): {error}")]
    Bind {
        /// Name of the setting.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        error: io::Error,
    },
    /// The data directory cannot be used.
    #[error("data directory {} (storage.path): {error}", path.display())]
    Data {
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
    /// The folder of files cannot be used.
    #[error("files in {} (files.path): {error}", path.display())]
    Files {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// A key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The administrator's password cannot be made.
    #[error(transparent)]
    AdminPassword(#[from] AdminPasswordError),
}

impl StartError {
    /// The exit code of the process: 2 wrong configuration, 3 cannot listen, 4 database or keys.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Tls(_) | Self::Settings(_) => 2,
            Self::Bind { .. } => 3,
            Self::Data { .. }
            | Self::Files { .. }
            | Self::Store(_)
            | Self::Key(_)
            | Self::AdminPassword(_) => 4,
        }
    }
}

/// Where a configuration says the database is.
#[must_use]
pub fn database_path(config: &Config) -> PathBuf {
    config.storage.path.join("tim.db")
}

/// Where a configuration says the master key comes from.
#[must_use]
pub fn master_key_source(config: &Config) -> MasterKeySource {
    if std::env::var_os(MASTER_KEY_VARIABLE).is_some() {
        return MasterKeySource::Variable(MASTER_KEY_VARIABLE.to_owned());
    }
    if !config.keys.master_command.is_empty() {
        return MasterKeySource::Command(config.keys.master_command.clone());
    }
    let file = config.keys.master_file.clone();
    MasterKeySource::File(file.unwrap_or_else(|| config.storage.path.join("master.key")))
}

/// Starts servers.
#[derive(Clone, Copy, Debug)]
pub struct Server;

impl Server {
    /// Starts a server on the current runtime. Clients can connect when this returns.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(config: Config) -> Result<RunningServer, StartError> {
        let external = external::open(&config).map_err(StartError::Settings)?;
        let identity = match (&config.tls.certificate, &config.tls.key) {
            (Some(certificate), Some(key)) => Some(Identity {
                certificate: certificate.clone(),
                key: key.clone(),
            }),
            _ => None,
        };
        let tls = match &identity {
            Some(identity) => Some((identity.clone(), TlsSlot::new(Mutex::new(identity.load()?)))),
            None => None,
        };
        // The address is taken before the database is touched; nobody is served until the end.
        let backlog = config.listen.backlog;
        let (listener, client_addr) = listen("listen.client", config.listen.client, backlog)?;
        let admin_listener = match config.admin.enabled {
            true => Some(listen("admin.listen", config.admin.listen, backlog)?),
            false => None,
        };
        let Storage {
            store,
            installation_key,
            admin_password,
        } = open_storage(&config).await?;
        let blobs = match open_blobs(&config, &installation_key, &*store).await {
            Ok(blobs) => blobs,
            Err(error) => {
                store.close().await;
                return Err(error);
            }
        };
        let cluster = Arc::new(LocalCluster::new(NodeId(1)));
        let parts = Parts {
            settings: config.engine_settings(),
            store: Arc::clone(&store),
            bus: Arc::<LocalCluster>::clone(&cluster),
            directory: cluster,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(ThreadEntropy),
            installation_key,
            external,
            blobs,
        };
        let engine = match Engine::start(parts) {
            Ok(engine) => engine,
            Err(reason) => {
                store.close().await;
                return Err(StartError::Settings(reason));
            }
        };
        let (web_engine, web_config) = (Arc::clone(&engine), config.clone());
        let web = tokio::task::spawn_blocking(move || Web::new(web_engine, &web_config)).await;
        let web = match web.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(web) => web,
            Err(reason) => {
                engine.shutdown().await;
                store.close().await;
                return Err(StartError::Settings(reason));
            }
        };
        let has_pages = web.has_pages();
        let context = SessionContext {
            engine: Arc::clone(&engine),
            limits: config.session_limits(),
        };
        let slot = tls.as_ref().map(|(_, slot)| Arc::clone(slot));
        let context = Arc::new(context);
        let gateway = Gateway::start(
            listener,
            slot.clone(),
            EngineBackend(Arc::clone(&context)),
            socket_options(&config),
            web.routes(),
        );
        let admin = admin_listener.map(|(listener, address)| {
            let running = Running {
                clients: gateway.watch(),
                tls: tls.clone(),
            };
            let first_password = (config.storage.kind == StorageKind::Sqlite)
                .then(|| admin_password::file(&config.storage.path));
            let admin = Admin::new(Arc::clone(&engine), &config, Box::new(running), first_password);
            let options = Options {
                connections: config.admin.connections,
                ..socket_options(&config)
            };
            let gateway =
                Gateway::start_http(listener, slot, EngineBackend(context), options, admin.routes());
            (gateway, address)
        });
        Ok(RunningServer {
            config,
            client_addr,
            has_pages,
            gateway,
            admin,
            engine,
            store,
            tls,
            admin_password,
        })
    }
}

fn listen(
    setting: &'static str,
    address: SocketAddr,
    backlog: u32,
) -> Result<(tokio::net::TcpListener, SocketAddr), StartError> {
    let bound =
        bind(address, backlog).and_then(|listener| listener.local_addr().map(|address| (listener, address)));
    bound.map_err(|error| StartError::Bind {
        setting,
        address,
        error,
    })
}

/// What the server does for the management API.
struct Running {
    clients: GatewayWatch,
    tls: Option<(Identity, TlsSlot)>,
}

impl Operations for Running {
    fn reload_tls(&self) -> Result<(), String> {
        reload(self.tls.as_ref()).map_err(|error| error.to_string())
    }

    fn client_sockets(&self) -> usize {
        self.clients.sockets()
    }

    fn is_serving(&self) -> bool {
        self.clients.is_running()
    }
}

fn reload(tls: Option<&(Identity, TlsSlot)>) -> Result<(), TlsError> {
    if let Some((identity, slot)) = tls {
        let config = identity.load()?;
        *slot.lock() = config;
    }
    Ok(())
}

/// What a configuration says about sockets.
pub(crate) fn socket_options(config: &Config) -> Options {
    Options {
        origins: config.listen.origins.clone(),
        trusted_proxies: config.listen.trusted_proxies.clone(),
        handshake_timeout: config.listen.handshake_timeout,
        write_timeout: config.limits.write_timeout,
        pace: Pace {
            window: config.limits.write_timeout,
            bytes_per_second: config.limits.transfer_bytes_per_second,
        },
        max_login_packet: config.limits.max_login_packet.0,
        connections: connection_limit(config),
        unauthenticated_per_address: config.limits.unauthenticated_per_address,
        connections_per_second_per_address: config.limits.connections_per_second_per_address,
    }
}

/// The configured limit, or less when the operating system does not allow so many open files.
fn connection_limit(config: &Config) -> usize {
    let configured = config.limits.connections;
    let Ok((files, _)) = rlimit::Resource::NOFILE.get() else {
        return configured;
    };
    let possible = usize::try_from(files.saturating_sub(RESERVED_FILES))
        .unwrap_or(usize::MAX)
        .max(1);
    if possible < configured {
        tracing::warn!(
            open_files = files,
            connections = possible,
            "limits.connections = {configured} needs more open files than allowed; raise the limit (ulimit -n, \
             LimitNOFILE of systemd)"
        );
    }
    possible.min(configured)
}

struct Storage {
    store: Arc<dyn Store>,
    installation_key: [u8; 32],
    admin_password: Option<NewAdminPassword>,
}

async fn open_storage(config: &Config) -> Result<Storage, StartError> {
    if config.storage.kind == StorageKind::Memory {
        let store = MemoryStore::new()?;
        let installation_key = *store.installation_key().as_bytes();
        return Ok(Storage {
            store: Arc::new(store),
            installation_key,
            admin_password: None,
        });
    }
    let config = config.clone();
    let opening = tokio::task::spawn_blocking(move || {
        let folder = &config.storage.path;
        create_private_folder(folder).map_err(|error| StartError::Data {
            path: folder.clone(),
            error,
        })?;
        let options = SqliteOptions::new(database_path(&config));
        let store = SqliteStore::open(&options, &master_key_source(&config))?;
        let admin_password = admin_password::make_if_missing(folder, &config.passwords)?;
        let installation_key = *store.installation_key().as_bytes();
        Ok(Storage {
            store: Arc::new(store),
            installation_key,
            admin_password,
        })
    });
    opening
        .await
        .map_err(|error| StartError::Settings(format!("opening the database failed: {error}")))?
}

/// Where the bytes of files are; what was arriving when the server ended is given up.
async fn open_blobs(
    config: &Config,
    installation_key: &[u8; 32],
    store: &dyn Store,
) -> Result<Option<Blobs>, StartError> {
    let files = &config.files;
    let key = InstallationKey::from_bytes(*installation_key);
    let folder = files
        .path
        .clone()
        .unwrap_or_else(|| config.storage.path.join("files"));
    let blobs = match (files.storage, config.storage.kind) {
        (FileStorage::Off, _) | (FileStorage::Directory, StorageKind::Memory) => return Ok(None),
        (FileStorage::Directory, StorageKind::Sqlite) => {
            Blobs::in_directory(folder.clone(), &key).map_err(|error| StartError::Files {
                path: folder.clone(),
                error,
            })?
        }
        (FileStorage::Memory, _) => Blobs::in_memory(&key),
        (FileStorage::S3, _) => {
            let settings = s3_settings(files).map_err(StartError::Settings)?;
            Blobs::in_s3(&settings, &key).map_err(StartError::Settings)?
        }
    };
    recover(store, &blobs).await.map_err(|error| StartError::Files {
        path: folder,
        error: io::Error::other(error),
    })?;
    Ok(Some(blobs))
}

fn s3_settings(files: &Files) -> Result<S3Settings, String> {
    let secret_key = match &files.s3_secret_key_file {
        Some(path) => S3Settings::key_in_file(path)?,
        None => files.s3_secret_key.0.clone(),
    };
    Ok(S3Settings {
        endpoint: files.s3_endpoint.clone(),
        bucket: files.s3_bucket.clone(),
        region: files.s3_region.clone(),
        prefix: files.s3_prefix.clone(),
        access_key: files.s3_access_key.clone(),
        secret_key,
        allow_http: files.s3_allow_http,
        bucket_in_host: files.s3_bucket_in_host,
    })
}

fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// A server that is running. Dropping it without [`RunningServer::shutdown`] leaves its tasks to
/// the end of the runtime.
pub struct RunningServer {
    config: Config,
    client_addr: SocketAddr,
    has_pages: bool,
    gateway: Gateway,
    admin: Option<(Gateway, SocketAddr)>,
    engine: Arc<Engine>,
    store: Arc<dyn Store>,
    tls: Option<(Identity, TlsSlot)>,
    admin_password: Option<NewAdminPassword>,
}

impl std::fmt::Debug for RunningServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunningServer")
            .field("client_addr", &self.client_addr)
            .finish_non_exhaustive()
    }
}

impl RunningServer {
    /// The address clients connect to, with the port that was really taken.
    #[must_use]
    pub fn client_addr(&self) -> SocketAddr {
        self.client_addr
    }

    /// The address of the management listener, if there is one, with the port that was really taken.
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(|(_, address)| *address)
    }

    /// The address to open in a browser, when there is a page. One that listens everywhere is shown as
    /// `localhost`.
    #[must_use]
    pub fn page_address(&self) -> Option<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let (ip, port) = (self.client_addr.ip(), self.client_addr.port());
        let address = match ip {
            _ if ip.is_unspecified() => format!("{scheme}://localhost:{port}/"),
            _ => format!("{scheme}://{}/", self.client_addr),
        };
        self.has_pages.then_some(address)
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The engine, for metrics and administration.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Sockets open now, logged in or not.
    #[must_use]
    pub fn sockets(&self) -> usize {
        self.gateway.sockets()
    }

    /// The administrator's password, if there is none in force. It is to be shown and then kept.
    pub fn take_admin_password(&mut self) -> Option<NewAdminPassword> {
        self.admin_password.take()
    }

    /// Reads certificate and key again; new connections use them. Without TLS nothing happens.
    ///
    /// # Errors
    /// The files cannot be used; the old ones stay in force.
    pub fn reload_tls(&self) -> Result<(), TlsError> {
        reload(self.tls.as_ref())
    }

    /// Makes a new data key, which encrypts everything that is written from now on; what is stored
    /// already is re-encrypted in the background. Answers the number of the key.
    ///
    /// # Errors
    /// The database cannot be written; the old key stays.
    pub async fn rotate_key(&self) -> Result<u32, StoreError> {
        self.engine.rotate_key().await
    }

    /// Stops the server: takes no new connections, lets sessions finish for at most
    /// `process.shutdown_timeout`, closes them, makes everything durable, closes the database.
    pub async fn shutdown(self) {
        let time = self.config.process.shutdown_timeout;
        match self.admin {
            // Both at once: the time is that of the whole server.
            Some((admin, _)) => drop(tokio::join!(admin.shutdown(time), self.gateway.shutdown(time))),
            None => self.gateway.shutdown(time).await,
        }
        self.engine.shutdown().await;
        self.store.close().await;
    }
}
