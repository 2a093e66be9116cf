//! The network between one browser and the server, which a test can cut: the browser emulates being offline only for
//! new connections, and real networks take the open ones with them.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::site::Site;

/// A way to a server.
#[derive(Debug)]
pub struct Cable {
    address: SocketAddr,
    connected: Arc<watch::Sender<bool>>,
    task: JoinHandle<()>,
}

impl Cable {
    /// A way to a site, connected.
    ///
    /// # Panics
    /// When there is no port for it.
    pub async fn to(site: &Site) -> Self {
        let server = site.server().address();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let connected = Arc::new(watch::Sender::new(true));
        let state = connected.subscribe();
        let task = tokio::spawn(async move {
            while let Ok((browser, _)) = listener.accept().await {
                tokio::spawn(carry(browser, server, state.clone()));
            }
        });
        Self {
            address,
            connected,
            task,
        }
    }

    /// The address of the page at this end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Cuts it, with everything that runs over it, or repairs it.
    pub fn set_connected(&self, connected: bool) {
        self.connected.send_replace(connected);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.task.abort();
        self.connected.send_replace(false);
    }
}

/// One connection, until either end or the cable ends it.
async fn carry(mut browser: TcpStream, server: SocketAddr, mut state: watch::Receiver<bool>) {
    if !*state.borrow_and_update() {
        return;
    }
    let Ok(mut server) = TcpStream::connect(server).await else {
        return;
    };
    tokio::select! {
        _ended = tokio::io::copy_bidirectional(&mut browser, &mut server) => {}
        _cut = state.wait_for(|connected| !connected) => {}
    }
}
