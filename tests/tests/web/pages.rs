//! The page for browsers: what is served, how it is protected, and what is not to be had.

use std::sync::Arc;

use tim_tests::browser::Browser;
use tim_tests::{Client, Encoding, Person, Server, http};

const PAGE: &str = "<!doctype html><title>page</title>";

/// A server with a folder of pages.
fn server() -> Server {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("pages");
    std::fs::create_dir_all(folder.join("deep")).unwrap();
    for (name, content) in [
        ("index.html", PAGE),
        ("app.js", "let a;"),
        ("deep/style.css", "a{}"),
        (".hidden", "secret"),
    ] {
        std::fs::write(folder.join(name), content).unwrap();
    }
    let options = Server::options().set("web.directory", "\"pages\"");
    options.try_start_in(Arc::new(scratch)).unwrap()
}

#[tokio::test]
async fn a_browser_gets_the_page_and_what_it_loads() {
    let server = server();
    let mut browser = Browser::new(&server);
    for path in ["/", "/index.html", "/people/somebody"] {
        let response = browser
            .send("GET", path, &["Accept: text/html,*/*;q=0.8"], b"")
            .await;
        assert_eq!(response.status, 200, "{path}");
        assert_eq!(response.body, PAGE.as_bytes());
        assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(response.header("cache-control"), Some("no-cache"));
        assert!(
            response
                .header("content-security-policy")
                .unwrap()
                .starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; ")
        );
    }
    let style = browser.get("/deep/style.css").await;
    assert_eq!(
        (style.status, &style.body[..], style.header("content-type")),
        (200, &b"a{}"[..], Some("text/css; charset=utf-8"))
    );
    let length = PAGE.len().to_string();
    let head = browser.send("HEAD", "/", &[], b"").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some(length.as_str()));
    let known = format!("If-None-Match: {}", head.header("etag").unwrap());
    let response = browser.send("GET", "/", &[&known], b"").await;
    assert_eq!((response.status, response.body.len()), (304, 0));
    assert_eq!(browser.call("/").await.status, 405);
    // Chat clients that connect to / still can.
    let person = Person::register(&server).await;
    let stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    let request = tim_tests::client::upgrade_request(server.address(), "/");
    let mut client = Client::upgrade(stream, &request, Encoding::Compact)
        .await
        .unwrap();
    client.log_in(&person.credentials()).await;
}

#[tokio::test]
async fn nothing_else_on_the_disk_can_be_had() {
    let server = server();
    for path in [
        "/.hidden",
        "/../tim.toml",
        "/../data/master.key",
        "/deep/../../tim.toml",
        "/deep/..%2f..%2ftim.toml",
        "/%2e%2e/tim.toml",
        "/..\\tim.toml",
        "//etc/hosts.txt",
        "/deep",
        "/deep/",
        "/app.js/",
        "/app.js%00.css",
        "/pages/app.js",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let response = http::exchange(server.address(), request.as_bytes()).await;
        match response.status {
            200 => assert_eq!(response.body, PAGE.as_bytes(), "{path}: the page at most"),
            status => assert!(matches!(status, 400 | 404), "{path}: {status}"),
        }
    }
}

#[tokio::test]
async fn without_pages_the_server_says_what_it_is() {
    let server = Server::options().set("web.enabled", "false").start();
    let mut browser = Browser::new(&server);
    let response = browser.get("/").await;
    assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
    let text = String::from_utf8(response.body).unwrap();
    assert!(text.starts_with("This is a tim server."), "{text}");
    assert!(!text.contains("cargo xtask web"), "{text}");
    assert_eq!(browser.get("/people").await.status, 404);
    assert_eq!(browser.call("/client/v1/session/token").await.status, 404);
    let address = format!("the page for browsers is http://{}/", server.address());
    assert!(!server.log().text_from(0).contains(&address));
}

#[tokio::test]
async fn the_address_of_the_page_is_shown_at_start() {
    let server = server();
    let address = format!("the page for browsers is http://{}/", server.address());
    let found = server
        .log()
        .wait_for(0, |line| line.contains(&address).then_some(()));
    assert!(found.is_some());
}

#[tokio::test]
async fn a_folder_without_a_page_is_a_mistake() {
    let scratch = tempfile::tempdir().unwrap();
    for folder in ["nothing", "empty"] {
        let directory = scratch.path().join(folder);
        if folder == "empty" {
            std::fs::create_dir(&directory).unwrap();
        }
        let setting = format!("\"{}\"", directory.display());
        let failed = Server::options()
            .set("web.directory", &setting)
            .try_start()
            .unwrap_err();
        assert_eq!(failed.status.code(), Some(2), "{}", failed.log);
        assert!(failed.log.contains("web.directory"), "{}", failed.log);
    }
}
