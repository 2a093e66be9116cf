//! One POST of one packet to `/tim2`, for what is done without a session (`wire-protocol 2.3`).

use std::time::Duration;

use bytes::Bytes;
use futures_util::future;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, ORIGIN};
use hyper_util::rt::TokioIo;

use super::Connector;
use crate::transport::{Answer, MAX_ANSWER};

impl Connector {
    /// Sends the packet and waits at most `patience` for the answer. The text of the error is for people.
    pub(crate) async fn post(&self, packet: Vec<u8>, patience: Duration) -> Result<Answer, String> {
        let stream = self.open_stream().await?;
        let exchange = async {
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            let request = Request::post(self.address.account_path())
                .header(HOST, self.address.authority())
                .header(ORIGIN, self.address.origin())
                .header(CONTENT_TYPE, "application/octet-stream")
                .header(CONNECTION, "close")
                .body(Full::new(Bytes::from(packet)))?;
            let answer = async move {
                let response = sender.send_request(request).await?;
                let status = response.status().as_u16();
                let body = Limited::new(response.into_body(), MAX_ANSWER)
                    .collect()
                    .await?
                    .to_bytes();
                Ok(Answer { status, body })
            };
            // The connection makes the progress; it may fail after the answer is complete.
            match future::select(Box::pin(answer), Box::pin(connection)).await {
                future::Either::Left((answer, _)) => answer,
                future::Either::Right((_, answer)) => answer.await,
            }
        };
        let exchange = async { exchange.await.map_err(|error: Failure| error.to_string()) };
        tokio::time::timeout(patience, exchange)
            .await
            .unwrap_or_else(|_| Err("the server did not answer in time".to_owned()))
            .map_err(|error| format!("{}: {error}", self.address.authority()))
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;
