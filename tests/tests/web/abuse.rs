//! Requests that no page would make.

use serde_json::json;
use tim_tests::browser::{Browser, json as body, refused};
use tim_tests::{Person, Server, http, shared};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const API: [(&str, &str); 8] = [
    ("POST", "/client/v1/session"),
    ("DELETE", "/client/v1/session"),
    ("POST", "/client/v1/session/token"),
    ("POST", "/client/v1/session/others/end"),
    ("POST", "/client/v1/people/find"),
    ("GET", "/client/v1/people"),
    ("GET", "/client/v1/rooms"),
    ("GET", "/client/v1/delivered"),
];

#[tokio::test]
async fn only_the_method_of_a_call_is_served() {
    let server = shared();
    let person = Person::register(&server).await;
    let mut browser = Browser::logged_in(&server, &person).await;
    for method in [
        "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "x",
    ] {
        for (_, path) in API {
            if API.contains(&(method, path)) {
                continue;
            }
            let response = browser.send(method, path, &[], b"").await;
            assert_eq!(response.status, 405, "{method} {path}");
            assert!(response.header("access-control-allow-origin").is_none());
        }
    }
    assert_eq!(browser.call("/client/v1/session/token").await.status, 200);
}

#[tokio::test]
async fn bodies_are_bounded_also_without_a_length() {
    let server = shared();
    let person = Person::register(&server).await;
    let huge = vec![b'x'; 1 << 20];
    for (method, path) in API {
        let mut browser = Browser::logged_in(&server, &person).await;
        let response = browser.send(method, path, &[], &huge).await;
        assert!(response.status < 500, "{method} {path}: {}", response.status);
        if ["/client/v1/session", "/client/v1/people/find"].contains(&path) && method == "POST" {
            refused(&response, 413, 4104);
        }
    }
    let head = format!(
        "POST /client/v1/session HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        server.address()
    );
    let chunks = "400\r\n".to_owned() + &"x".repeat(0x400) + "\r\n";
    let request = head + &chunks.repeat(100) + "0\r\n\r\n";
    let response = http::exchange(server.address(), request.as_bytes()).await;
    refused(&response, 413, 4104);
}

#[tokio::test]
async fn two_requests_cannot_be_made_of_one() {
    let server = shared();
    for headers in [
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 2\r\nContent-Length: 3\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 2, 3\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
    ] {
        let request = format!(
            "POST /client/v1/session HTTP/1.1\r\nHost: x\r\n{headers}\r\n{{}}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        );
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let read = tim_tests::within("the end", stream.read_to_end(&mut answer)).await;
        let text = String::from_utf8_lossy(&answer);
        assert!(read.is_ok() || !answer.is_empty());
        assert!(
            !text.contains("\r\nok\n") && !text.ends_with("ok\n"),
            "{headers}: {text}"
        );
    }
}

#[tokio::test]
async fn names_and_queries_put_nothing_into_headers() {
    let server = Server::options().set("directory.users", "true").start();
    let person = Person::register(&server).await;
    let mut browser = Browser::logged_in(&server, &person).await;
    let name = "a\r\nSet-Cookie: tim_session=evil\r\n\r\n<script>";
    let credentials = json!({"name": name, "password": name, "domain": name});
    let secret = browser.cookie.clone();
    let mut responses = vec![
        browser.post("/client/v1/session", &credentials).await,
        browser
            .post("/client/v1/people/find", &json!({"name": name}))
            .await,
    ];
    for path in [
        "/client/v1/people?after=%0d%0aSet-Cookie:%20tim_session=evil",
        "/client/v1/delivered?peer=%0d%0aSet-Cookie:%20tim_session=evil",
        "/client/v1/%0d%0aSet-Cookie:%20tim_session=evil",
        "/%0d%0aSet-Cookie:%20tim_session=evil",
    ] {
        responses.push(browser.get(path).await);
    }
    for response in responses {
        assert!((400..500).contains(&response.status), "{response:?}");
        assert_eq!(response.header("set-cookie"), None, "{response:?}");
    }
    assert_eq!(browser.cookie, secret);
}

#[tokio::test]
async fn a_secret_of_somebody_else_cannot_be_made_up() {
    let server = shared();
    let person = Person::register(&server).await;
    let mut browser = Browser::logged_in(&server, &person).await;
    let secret = browser.cookie.clone().unwrap();
    let mut changed = secret.clone().into_bytes();
    changed[0] = if changed[0] == b'A' { b'B' } else { b'A' };
    for forged in [
        String::from_utf8(changed).unwrap(),
        secret[1..].to_owned(),
        format!("{secret}A"),
        secret.to_lowercase(),
        person.node.clone(),
        "../../x".to_owned(),
        "%00".to_owned(),
    ] {
        if forged == secret {
            continue;
        }
        browser.cookie = Some(forged);
        refused(&browser.call("/client/v1/session/token").await, 401, 4115);
    }
    browser.cookie = Some(secret);
    assert_eq!(browser.call("/client/v1/session/token").await.status, 200);
}

#[tokio::test]
async fn pages_of_other_origins_are_granted_nothing() {
    let server = shared();
    let mut browser = Browser::new(&server);
    browser.origin = Some("https://evil.example".to_owned());
    let asked = [
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: content-type",
    ];
    let response = browser
        .send("OPTIONS", "/client/v1/session/token", &asked, b"")
        .await;
    assert_eq!(response.status, 405);
    let granted = response
        .headers
        .iter()
        .find(|(name, _)| name.starts_with("access-control"));
    assert_eq!(granted, None);
    assert!(body(&response)["error"]["text"].is_string());
}
