//! Blobs in a service that speaks S3, over the same HTTP client and trust roots as the other calls of this server.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::BodyExt as _;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{
    HttpClient, HttpConnector as Connect, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
    HttpResponse, HttpResponseBody, HttpService,
};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

/// Idle connections are closed before usual services would do it in the middle of a request.
const IDLE: Duration = Duration::from_secs(20);
/// Sending a part and getting its answer takes no longer.
const ANSWER: Duration = Duration::from_secs(120);
/// How often, and for how long, a request that failed is tried again.
const RETRIES: usize = 3;
const RETRY_TIME: Duration = Duration::from_secs(30);

/// Where the service is and how to use it.
#[derive(Clone, Default)]
pub struct S3Settings {
    /// Address of the service.
    pub endpoint: String,
    /// Name of the bucket. It has to exist.
    pub bucket: String,
    /// Region that requests are signed for.
    pub region: String,
    /// What all names begin with.
    pub prefix: String,
    /// Access key.
    pub access_key: String,
    /// Secret key.
    pub secret_key: String,
    /// Whether the address may begin with `http://`.
    pub allow_http: bool,
    /// Whether the bucket is a part of the host name and not of the path.
    pub bucket_in_host: bool,
}

impl fmt::Debug for S3Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Settings")
            .field("endpoint", &self.endpoint)
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}

impl S3Settings {
    /// A secret key that is kept in a file: its first line, without white space around it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn key_in_file(path: &Path) -> Result<String, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("files.s3_secret_key_file {}: {error}", path.display()))?;
        Ok(text.lines().next().unwrap_or_default().trim().to_owned())
    }
}

pub(super) fn open(settings: &S3Settings) -> Result<AmazonS3, String> {
    AmazonS3Builder::new()
        .with_endpoint(settings.endpoint.trim_end_matches('/'))
        .with_bucket_name(&settings.bucket)
        .with_region(&settings.region)
        .with_access_key_id(&settings.access_key)
        .with_secret_access_key(&settings.secret_key)
        .with_allow_http(settings.allow_http)
        .with_virtual_hosted_style_request(settings.bucket_in_host)
        // The content is authenticated already, chunk by chunk.
        .with_unsigned_payload(settings.endpoint.starts_with("https://"))
        .with_retry(RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: RETRIES,
            retry_timeout: RETRY_TIME,
        })
        .with_http_connector(Connector)
        .build()
        .map_err(|error| format!("files.s3_endpoint or another setting of S3 cannot be used: {error}"))
}

#[derive(Debug)]
struct Connector;

impl Connect for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let tls = crate::outgoing::tls().map_err(|error| object_store::Error::Generic {
            store: "S3",
            source: error.into(),
        })?;
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(https);
        Ok(HttpClient::new(Service(client)))
    }
}

#[derive(Debug)]
struct Service(Client<HttpsConnector<HttpConnector>, HttpRequestBody>);

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = tokio::time::timeout(ANSWER, self.0.request(request))
            .await
            .map_err(|late| HttpError::new(HttpErrorKind::Timeout, late))?
            .map_err(|error| {
                let kind = if error.is_connect() {
                    HttpErrorKind::Connect
                } else {
                    HttpErrorKind::Interrupted
                };
                HttpError::new(kind, error)
            })?;
        let (head, body) = answer.into_parts();
        let body = body.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error));
        Ok(HttpResponse::from_parts(head, HttpResponseBody::new(body)))
    }
}
