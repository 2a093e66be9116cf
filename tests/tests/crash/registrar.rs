//! Registers accounts all the time. Whoever was told "registered" must be able to log in afterwards.

use std::sync::Arc;
use std::time::Duration;

use tim_protocol::packet::{self, PacketType};
use tim_protocol::wire::{TimAck, TimAuth};
use tim_protocol::{Encoding, WireStruct as _};
use tim_tests::{Client, Server, http, secrets};
use tokio::sync::watch;

/// Pause between two registrations.
const PAUSE: Duration = Duration::from_millis(20);

/// The account and its node as it was told.
struct Registered {
    auth: TimAuth,
    node: String,
}

/// Registers and remembers.
pub(crate) struct Registrar {
    server: Arc<Server>,
    registered: Vec<Registered>,
}

impl Registrar {
    /// Nobody yet.
    pub(crate) fn new(server: Arc<Server>) -> Self {
        Self {
            server,
            registered: Vec::new(),
        }
    }

    /// Registers until told to finish.
    pub(crate) async fn run(mut self, finishing: watch::Receiver<bool>) -> Self {
        while !*finishing.borrow() {
            let auth = TimAuth {
                name: Some(format!("{}-crash-{}", secrets::NAME, secrets::unique())),
                pwd: Some(secrets::PASSWORD.to_owned()),
                ..TimAuth::default()
            };
            let body = packet::client_packet(PacketType::Register, Encoding::Compact, &auth);
            let answer = http::try_post(self.server.address(), "/tim2", &body).await;
            let ack = answer.and_then(|answer| TimAck::decode(answer.body.get(1..)?, Encoding::Compact).ok());
            if let Some(node) = ack.filter(|ack| ack.ok).and_then(|ack| ack.n) {
                self.registered.push(Registered { auth, node });
            }
            tokio::time::sleep(PAUSE).await;
        }
        self
    }

    /// Logs everybody in.
    pub(crate) async fn check(self) {
        for Registered { auth, node } in self.registered {
            let mut client = Client::connect(self.server.address(), Encoding::Compact).await;
            assert_eq!(
                client.log_in(&auth).await.n,
                Some(node),
                "an acknowledged account is there"
            );
            client.close().await;
        }
    }
}
