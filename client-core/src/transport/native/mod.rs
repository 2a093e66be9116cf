//! Connections on tokio: TCP, TLS, WebSocket for sessions, HTTP for registration and tokens.

pub(crate) mod http;
mod tls;
pub(crate) mod websocket;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

pub use self::tls::TlsError;
pub(crate) use self::tls::TlsSettings;
use super::ServerAddress;

/// A byte stream to a server, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What can be chosen about connections.
#[derive(Clone, Default)]
pub(crate) struct TransportSettings {
    pub(crate) tls: Arc<TlsSettings>,
}

impl TransportSettings {
    pub(crate) fn connector(&self, address: ServerAddress, timeout: Duration) -> Connector {
        Connector {
            address,
            tls: Arc::clone(&self.tls),
            timeout,
        }
    }
}

/// Opens connections to one server.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    pub(crate) address: ServerAddress,
    pub(crate) tls: Arc<TlsSettings>,
    pub(crate) timeout: Duration,
}

impl Connector {
    /// Opens the byte stream. The text of the error is for people.
    pub(crate) async fn open_stream(&self) -> Result<Box<dyn Stream>, String> {
        let open = async {
            let target = (self.address.host(), self.address.port());
            let tcp = TcpStream::connect(target)
                .await
                .map_err(|error| describe(&error))?;
            tcp.set_nodelay(true).map_err(|error| describe(&error))?;
            if self.address.is_tls() {
                self.tls.connect(self.address.host(), tcp).await
            } else {
                Ok(Box::new(tcp) as Box<dyn Stream>)
            }
        };
        tokio::time::timeout(self.timeout, open)
            .await
            .unwrap_or_else(|_| Err("no connection in time".to_owned()))
            .map_err(|error| format!("{}: {error}", self.address.authority()))
    }
}

fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused (is the server running?)".to_owned(),
        _ => error.to_string(),
    }
}
