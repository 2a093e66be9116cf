//! Sessions against the real engine on the in-memory store, without sockets.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tim_protocol::WireStruct;
use tim_protocol::packet::{self, ServerPacket};
use tim_protocol::wire::{Tid, TimAck, TimMessage, TimMessageList, TimReq};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;
use crate::cluster::{LocalCluster, NodeId};
use crate::engine::clock::{Clock, ThreadEntropy};
use crate::engine::settings::{PasswordSettings, Settings};
use crate::engine::{Engine, Parts};
use crate::store::{MemoryStore, Timestamp};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1_000, Ordering::Relaxed) + 1_700_000_000_000_000_000)
    }
}

struct Node {
    context: Arc<SessionContext>,
    clock: Arc<Ticking>,
}

impl Node {
    fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let passwords = PasswordSettings {
            memory_kib: 8,
            iterations: 1,
            threads: 1,
            ..Default::default()
        };
        let mut settings = Settings {
            passwords,
            ..Settings::default()
        };
        settings.presence.offline_notices = false;
        change(&mut settings);
        let cluster = Arc::new(LocalCluster::new(NodeId(1)));
        let clock = Arc::new(Ticking::default());
        let engine = Engine::start(Parts {
            settings,
            store: Arc::new(MemoryStore::new().unwrap()),
            bus: cluster.clone(),
            directory: cluster,
            clock: clock.clone(),
            entropy: Arc::new(ThreadEntropy),
            installation_key: [9; 32],
            external: crate::engine::external::External::default(),
            blobs: None,
        });
        let context = SessionContext {
            engine: engine.unwrap(),
            limits: SessionLimits::default(),
        };
        Self {
            context: Arc::new(context),
            clock,
        }
    }

    async fn register(&self, name: &str) -> String {
        let auth = TimAuth {
            name: Some(name.into()),
            pwd: Some("pw".into()),
            ..TimAuth::default()
        };
        self.context.engine.register(HERE, auth).await.unwrap().n.unwrap()
    }

    fn connect(&self) -> Client {
        Client::new(Session::new(&self.context, HERE, Instant::now()))
    }

    async fn login(&self, name: &str, device: &str) -> Client {
        let mut client = self.connect();
        let ack = client.log_in(name, device).await;
        assert!(ack.ok, "{ack:?}");
        client.node = ack.n.unwrap();
        client
    }

    /// Two friends who are logged in.
    async fn friends(&self) -> (Client, Client) {
        self.register("ann").await;
        self.register("ben").await;
        let mut ann = self.login("ann", "phone").await;
        let mut ben = self.login("ben", "phone").await;
        ann.business(4, &ben.node.clone(), Some("hello"));
        assert_eq!(ben.message().await.bn_type, Some(4));
        ben.business(4, &ann.node.clone(), Some(""));
        assert_eq!(ben.ack().await.t, Some(5));
        assert_eq!(ann.message().await.bn_type, Some(5));
        (ann, ben)
    }
}

/// A connection without a socket: a task that drives its session.
struct Client {
    into: mpsc::UnboundedSender<Bytes>,
    out: mpsc::UnboundedReceiver<Bytes>,
    task: JoinHandle<Option<CloseReason>>,
    node: String,
}

