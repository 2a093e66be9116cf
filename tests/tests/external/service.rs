//! A service of the operator, scripted: every request is answered by a function of the test.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Request line and header lines.
    pub(crate) head: String,
    /// The JSON.
    pub(crate) body: serde_json::Value,
}

/// How a request is answered.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// With this status and body.
    Answer(u16, Vec<u8>),
    /// With a body that goes on until the other side closes.
    Endless(u8),
    /// Never.
    Silence,
    /// By closing the connection.
    Hangup,
}

impl Reply {
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self::Answer(200, value.to_string().into_bytes())
    }
}

type Script = dyn Fn(&Request) -> Reply + Send + Sync;

/// A running service. It ends when it is dropped.
pub(crate) struct Service {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Service {
    pub(crate) async fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let seen = Arc::clone(&requests);
        let script: Arc<Script> = Arc::new(script);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&script), Arc::clone(&seen)));
            }
        });
        Self {
            address,
            requests,
            task,
        }
    }

    /// Its address in TOML syntax.
    pub(crate) fn url(&self) -> String {
        format!("\"http://{}/accounts?v=1\"", self.address)
    }

    /// What was asked so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// How often a question was asked so far.
    pub(crate) fn asked(&self, question: &str) -> usize {
        let requests = self.requests.lock().unwrap();
        requests
            .iter()
            .filter(|request| request.body["question"] == question)
            .count()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, script: Arc<Script>, seen: Arc<Mutex<Vec<Request>>>) {
    let mut bytes = Vec::new();
    while let Some(request) = read(&mut stream, &mut bytes).await {
        let reply = script(&request);
        seen.lock().unwrap().push(request);
        let written = match reply {
            Reply::Answer(status, body) => {
                let head = format!(
                    "HTTP/1.1 {status} Something\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                stream.write_all(&[head.as_bytes(), &body].concat()).await
            }
            Reply::Endless(byte) => {
                let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
                let mut written = stream.write_all(head).await;
                while written.is_ok() {
                    written = stream.write_all(&vec![byte; 65_536]).await;
                }
                written
            }
            Reply::Silence => std::future::pending().await,
            Reply::Hangup => return,
        };
        if written.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<Request> {
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let length = head
                .to_ascii_lowercase()
                .lines()
                .find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok())
                .expect("a length");
            let whole = end + 4 + length;
            if bytes.len() >= whole {
                let body = serde_json::from_slice(&bytes[end + 4..whole]).expect("JSON");
                bytes.drain(..whole);
                return Some(Request { head, body });
            }
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
        }
    }
}
