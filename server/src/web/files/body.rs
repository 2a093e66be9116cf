//! The body of an upload. It may be long: that it goes on arriving is watched at the socket.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;

use crate::engine::files::FileError;
use crate::web::answer::Refusal;

/// A body that arrives.
pub(super) struct Incoming(Body);

impl Incoming {
    pub(super) fn new(body: Body) -> Self {
        Self(body)
    }

    /// The next bytes; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        loop {
            match self.0.frame().await {
                None => return Ok(None),
                Some(Err(_)) => return Err(Refusal::malformed("the body is incomplete")),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    /// All of a body of at most so many bytes.
    pub(super) async fn collect(mut self, limit: usize) -> Result<Bytes, Refusal> {
        let mut all = BytesMut::new();
        while let Some(bytes) = self.next().await? {
            if all.len() + bytes.len() > limit {
                return Err(FileError::TooLarge(limit as u64).into());
            }
            all.extend_from_slice(&bytes);
        }
        Ok(all.freeze())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use axum::response::IntoResponse as _;

    use super::*;

    #[tokio::test]
    async fn a_body_beyond_its_limit_is_refused() {
        let whole = Incoming::new(Body::from(vec![7; 10])).collect(10).await.unwrap();
        assert_eq!(whole, vec![7; 10]);
        let refusal = Incoming::new(Body::from(vec![0; 11]))
            .collect(10)
            .await
            .unwrap_err();
        assert_eq!(refusal.into_response().status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
}