impl Client {
    fn new(mut session: Session) -> Self {
        let (into, mut packets) = mpsc::unbounded_channel::<Bytes>();
        let (answers, out) = mpsc::unbounded_channel();
        let task = tokio::spawn(std::future::poll_fn(move |cx: &mut Context<'_>| {
            while let Poll::Ready(packet) = packets.poll_recv(cx) {
                let Some(packet) = packet else {
                    return Poll::Ready(None);
                };
                session.receive(packet, Instant::now());
            }
            session.poll(cx, Instant::now());
            while let Some(packet) = session.next_packet() {
                answers.send(packet).ok();
            }
            session
                .closing()
                .map_or(Poll::Pending, |reason| Poll::Ready(Some(reason)))
        }));
        Self {
            into,
            out,
            task,
            node: String::new(),
        }
    }

    /// Ends the connection and waits until its session is gone.
    async fn leave(self) {
        drop(self.into);
        self.task.await.unwrap();
    }

    /// Why the session ended by itself.
    async fn closed(&mut self) -> Option<CloseReason> {
        tokio::time::timeout(PATIENCE, &mut self.task)
            .await
            .expect("the session ends")
            .unwrap()
    }

    fn raw(&self, packet: impl Into<Bytes>) {
        self.into.send(packet.into()).ok();
    }

    fn send<T: WireStruct>(&mut self, kind: PacketType, value: &T) {
        self.raw(packet::client_packet(kind, Encoding::Compact, value));
    }

    fn ping(&mut self) {
        self.raw(packet::ping(Encoding::Compact));
    }

    fn chat(&mut self, to: &str, text: &str, id: Option<i64>) {
        let to_tid = Some(Tid {
            node: to.into(),
            ..Tid::default()
        });
        let data_string = Some(text.into());
        let message = TimMessage {
            ms_type: 2,
            od_type: 1,
            id,
            to_tid,
            data_string,
            ..TimMessage::default()
        };
        self.send(PacketType::Message, &message);
    }

    fn business(&mut self, operation: i32, node: &str, text: Option<&str>) {
        let (node, req_str) = (Some(node.to_owned()), text.map(str::to_owned));
        let request = TimReq {
            rtype: Some(operation),
            node,
            req_str,
            ..TimReq::default()
        };
        self.send(PacketType::Business, &request);
    }

    async fn log_in(&mut self, name: &str, device: &str) -> TimAck {
        let (name, resource) = (Some(name.into()), Some(device.into()));
        let auth = TimAuth {
            name,
            pwd: Some("pw".into()),
            resource,
            ..TimAuth::default()
        };
        self.send(PacketType::Auth, &auth);
        self.ack().await
    }

    /// The next packet of the server.
    async fn packet(&mut self) -> Bytes {
        let next = tokio::time::timeout(PATIENCE, self.out.recv())
            .await
            .expect("the server answers");
        next.expect("the session lives")
    }

    async fn expect(&mut self, kind: PacketType) -> Bytes {
        let packet = self.packet().await;
        let parsed = ServerPacket::parse(&packet).unwrap();
        assert_eq!(parsed.packet_type(), Some(kind), "{packet:?}");
        packet
    }

    async fn ack(&mut self) -> TimAck {
        let packet = self.expect(PacketType::Ack).await;
        ServerPacket::parse(&packet)
            .unwrap()
            .decode(Encoding::Compact)
            .unwrap()
    }

    /// The next message, acknowledged if it wants to be.
    async fn message(&mut self) -> TimMessage {
        let packet = self.expect(PacketType::Message).await;
        let packet = ServerPacket::parse(&packet).unwrap();
        if let Some(send_id) = packet.send_id {
            self.raw(packet::delivery_ack(send_id, Encoding::Compact));
        }
        packet.decode(Encoding::Compact).unwrap()
    }

    /// Nothing arrives before the answer to a ping.
    async fn quiet(&mut self) {
        self.ping();
        self.expect(PacketType::Ping).await;
    }

    fn request_offline(&mut self) {
        self.raw(packet::offline_request(Encoding::Compact));
    }

    /// Drains the offline queue; answers the texts.
    async fn drain(&mut self) -> Vec<String> {
        self.request_offline();
        let mut texts = Vec::new();
        loop {
            let bytes = self.packet().await;
            let packet = ServerPacket::parse(&bytes).unwrap();
            if packet.packet_type() == Some(PacketType::OfflineMsgEnd) {
                return texts;
            }
            assert_eq!(packet.packet_type(), Some(PacketType::OfflineMsg));
            let list: TimMessageList = packet.decode(Encoding::Compact).unwrap();
            self.raw(packet::delivery_ack(packet.send_id.unwrap(), Encoding::Compact));
            texts.extend(
                list.message_list
                    .unwrap()
                    .into_iter()
                    .filter_map(|message| message.data_string),
            );
        }
    }
}

