//! Pages of other origins, which a browser sends the cookie along for or not, must not act in the name of
//! who looks at them.

use serde_json::json;
use tim_tests::browser::{Browser, json as body, refused};
use tim_tests::{Person, Server, shared};

const TOKEN: &str = "/client/v1/session/token";
const FOREIGN: &str = "https://evil.example";

#[tokio::test]
async fn a_foreign_page_cannot_use_the_cookie() {
    let server = shared();
    let person = Person::register(&server).await;
    let mut browser = Browser::logged_in(&server, &person).await;
    let port = server.address().port();
    for origin in [
        FOREIGN.to_owned(),
        "null".to_owned(),
        format!("http://127.0.0.1:{}", port.wrapping_add(1)),
        format!("http://127.0.0.1:{port}.evil.example"),
        format!("http://localhost:{port}"),
        format!("ftp://127.0.0.1:{port}"),
        String::new(),
    ] {
        browser.origin = Some(origin);
        refused(&browser.call(TOKEN).await, 403, 4105);
        refused(&browser.call("/client/v1/session/others/end").await, 403, 4105);
        refused(&browser.delete("/client/v1/session").await, 403, 4105);
    }
    browser.origin = None;
    for site in ["cross-site", "same-site", "none"] {
        let header = format!("Sec-Fetch-Site: {site}");
        let response = browser.send("POST", TOKEN, &[&header], b"").await;
        refused(&response, 403, 4105);
    }
    refused(&browser.call(TOKEN).await, 403, 4105);
    let own = ["Sec-Fetch-Site: same-origin"];
    assert_eq!(browser.send("POST", TOKEN, &own, b"").await.status, 200);
}

#[tokio::test]
async fn reading_needs_no_origin_but_none_that_is_foreign() {
    const ROOMS: &str = "/client/v1/rooms";
    let server = shared();
    let person = Person::register(&server).await;
    let mut browser = Browser::logged_in(&server, &person).await;
    browser.origin = None;
    assert_eq!(browser.get(ROOMS).await.status, 200, "as without TLS");
    for (site, status) in [
        ("same-origin", 200),
        ("none", 200),
        ("same-site", 403),
        ("cross-site", 403),
    ] {
        let header = format!("Sec-Fetch-Site: {site}");
        let response = browser.send("GET", ROOMS, &[&header], b"").await;
        assert_eq!(response.status, status, "{site}");
    }
    browser.origin = Some(FOREIGN.to_owned());
    refused(&browser.get(ROOMS).await, 403, 4105);
}

#[tokio::test]
async fn a_foreign_page_cannot_log_its_visitor_in_as_somebody_else() {
    let server = shared();
    let person = Person::register(&server).await;
    let mut browser = Browser::new(&server);
    browser.origin = Some(FOREIGN.to_owned());
    refused(&browser.log_in(&person).await, 403, 4105);
    assert_eq!(browser.cookie, None);
    // It may have a session of its own, as any program may.
    let credentials = json!({"name": person.name, "password": person.password, "bearer": true});
    let response = browser.post("/client/v1/session", &credentials).await;
    assert_eq!((response.status, response.header("set-cookie")), (200, None));
    browser.bearer = body(&response)["session"].as_str().map(str::to_owned);
    server.keep_secret(browser.bearer.as_deref().unwrap());
    assert_eq!(browser.call(TOKEN).await.status, 200);
}

#[tokio::test]
async fn a_list_of_origins_holds_for_all_pages_but_the_own_ones() {
    let server = Server::options()
        .set("listen.origins", "[\"https://app.example\"]")
        .start();
    let person = Person {
        name: "ann".to_owned(),
        password: "wrong".to_owned(),
        domain: None,
        node: String::new(),
    };
    let mut browser = Browser::new(&server);
    refused(&browser.log_in(&person).await, 401, 4102);
    browser.origin = Some("https://app.example".to_owned());
    refused(&browser.log_in(&person).await, 401, 4102);
    browser.origin = None;
    refused(&browser.log_in(&person).await, 401, 4102);
    browser.origin = Some(FOREIGN.to_owned());
    refused(&browser.log_in(&person).await, 403, 4105);
    let credentials = json!({"name": "ann", "password": "wrong", "bearer": true});
    refused(&browser.post("/client/v1/session", &credentials).await, 403, 4105);
}

#[tokio::test]
async fn pages_of_listed_origins_may_read_answers_and_no_others() {
    const LISTED: &str = "https://app.example";
    let server = Server::options()
        .set("listen.origins", "[\"https://app.example\"]")
        .start();
    let mut browser = Browser::new(&server);
    let granted = |response: &tim_tests::http::Response| {
        response.header("access-control-allow-origin").map(str::to_owned)
    };
    let asked = [
        "Access-Control-Request-Method: DELETE",
        "Access-Control-Request-Headers: authorization",
    ];
    for (origin, may) in [(LISTED, true), (FOREIGN, false)] {
        browser.origin = Some(origin.to_owned());
        for path in ["/client/v1/session", "/client/v1/files/x", "/tim2"] {
            let response = browser.send("OPTIONS", path, &asked, b"").await;
            assert_eq!(response.status == 204, may, "{origin} {path}: {response:?}");
            assert_eq!(granted(&response).as_deref(), may.then_some(LISTED));
            let methods = response.header("access-control-allow-methods");
            assert_eq!(methods.is_some_and(|methods| methods.contains("DELETE")), may);
        }
        let response = browser.call(TOKEN).await;
        assert_eq!(response.status, if may { 401 } else { 403 });
        assert_eq!(granted(&response).as_deref(), may.then_some(LISTED));
        let credentials = response.header("access-control-allow-credentials");
        assert_eq!(credentials, may.then_some("true"));
    }
    // The page itself is nobody else's to read.
    browser.origin = Some(LISTED.to_owned());
    assert_eq!(granted(&browser.get("/").await), None);
}

#[tokio::test]
async fn a_page_connects_only_from_a_listed_origin() {
    let server = Server::options()
        .set("listen.origins", "[\"https://app.example\"]")
        .start();
    let own = format!("http://{}", server.address());
    for (origin, status) in [("https://app.example", 101), (FOREIGN, 403), (own.as_str(), 403)] {
        for path in ["/tim", "/"] {
            let header = format!("Origin: {origin}");
            let upgrade = [
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                header.as_str(),
            ];
            let (response, _stream) = tim_tests::http::upgrade(server.address(), path, &upgrade).await;
            assert_eq!(response.status, status, "{origin} {path}");
        }
    }
}
