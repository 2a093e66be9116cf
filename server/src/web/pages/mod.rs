//! The web page and everything it loads. Whatever is served here, no other site can frame it, read it or
//! put anything of its own into it.

mod bundle;
mod negotiation;

use std::path::Path;

use axum::body::Body;
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    ETAG, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use axum::response::Response;
use bytes::Bytes;

use crate::config::Web as Settings;
use bundle::{Bundle, File};
use negotiation::{Coding, best_coding, is_known, wants_page};

/// The pages that are built into the program.
#[cfg(feature = "web-assets")]
static EMBEDDED: Option<&[u8]> = Some(include_bytes!(env!(
    "TIM_WEB_BUNDLE",
    "the feature web-assets needs the absolute path of the bundle that `cargo xtask web` writes"
)));
#[cfg(not(feature = "web-assets"))]
static EMBEDDED: Option<&[u8]> = None;

/// Scripts, styles and connections only of this server; `wasm-unsafe-eval` permits WebAssembly and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// What the page may use of the device: the microphone, for voice messages.
const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), \
    magnetometer=(), microphone=(self), midi=(), payment=(), serial=(), usb=()";

const FOREVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

const WITHOUT_PAGES: &str = "This is a tim server. Chat clients connect to /tim with WebSocket.\n\n\
    It was built without the pages for browsers. Either build it with them:\n  \
    cargo xtask web\n  \
    TIM_WEB_BUNDLE=$PWD/target/web/web.bundle cargo build --release -p tim-server --features web-assets\n\
    or name the folder of the first command in tim.toml:\n  \
    [web]\n  directory = \"target/web\"\n";
const SWITCHED_OFF: &str = "This is a tim server. Chat clients connect to /tim with WebSocket.\n";

/// What a browser gets to see.
#[derive(Debug)]
pub(super) enum Pages {
    /// These.
    Served(Bundle),
    /// Nothing but this text.
    Text(&'static str),
}

impl Pages {
    /// The pages of a configuration. Blocks for reading files.
    ///
    /// # Errors
    /// `web.directory` cannot be used.
    pub(super) fn open(settings: &Settings) -> Result<Self, String> {
        let folder = settings.directory.as_deref();
        match (settings.enabled, folder, EMBEDDED) {
            (false, ..) => Ok(Self::Text(SWITCHED_OFF)),
            (true, Some(folder), _) => Self::of_folder(folder),
            (true, None, Some(embedded)) => Bundle::parse(Bytes::from_static(embedded)).map(Self::Served),
            (true, None, None) => Ok(Self::Text(WITHOUT_PAGES)),
        }
    }

    fn of_folder(folder: &Path) -> Result<Self, String> {
        let bundle = Bundle::read(folder).map_err(|error| format!("web.directory: {error}"))?;
        if bundle.get("/index.html").is_none() {
            return Err(format!("web.directory: {} has no index.html", folder.display()));
        }
        Ok(Self::Served(bundle))
    }

    pub(super) fn are_served(&self) -> bool {
        matches!(self, Self::Served(_))
    }

    /// Answers a request for anything outside the API.
    pub(super) fn answer(&self, request: &Request<Body>) -> Response {
        let path = request.uri().path();
        let can_have_it = self.are_served() || path == "/";
        let mut response = if matches!(*request.method(), Method::GET | Method::HEAD) || !can_have_it {
            self.find(path, request.headers())
        } else {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "");
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            response
        };
        protect(response.headers_mut());
        response
    }

    fn find(&self, path: &str, headers: &HeaderMap) -> Response {
        match self {
            Self::Text(text) if path == "/" => plain(StatusCode::OK, text),
            Self::Text(_) => plain(StatusCode::NOT_FOUND, ""),
            Self::Served(bundle) => {
                let file = bundle.get(path).or_else(|| {
                    // Every address inside the page is the page for somebody who opens it in a browser; for a
                    // program, and for a file that a page loads, what is missing is missing.
                    let is_inside = !path.contains('.') && !path.starts_with("/client");
                    let is_address = path == "/" || is_inside && wants_page(headers.get_all(ACCEPT));
                    is_address.then(|| bundle.get("/index.html")).flatten()
                });
                file.map_or_else(|| plain(StatusCode::NOT_FOUND, ""), |file| send(file, headers))
            }
        }
    }
}

fn send(file: &File, asked: &HeaderMap) -> Response {
    let offered = [
        (Coding::Brotli, file.brotli.as_ref()),
        (Coding::Gzip, file.gzip.as_ref()),
        (Coding::Plain, Some(&file.plain)),
    ];
    let offered = offered
        .into_iter()
        .filter_map(|(coding, body)| Some((coding, body?)));
    let coding = best_coding(
        asked.get_all(ACCEPT_ENCODING),
        offered.clone().map(|(coding, _)| coding),
    );
    let body = offered
        .into_iter()
        .find(|(offered, _)| *offered == coding)
        .map_or(&file.plain, |(_, body)| body);
    let tag = format!("\"{}{}\"", file.hash, coding.suffix());
    let is_known = is_known(asked.get_all(IF_NONE_MATCH), &tag);
    let mut response = Response::new(if is_known {
        Body::empty()
    } else {
        Body::from(body.clone())
    });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, file.kind.clone());
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    let keep = if file.is_immutable { FOREVER } else { ASK_AGAIN };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    // The hash is letters and digits, so this is a header.
    headers.extend(HeaderValue::from_str(&tag).map(|tag| (ETAG, tag)));
    if let Some(name) = coding.name() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static(ASK_AGAIN));
    response
}

fn protect(headers: &mut HeaderMap) {
    let fixed = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
}

#[cfg(test)]
mod tests;
