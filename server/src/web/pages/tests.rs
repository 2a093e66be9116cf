//! Every path and header of a sample of pages.

use super::bundle::tests::sample;
use super::*;

fn pages() -> Pages {
    Pages::Served(Bundle::parse(sample().into()).unwrap())
}

fn ask(pages: &Pages, method: Method, path: &str, headers: &[(&'static str, &'static str)]) -> Response {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap();
    for (name, value) in headers {
        request
            .headers_mut()
            .insert(*name, HeaderValue::from_static(value));
    }
    pages.answer(&request)
}

/// What a browser sends when somebody opens an address.
const OPENED: (&str, &str) = (
    "accept",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
);

async fn body(response: Response) -> Bytes {
    axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap()
}

#[tokio::test]
async fn a_file_comes_in_the_form_that_is_taken() {
    for (accepted, encoding, content) in [
        ("gzip, br", Some("br"), &b"BR"[..]),
        ("gzip", Some("gzip"), b"GZIP"),
        ("identity", None, b"script"),
    ] {
        let response = ask(
            &pages(),
            Method::GET,
            "/app.00ff.js",
            &[("accept-encoding", accepted)],
        );
        assert_eq!(response.status(), 200);
        let headers = response.headers().clone();
        assert_eq!(
            headers.get(CONTENT_ENCODING).map(|value| value.to_str().unwrap()),
            encoding
        );
        assert_eq!(headers[CONTENT_TYPE], "text/javascript; charset=utf-8");
        assert_eq!(headers[VARY], "Accept-Encoding");
        assert_eq!(headers[CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(body(response).await, content);
        let tag = headers[ETAG].to_str().unwrap().to_owned();
        let mut again = Request::new(Body::empty());
        *again.uri_mut() = "/app.00ff.js".parse().unwrap();
        again
            .headers_mut()
            .insert(ACCEPT_ENCODING, HeaderValue::from_static(accepted));
        again.headers_mut().insert(IF_NONE_MATCH, tag.parse().unwrap());
        let response = pages().answer(&again);
        assert_eq!(response.status(), 304);
        assert_eq!(response.headers()[ETAG], tag.as_str());
        assert!(body(response).await.is_empty());
    }
}

#[tokio::test]
async fn every_address_of_the_page_is_the_page() {
    for path in ["/", "/index.html", "/people", "/rooms/abc", "/?a=b.c"] {
        let response = ask(&pages(), Method::GET, path, &[OPENED]);
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-cache");
        assert_eq!(body(response).await, "page");
    }
}

#[tokio::test]
async fn what_is_missing_is_missing() {
    for path in [
        "/missing.js",
        "/app.00ff.js/",
        "/client",
        "/client/v2/x",
        "/../index.html",
        "/%2e%2e/etc/passwd",
        "/deep/..%2f..%2fetc/passwd",
        "//index.html",
    ] {
        let response = ask(&pages(), Method::GET, path, &[OPENED]);
        let is_page = response.status() == 200;
        assert!(
            !is_page || body(response).await == "page",
            "{path} is the page at most"
        );
        assert!(!is_page || !path.contains('.'), "{path}");
    }
}

#[test]
fn programs_are_told_that_an_address_does_not_exist() {
    for accepted in ["", "*/*", "application/json", "text/html;q=0", "text/htm"] {
        let response = ask(&pages(), Method::GET, "/people", &[("accept", accepted)]);
        assert_eq!(response.status(), 404, "{accepted}");
    }
    assert_eq!(ask(&pages(), Method::GET, "/", &[]).status(), 200);
}

#[tokio::test]
async fn other_methods_are_refused() {
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let response = ask(&pages(), method, "/", &[]);
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()[ALLOW], "GET, HEAD");
    }
    assert_eq!(ask(&pages(), Method::HEAD, "/", &[]).status(), 200);
}

#[test]
fn every_answer_is_protected() {
    let without = Pages::Text(WITHOUT_PAGES);
    for (pages, method, path) in [
        (&pages(), Method::GET, "/"),
        (&pages(), Method::GET, "/app.00ff.js"),
        (&pages(), Method::GET, "/missing.js"),
        (&pages(), Method::POST, "/"),
        (&without, Method::GET, "/"),
    ] {
        let response = ask(pages, method, path, &[]);
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(
            header("content-security-policy"),
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; \
             media-src 'self' blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'"
        );
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        let permissions = header("permissions-policy");
        let allowed: Vec<&str> = permissions
            .split(", ")
            .filter(|item| !item.ends_with("=()"))
            .collect();
        assert_eq!(allowed, ["microphone=(self)"]);
    }
}

#[tokio::test]
async fn a_server_without_pages_says_how_to_get_them() {
    let pages = Pages::Text(WITHOUT_PAGES);
    let response = ask(&pages, Method::GET, "/", &[]);
    assert_eq!(response.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
    let text = body(response).await;
    assert!(String::from_utf8_lossy(&text).contains("cargo xtask web"));
    assert_eq!(ask(&pages, Method::GET, "/people", &[]).status(), 404);
}