#[tokio::test]
async fn a_message_is_echoed_and_delivered_with_the_same_number() {
    let node = Node::start(|_| {});
    let (mut ann, mut ben) = node.friends().await;
    ann.chat(&ben.node.clone(), "hi", Some(77));
    let echo = ann.message().await;
    let delivered = ben.message().await;
    assert_eq!(echo, delivered);
    assert_eq!((echo.id, echo.mid), (Some(77), Some(1)));
    assert_eq!(echo.from_tid.unwrap().resource.as_deref(), Some("phone"));
}

#[tokio::test]
async fn refusals_and_echoes_come_in_the_order_of_the_sends() {
    let node = Node::start(|_| {});
    let (mut ann, ben) = node.friends().await;
    let stranger = node.register("eve").await;
    ann.chat(&ben.node.clone(), "one", Some(1));
    ann.chat(&stranger, "two", Some(2));
    ann.chat(&ben.node.clone(), "three", Some(3));
    ann.chat("nonsense", "four", Some(4));
    assert_eq!(ann.message().await.id, Some(1));
    let refused = ann.ack().await;
    assert_eq!((refused.t, refused.error.unwrap().code), (Some(2), Some(4105)));
    assert_eq!(ann.message().await.id, Some(3));
    assert_eq!(ann.ack().await.error.unwrap().code, Some(4106));
}

#[tokio::test]
async fn a_repeated_id_gets_the_same_echo_and_is_delivered_once() {
    let node = Node::start(|_| {});
    let (mut ann, mut ben) = node.friends().await;
    let to = ben.node.clone();
    ann.chat(&to, "once", Some(5));
    let first = ann.message().await;
    ann.chat(&to, "once", Some(5));
    assert_eq!(ann.message().await, first);
    assert_eq!(ben.message().await.mid, first.mid);
    ben.quiet().await;
}

#[tokio::test]
async fn a_device_that_was_away_gets_what_the_other_device_got() {
    let node = Node::start(|_| {});
    let (mut ann, mut ben) = node.friends().await;
    node.login("ben", "web").await.leave().await;
    ann.chat(&ben.node.clone(), "for both", None);
    ann.message().await;
    assert_eq!(ben.message().await.data_string.as_deref(), Some("for both"));
    let mut web = node.login("ben", "web").await;
    assert!(web.drain().await.contains(&"for both".to_owned()));
    web.leave().await;
    let mut web = node.login("ben", "web").await;
    assert_eq!(
        web.drain().await,
        Vec::<String>::new(),
        "what was acknowledged does not come again"
    );
}

#[tokio::test]
async fn an_own_message_reaches_the_other_own_devices() {
    let node = Node::start(|_| {});
    let (mut ann, ben) = node.friends().await;
    node.login("ann", "web").await.leave().await;
    let mut tablet = node.login("ann", "tablet").await;
    tablet.drain().await;
    ann.chat(&ben.node.clone(), "from my phone", None);
    ann.message().await;
    assert_eq!(
        tablet.message().await.data_string.as_deref(),
        Some("from my phone")
    );
    let mut web = node.login("ann", "web").await;
    assert!(web.drain().await.contains(&"from my phone".to_owned()));
    ann.quiet().await;
    ann.leave().await;
    let mut again = node.login("ann", "phone").await;
    assert_eq!(
        again.drain().await,
        Vec::<String>::new(),
        "the sending device had its echo"
    );
}

