//! The Chrome DevTools Protocol: commands and events in JSON over one WebSocket, one session per page. A library with
//! all of its commands as types is thirty times the size of what the tests use of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::PATIENCE;

/// A browser that the tests speak to. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connection {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    next: AtomicU64,
    outgoing: mpsc::UnboundedSender<String>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Result<Value, String>>>>,
    listeners: Mutex<Listeners>,
}

type Listener = Box<dyn Fn(&Event) + Send>;

/// Who hears of events, by session.
#[derive(Default)]
struct Listeners(HashMap<String, Listener>);

impl std::fmt::Debug for Listeners {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// `Domain.event`.
    pub method: String,
    /// What the event says.
    pub params: Value,
}

impl Connection {
    /// Connects to the address that a browser prints when it starts.
    ///
    /// # Panics
    /// When that is impossible.
    pub async fn open(address: &str) -> Self {
        // Screenshots of long pages are large.
        let config = WebSocketConfig::default()
            .max_message_size(Some(512 << 20))
            .max_frame_size(Some(512 << 20));
        let host = address
            .strip_prefix("ws://")
            .and_then(|rest| rest.split('/').next())
            .expect("an address of the browser");
        let stream = TcpStream::connect(host).await.expect("connect to the browser");
        stream.set_nodelay(true).expect("a socket");
        let (socket, _) = tokio_tungstenite::client_async_with_config(address, stream, Some(config))
            .await
            .expect("speak to the browser");
        let (mut sink, mut stream) = socket.split();
        let (outgoing, mut texts) = mpsc::unbounded_channel::<String>();
        tokio::spawn(async move {
            while let Some(text) = texts.recv().await {
                if sink.send(Message::text(text)).await.is_err() {
                    break;
                }
            }
        });
        let shared = Arc::new(Shared {
            next: AtomicU64::new(1),
            outgoing,
            waiting: Mutex::default(),
            listeners: Mutex::default(),
        });
        let reader = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                if let Message::Text(text) = message {
                    reader.take(serde_json::from_str(&text).expect("JSON from the browser"));
                }
            }
            // The browser is gone: whoever waits for an answer fails at once.
            reader
                .waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clear();
        });
        Self { shared }
    }

    /// Sends a command, to a page or (with an empty session) to the browser, and waits for its result.
    ///
    /// # Errors
    /// What the browser says against it.
    ///
    /// # Panics
    /// When the browser is gone or does not answer.
    pub async fn try_call(&self, session: &str, method: &str, params: Value) -> Result<Value, String> {
        let id = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        self.shared
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, answer);
        let mut command = json!({"id": id, "method": method, "params": params});
        if !session.is_empty() {
            command["sessionId"] = session.into();
        }
        self.shared
            .outgoing
            .send(command.to_string())
            .expect("the browser is gone");
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => panic!("the browser ended while {method} was running"),
            Err(_) => panic!("the browser does not answer to {method}"),
        }
    }

    /// The same for a command that must succeed.
    ///
    /// # Panics
    /// When it does not.
    pub async fn call(&self, session: &str, method: &str, params: Value) -> Value {
        match self.try_call(session, method, params).await {
            Ok(result) => result,
            Err(reason) => panic!("{method}: {reason}"),
        }
    }

    /// Has the events of a page heard from now on: each before the answers that the browser gave after it.
    pub fn listen(&self, session: &str, listener: impl Fn(&Event) + Send + 'static) {
        self.shared
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .insert(session.to_owned(), Box::new(listener));
    }

    /// Nobody hears of the events of a page any more.
    pub fn stop_listening(&self, session: &str) {
        self.shared
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .remove(session);
    }
}

impl Shared {
    fn take(&self, mut message: Value) {
        if let Some(id) = message["id"].as_u64() {
            let waiting = self
                .waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&id);
            let result = match message.get("error") {
                Some(error) => Err(error["message"].as_str().unwrap_or("no reason").to_owned()),
                None => Ok(message["result"].take()),
            };
            // A test that has given up does not listen any more.
            drop(waiting.map(|answer| answer.send(result)));
            return;
        }
        let session = message["sessionId"].as_str().unwrap_or_default().to_owned();
        let event = Event {
            method: message["method"].as_str().unwrap_or_default().to_owned(),
            params: message["params"].take(),
        };
        let listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listener) = listeners.0.get(&session) {
            listener(&event);
        }
    }
}
