//! A device that speaks raw packets and behaves as an application must: it repeats with the same `id` what was
//! not acknowledged, in order, and acknowledges a delivery after the application has it.

use std::collections::VecDeque;
use std::time::Duration;

use tim_protocol::error_code::ErrorCode;
use tim_protocol::packet::{self, PacketType};
use tim_protocol::wire::TimMessage;
use tim_tests::chat::message;
use tim_tests::client::Incoming;
use tim_tests::rooms::room_message;
use tim_tests::{Client, Received};
use tokio::sync::watch;

use crate::device::{Device, Finish, LOOK_AGAIN, Place};
use crate::ledger::{Seen, Sighting};

/// How long to wait before the next attempt to connect to a server that is down.
const RETRY: Duration = Duration::from_millis(5);

/// The connection broke; what was not acknowledged is repeated over the next one.
struct Broken;

struct Raw {
    device: Device,
    seen: Seen,
    next_id: i64,
    unacknowledged: VecDeque<TimMessage>,
    finish: Finish,
}

/// Sends and receives until told to finish, and then until everything has arrived.
pub(crate) async fn run(device: Device, finishing: watch::Receiver<bool>) {
    let seen = Seen::new(&device.label);
    let mut raw = Raw {
        device,
        seen,
        next_id: 1,
        unacknowledged: VecDeque::new(),
        finish: Finish::new(finishing),
    };
    while raw.connection().await.is_err() {
        raw.note_finish();
        tokio::time::sleep(RETRY).await;
    }
}

impl Raw {
    async fn connection(&mut self) -> Result<(), Broken> {
        let mut client = self.connect().await?;
        send(&mut client, packet::offline_request(self.device.encoding)).await?;
        for message in &self.unacknowledged {
            let packet = packet::client_packet(PacketType::Message, self.device.encoding, message);
            send(&mut client, packet).await?;
        }
        loop {
            let is_finishing = self.note_finish();
            if is_finishing && self.is_done() {
                client.close().await;
                return Ok(());
            }
            while !is_finishing && self.unacknowledged.len() < self.device.window {
                self.send_next(&mut client).await?;
            }
            tokio::select! {
                incoming = client.incoming() => match incoming {
                    Incoming::Packet(received) => self.take(&mut client, &received).await?,
                    Incoming::Closed(_) => return Err(Broken),
                },
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    /// Whether the end has been announced. Fails the test when the end takes too long.
    fn note_finish(&mut self) -> bool {
        self.finish
            .is_announced(|| self.device.describe_lack(&self.seen, self.unacknowledged.len()))
    }

    fn is_done(&self) -> bool {
        self.unacknowledged.is_empty() && self.device.has_everything(&self.seen)
    }

    async fn connect(&self) -> Result<Client, Broken> {
        let device = &self.device;
        let address = device.server.address();
        let mut client = Client::try_connect(address, device.encoding)
            .await
            .map_err(|_| Broken)?;
        client.acknowledges = false;
        let auth = device.me.on_device(device.resource);
        let packet = packet::client_packet(PacketType::Auth, device.encoding, &auth);
        send(&mut client, packet).await?;
        match client.incoming().await {
            Incoming::Closed(_) => Err(Broken),
            Incoming::Packet(answer) => {
                let answer = answer.ack();
                // A stopping store refuses; anything else would be a lost account.
                if answer.error_code() == Some(ErrorCode::Database) {
                    return Err(Broken);
                }
                assert!(answer.ok, "{}: {answer:?}", device.label);
                Ok(client)
            }
        }
    }

    async fn send_next(&mut self, client: &mut Client) -> Result<(), Broken> {
        let id = self.next_id;
        self.next_id += 1;
        let words = format!("{} says {id}", self.device.label);
        let unnumbered = match &self.device.place {
            Place::User(node) => message(node, &words),
            Place::Room(room) => room_message(room, &words),
        };
        let next = TimMessage {
            id: Some(id),
            ..unnumbered
        };
        self.device.ledger.submitted(&self.device.me.node, id, &words);
        let packet = packet::client_packet(PacketType::Message, self.device.encoding, &next);
        self.unacknowledged.push_back(next);
        send(client, packet).await
    }

    async fn take(&mut self, client: &mut Client, received: &Received) -> Result<(), Broken> {
        match received.kind {
            PacketType::Message if received.send_id.is_none() => self.take_echo(&received.message()),
            PacketType::Message => self.deliver(&received.message()),
            PacketType::OfflineMsg => received.list().iter().for_each(|message| self.deliver(message)),
            PacketType::OfflineMsgEnd => {}
            _ => panic!("{}: unexpected {received:?}", self.device.label),
        }
        match received.send_id {
            Some(send_id) => send(client, packet::delivery_ack(send_id, self.device.encoding)).await,
            None => Ok(()),
        }
    }

    fn deliver(&mut self, message: &TimMessage) {
        // Notices of the friendship may be repeated; everything else is chat.
        if message.od_type != 1 {
            assert_eq!(message.od_type, 4, "{}: {message:?}", self.device.label);
        } else if self.is_own_copy(message) {
            self.confirmed(message);
        } else {
            self.seen.delivered(Sighting::of(message));
        }
    }

    /// A room confirms a message by the sender's own copy, now or, when that was lost, among what
    /// waits. Here every account sends from one device only.
    fn is_own_copy(&self, message: &TimMessage) -> bool {
        let author = message.from_tid.as_ref().expect("a sender");
        matches!(self.device.place, Place::Room(_))
            && self.device.window > 0
            && author.node == self.device.me.node
    }

    fn take_echo(&mut self, echo: &TimMessage) {
        let author = echo.from_tid.as_ref().expect("a sender");
        assert_eq!(author.node, self.device.me.node, "an echo is an own message");
        let sighting = Sighting::of(echo);
        if author.resource.as_deref() != Some(self.device.resource) {
            self.seen.delivered(sighting);
            return;
        }
        self.confirmed(echo);
    }

    /// A message of this device is stored.
    fn confirmed(&mut self, echo: &TimMessage) {
        let sighting = Sighting::of(echo);
        let (id, timestamp) = (echo.id.expect("an id"), echo.timestamp.expect("a time"));
        self.device.ledger.acknowledged(id, sighting, timestamp);
        self.seen.echoed(sighting);
        let at = self.unacknowledged.iter().position(|sent| sent.id == echo.id);
        // A repeat that was on its way when the first echo came is echoed again.
        if let Some(at) = at {
            assert_eq!(
                at, 0,
                "{}: echoes come in the order of the sends",
                self.device.label
            );
            self.unacknowledged.pop_front();
        }
    }
}

async fn send(client: &mut Client, packet: Vec<u8>) -> Result<(), Broken> {
    client.try_send_raw(packet).await.map_err(|_| Broken)
}
