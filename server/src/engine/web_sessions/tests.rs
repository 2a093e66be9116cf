//! What time and a store that fails do to sessions.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::cluster::{LocalCluster, NodeId};
use crate::engine::clock::{Clock, ThreadEntropy};
use crate::engine::external::External;
use crate::engine::settings::{PasswordSettings, Settings};
use crate::engine::{Engine, Parts};
use crate::store::{MemoryStore, Store, Timestamp};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const HOUR: i64 = 3_600_000_000_000;
const DAY: i64 = 24 * HOUR;

/// A clock that stands still until it is set.
struct Set(AtomicI64);

impl Clock for Set {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

struct Node {
    engine: Arc<Engine>,
    store: Arc<MemoryStore>,
    clock: Arc<Set>,
}

fn credentials() -> TimAuth {
    TimAuth {
        name: Some("ann".to_owned()),
        pwd: Some("pw".to_owned()),
        ..TimAuth::default()
    }
}

impl Node {
    /// With the account ann.
    async fn start() -> Self {
        let passwords = PasswordSettings {
            memory_kib: 8,
            iterations: 1,
            threads: 1,
            ..PasswordSettings::default()
        };
        let store = Arc::new(MemoryStore::new().unwrap());
        let clock = Arc::new(Set(AtomicI64::new(1_000 * DAY)));
        let cluster = Arc::new(LocalCluster::new(NodeId(1)));
        let engine = Engine::start(Parts {
            settings: Settings {
                passwords,
                ..Settings::default()
            },
            store: Arc::<MemoryStore>::clone(&store),
            bus: Arc::<LocalCluster>::clone(&cluster),
            directory: cluster,
            clock: Arc::<Set>::clone(&clock),
            entropy: Arc::new(ThreadEntropy),
            installation_key: [9; 32],
            external: External::default(),
            blobs: None,
        })
        .unwrap();
        let registered = engine.register(HERE, credentials()).await.unwrap();
        assert!(registered.ok);
        Self { engine, store, clock }
    }

    async fn begin(&self) -> NewSession {
        self.engine
            .begin_session(HERE, &credentials(), true)
            .await
            .unwrap()
    }

    fn pass(&self, nanoseconds: i64) {
        self.clock.0.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    async fn used(&self, session: &NewSession) -> i64 {
        let stored = self.store.session(&session.visitor.session).await.unwrap();
        stored.unwrap().used.0
    }
}

#[tokio::test]
async fn a_session_ends_when_it_was_not_used_for_its_lifetime() {
    let node = Node::start().await;
    let session = node.begin().await;
    let secret = session.secret.as_str();
    for _ in 0..3 {
        node.pass(30 * DAY - 1);
        let visitor = node.engine.visitor(secret).await.unwrap();
        assert_eq!(visitor.account, session.visitor.account);
    }
    node.pass(30 * DAY);
    assert_eq!(
        node.engine.visitor(secret).await.unwrap_err(),
        SessionError::Ended
    );
    node.engine.forget_sessions().await;
    let stored = node.store.session(&session.visitor.session).await.unwrap();
    assert!(stored.is_some(), "it is forgotten a moment later");
    node.pass(1);
    node.engine.forget_sessions().await;
    let stored = node.store.session(&session.visitor.session).await.unwrap();
    assert_eq!(stored, None);
}

#[tokio::test]
async fn a_use_is_written_down_once_an_hour() {
    let node = Node::start().await;
    let session = node.begin().await;
    let begun = node.used(&session).await;
    for (pass, expected) in [(HOUR - 1, begun), (1, begun + HOUR), (HOUR / 2, begun + HOUR)] {
        node.pass(pass);
        node.engine.visitor(session.secret.as_str()).await.unwrap();
        assert_eq!(node.used(&session).await, expected);
    }
}

#[tokio::test]
async fn a_session_from_before_a_suspension_ends_although_it_is_still_stored() {
    let node = Node::start().await;
    let session = node.begin().await;
    let account = &session.visitor.account;
    // As when the sessions could not be deleted.
    let until = node.clock.now().plus(Duration::from_secs(60));
    assert!(node.store.set_suspension(account, Some(until)).await.unwrap());
    for pass in [0, HOUR] {
        node.pass(pass);
        let ended = node.engine.visitor(session.secret.as_str()).await;
        assert_eq!(ended.unwrap_err(), SessionError::Ended);
    }
    let next = node.begin().await;
    assert!(node.engine.visitor(next.secret.as_str()).await.is_ok());
}

#[tokio::test]
async fn a_store_that_fails_ends_no_session() {
    let node = Node::start().await;
    let session = node.begin().await;
    node.store.close().await;
    let failed = node.engine.visitor(session.secret.as_str()).await;
    assert_eq!(failed.unwrap_err(), SessionError::Failed(ErrorCode::Database));
    let failed = node.engine.session_token(&session.visitor).await;
    assert_eq!(failed.unwrap_err(), SessionError::Failed(ErrorCode::Database));
}

#[tokio::test]
async fn the_secret_is_shown_by_no_log() {
    let node = Node::start().await;
    let session = node.begin().await;
    let shown = format!("{session:?} {:?}", session.visitor);
    assert!(!shown.contains(session.secret.as_str()), "{shown}");
}

#[tokio::test]
async fn one_account_cannot_keep_the_disk_busy_with_tokens() {
    let node = Node::start().await;
    let session = node.begin().await;
    for _ in 0..QUESTIONS.burst {
        node.engine.session_token(&session.visitor).await.unwrap();
    }
    let refused = node.engine.session_token(&session.visitor).await.unwrap_err();
    assert_eq!(refused, SessionError::TooMany(QUESTIONS.refill));
    node.pass(1_000_000_000);
    assert!(node.engine.session_token(&session.visitor).await.is_ok());
}
