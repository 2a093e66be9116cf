//! POSTs JSON to a service of the operator. Follows no redirects, trusts the certificates that the
//! operating system trusts, reads no more than it was told to, and gives up in time.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::Semaphore;

use crate::config::External;
use crate::engine::external::OutsideError;
use crate::outgoing::{tls, with_causes};

/// Idle connections are closed before usual services would do it in the middle of a request.
const IDLE: Duration = Duration::from_secs(20);

/// Calls one address.
pub(super) struct Caller {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: Uri,
    authorization: Option<HeaderValue>,
    places: Semaphore,
    timeout: Duration,
}

impl Caller {
    /// For the address in the setting `name`.
    ///
    /// # Errors
    /// The address cannot be used.
    pub(super) fn new(name: &str, url: &str, settings: &External) -> Result<Self, String> {
        let url: Uri = url
            .parse()
            .map_err(|error| format!("external.{name} is not an address: {error}"))?;
        let is_usable = matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some();
        if !is_usable {
            return Err(format!("external.{name} must begin with http:// or https://"));
        }
        if url
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
        {
            return Err(format!(
                "external.{name} must not contain a name or password; external.http_secret is for that"
            ));
        }
        let secret = &settings.http_secret.0;
        let authorization = (!secret.is_empty())
            .then(|| HeaderValue::try_from(format!("Bearer {secret}")))
            .transpose()
            .map_err(|_| "external.http_secret has characters that HTTP does not allow".to_owned())?
            .map(|mut value| {
                value.set_sensitive(true);
                value
            });
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls()?)
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(settings.connections)
            .pool_timer(TokioTimer::new())
            .build(https);
        Ok(Self {
            client,
            url,
            authorization,
            places: Semaphore::new(settings.connections),
            timeout: settings.timeout,
        })
    }

    /// The first byte of the answer, `None` when it has no body. Reads no further.
    pub(super) async fn first_byte(&self, json: Vec<u8>) -> Result<Option<u8>, OutsideError> {
        self.in_time(async {
            let mut answer = self.post(json).await?;
            while let Some(frame) = answer.body_mut().frame().await {
                let frame = frame.map_err(|error| OutsideError(format!("the answer broke off: {error}")))?;
                if let Some(first) = frame.data_ref().and_then(|data| data.first()) {
                    return Ok(Some(*first));
                }
            }
            Ok(None)
        })
        .await
    }

    /// The whole answer, at most `limit` bytes.
    pub(super) async fn call(&self, json: Vec<u8>, limit: usize) -> Result<Bytes, OutsideError> {
        self.in_time(async {
            let answer = self.post(json).await?;
            let body = Limited::new(answer.into_body(), limit).collect().await;
            body.map(http_body_util::Collected::to_bytes).map_err(|error| {
                OutsideError(if error.is::<LengthLimitError>() {
                    format!("the answer has more than {limit} bytes")
                } else {
                    format!("the answer broke off: {error}")
                })
            })
        })
        .await
    }

    /// Waiting for a place and for the answer together take no longer than the limit.
    async fn in_time<T>(
        &self,
        call: impl Future<Output = Result<T, OutsideError>>,
    ) -> Result<T, OutsideError> {
        let in_place = async {
            let _place = self
                .places
                .acquire()
                .await
                .map_err(|_| OutsideError("closed".to_owned()))?;
            call.await
        };
        tokio::time::timeout(self.timeout, in_place)
            .await
            .unwrap_or_else(|_| Err(OutsideError(format!("no answer within {:?}", self.timeout))))
    }

    async fn post(&self, json: Vec<u8>) -> Result<Response<Incoming>, OutsideError> {
        let mut request = Request::post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let request = request
            .body(Full::new(Bytes::from(json)))
            .map_err(|error| OutsideError(format!("a request that cannot be made: {error}")))?;
        let answer = self
            .client
            .request(request)
            .await
            .map_err(|error| OutsideError(with_causes(&error)))?;
        let status = answer.status();
        if status.is_success() {
            Ok(answer)
        } else {
            Err(OutsideError(format!("the answer has status {status}")))
        }
    }
}