#[tokio::test]
async fn new_messages_queue_up_behind_a_backlog() {
    let node = Node::start(|_| {});
    let (mut ann, ben) = node.friends().await;
    let to = ben.node.clone();
    ben.leave().await;
    for at in 0..25 {
        ann.chat(&to, &format!("{at}"), None);
        ann.message().await;
    }
    let mut ben = node.login("ben", "phone").await;
    ann.chat(&to, "25", None);
    ann.message().await;
    ben.quiet().await;
    let expected: Vec<String> = (0..=25).map(|at| at.to_string()).collect();
    assert_eq!(ben.drain().await, expected);
    ann.chat(&to, "live", None);
    assert_eq!(ben.message().await.data_string.as_deref(), Some("live"));
}

#[tokio::test]
async fn a_block_is_in_force_when_it_is_answered() {
    let node = Node::start(|_| {});
    let (mut ann, mut ben) = node.friends().await;
    ann.chat(&ben.node.clone(), "before", None);
    ben.message().await;
    ben.business(7, &ann.node.clone(), None);
    assert_eq!(ben.ack().await.t, Some(7));
    ann.message().await;
    assert_eq!(ann.message().await.bn_type, Some(7));
    ann.chat(&ben.node.clone(), "after", None);
    assert_eq!(ann.ack().await.error.unwrap().code, Some(4105));
    ben.quiet().await;
}

#[tokio::test]
async fn a_device_over_the_limit_takes_the_place_of_the_oldest_which_is_told() {
    let node = Node::start(|settings| settings.accounts.device_limit = 1);
    node.register("ann").await;
    let mut first = node.login("ann", "phone").await;
    let mut second = node.connect();
    assert_eq!(
        second.log_in("ann", "web").await.error.unwrap().code,
        Some(4111),
        "too soon"
    );
    node.clock.0.fetch_add(11_000_000_000, Ordering::Relaxed);
    assert!(second.log_in("ann", "web").await.ok);
    let told = first.ack().await;
    assert_eq!(
        (told.ok, told.tim_type, told.error.unwrap().code),
        (true, 20, Some(4111))
    );
    assert_eq!(first.closed().await, Some(CloseReason::Replaced));
    assert_eq!(node.context.engine.online().session_count(), 1);
}

#[tokio::test]
async fn before_login_only_pings_and_logins_are_allowed() {
    let node = Node::start(|_| {});
    let mut client = node.connect();
    client.ping();
    client.chat("x", "y", None);
    assert_eq!(client.closed().await, Some(CloseReason::NotAllowed));
    assert!(
        client.out.try_recv().is_err(),
        "a ping before login has no answer"
    );
}

#[tokio::test]
async fn a_connection_that_dies_during_login_leaves_nothing_behind() {
    let node = Node::start(|_| {});
    node.register("ann").await;
    for _ in 0..20 {
        let mut client = node.connect();
        let auth = TimAuth {
            name: Some("ann".into()),
            pwd: Some("pw".into()),
            ..TimAuth::default()
        };
        client.send(PacketType::Auth, &auth);
        tokio::task::yield_now().await;
        client.leave().await;
    }
    assert_eq!(node.context.engine.online().session_count(), 0);
}

#[tokio::test]
async fn a_message_to_somebody_absent_waits_and_recall_takes_it_away() {
    let node = Node::start(|_| {});
    let (mut ann, ben) = node.friends().await;
    let to = ben.node.clone();
    ben.leave().await;
    ann.chat(&to, "keep", None);
    ann.message().await;
    ann.chat(&to, "take back", None);
    let mid = ann.message().await.mid;
    let to_tid = Some(Tid {
        node: to,
        ..Tid::default()
    });
    let recall = TimMessage {
        ms_type: 2,
        od_type: 2,
        mid,
        to_tid,
        ..TimMessage::default()
    };
    ann.send(PacketType::RevokeMessage, &recall);
    let told = ann.message().await;
    assert_eq!((told.od_type, told.mid), (2, mid));
    let mut ben = node.login("ben", "phone").await;
    assert_eq!(ben.drain().await, ["keep"]);
}
