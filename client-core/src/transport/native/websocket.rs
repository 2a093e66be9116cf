//! The WebSocket of a session: one binary message per packet, reading and writing independent of each other.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::{Connector, Stream};
use crate::transport::Ended;

/// Largest message accepted from a server, in bytes.
const MAX_MESSAGE: usize = 32 << 20;
/// Size of the read buffer and of the write buffer, in bytes.
const BUFFER: usize = 16 << 10;
/// Longest time to say goodbye.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::broken(match error {
            Error::ConnectionClosed | Error::AlreadyClosed => "closed".to_owned(),
            other => other.to_string(),
        })
    }
}

/// An open connection.
pub(crate) struct Connection {
    socket: WebSocketStream<Box<dyn Stream>>,
}

impl Connector {
    /// Opens the connection of a session. The text of the error is for people.
    pub(crate) async fn open(self) -> Result<Connection, String> {
        let stream = self.open_stream().await?;
        let scheme = if self.address.is_tls() { "wss" } else { "ws" };
        let url = format!("{scheme}://{}{}", self.address.authority(), self.address.path());
        let uri = url
            .parse()
            .map_err(|_| "the address is not a valid URL".to_owned())?;
        let request = ClientRequestBuilder::new(uri).with_header("Origin", self.address.origin());
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(BUFFER)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let handshake = client_async_with_config(request, stream, Some(config));
        match tokio::time::timeout(self.timeout, handshake).await {
            Ok(Ok((socket, _))) => Ok(Connection { socket }),
            Ok(Err(Error::Http(response))) => Err(format!(
                "{}: the server answered {} instead of a WebSocket",
                self.address,
                response.status()
            )),
            Ok(Err(error)) => Err(format!("{}: {error}", self.address)),
            Err(_) => Err(format!("{}: the server did not answer in time", self.address)),
        }
    }
}

impl Connection {
    /// Writes packets as far as the connection takes them. `Ready`: everything is on its way.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        mut next: impl FnMut() -> Option<Bytes>,
    ) -> Poll<Result<(), Ended>> {
        let mut socket = Pin::new(&mut self.socket);
        loop {
            ready!(socket.as_mut().poll_ready(cx))?;
            let Some(packet) = next() else { break };
            socket.as_mut().start_send(Message::Binary(packet))?;
        }
        ready!(socket.poll_flush(cx))?;
        Poll::Ready(Ok(()))
    }

    /// The next packet. Text messages are not packets of a server and are ignored.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Ended>> {
        loop {
            match ready!(self.socket.poll_next_unpin(cx)) {
                Some(Ok(Message::Binary(packet))) => return Poll::Ready(Ok(packet)),
                Some(Ok(Message::Close(frame))) => {
                    return Poll::Ready(Err(match frame {
                        Some(frame) => Ended::by_server(frame.code.into(), &frame.reason),
                        None => Ended::broken("closed by the server"),
                    }));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(error.into())),
                None => {
                    return Poll::Ready(Err(Ended::broken("closed")));
                }
            }
        }
    }

    /// Writes what is left, says goodbye and waits for the answer, all within two seconds.
    pub(crate) async fn close(mut self, rest: VecDeque<Bytes>) {
        let goodbye = async {
            for packet in rest {
                self.socket.feed(Message::Binary(packet)).await?;
            }
            self.socket.flush().await?;
            self.socket.close(None).await?;
            while let Some(message) = self.socket.next().await {
                message?;
            }
            Ok::<(), Error>(())
        };
        // A connection that is in the way of its own end is simply dropped.
        if let Ok(Err(_)) | Err(_) = tokio::time::timeout(CLOSE_TIMEOUT, goodbye).await {}
    }
}
