//! The server itself: figures, health, configuration, the document.

use serde_json::json;
use tim_tests::console::{Console, body, options};
use tim_tests::{Encoding, Person};

fn figure(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
    line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn figures_are_for_those_with_the_right_and_count() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let nobody = Console::new(&server);
    assert_eq!(nobody.send("GET", "/metrics", None).await.status, 401);
    let other = owner.program(&["accounts:read"], None).await;
    assert_eq!(other.send("GET", "/metrics", None).await.status, 403);
    let program = owner.program(&["statistics:read"], None).await;
    let (ann, ben) = (Person::register(&server).await, Person::register(&server).await);
    let _client = ann.login(&server, Encoding::Compact).await;
    let sent = json!({"from": ann.node, "to": ben.node, "text": "one"});
    owner.done("POST", "/messages", Some(&sent)).await;
    let response = program.send("GET", "/metrics", None).await;
    assert_eq!(response.status, 200);
    assert!(
        response
            .header("content-type")
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    let text = String::from_utf8(response.body).unwrap();
    assert_eq!(figure(&text, "tim_sessions"), 1.0);
    assert_eq!(figure(&text, "tim_messages_stored_total"), 1.0);
    assert!(figure(&text, "tim_store_writes_total") > 1.0);
    assert_eq!(figure(&text, "tim_store_damaged_records_total"), 0.0);
    assert!(figure(&text, "process_resident_memory_bytes") > 1e6);
    let statistics = owner.done("GET", "/statistics", None).await;
    assert_eq!(
        (&statistics["accounts"], &statistics["rooms"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(statistics["metrics"]["tim_sessions"], 1.0);
}

#[tokio::test]
async fn figures_may_be_open() {
    let server = options().set("admin.open_metrics", "true").start();
    assert_eq!(
        Console::new(&server).send("GET", "/metrics", None).await.status,
        200
    );
}

#[tokio::test]
async fn health_is_told_to_everybody() {
    let server = options().start();
    let nobody = Console::new(&server);
    for path in ["/health/live", "/health/ready"] {
        let response = nobody.send("GET", path, None).await;
        assert_eq!(
            (response.status, &response.body[..]),
            (200, &b"ok\n"[..]),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_configuration_is_shown_without_its_secrets() {
    let server = options()
        .set("external.http_secret", "\"very secret\"")
        .set("external.check_url", "\"http://127.0.0.1:9/check\"")
        .start();
    let owner = Console::owner(&server).await;
    let shown = owner.done("GET", "/configuration", None).await;
    let settings = shown["settings"].as_array().unwrap();
    let value = |name: &str| {
        let setting = settings.iter().find(|setting| setting["name"] == name);
        setting.unwrap()["value"].clone()
    };
    assert_eq!(value("external.http_secret"), "\"(not shown)\"");
    assert_eq!(value("admin.enabled"), "true");
    assert!(!shown.to_string().contains("very secret"));
}

#[tokio::test]
async fn the_document_and_its_page_are_served_without_anything_from_elsewhere() {
    let server = options().start();
    let nobody = Console::new(&server);
    let document = body(&nobody.send("GET", "/api/v1/openapi.json", None).await);
    assert_eq!(document["openapi"], "3.1.0");
    let page = nobody.send("GET", "/api/v1/", None).await;
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    let page = String::from_utf8(page.body).unwrap();
    assert!(
        page.contains("<section id=\"createAccount\">") && !page.contains("://"),
        "{page}"
    );
    assert_eq!(nobody.send("GET", "/api/v1/page.css", None).await.status, 200);
    nobody.refused("GET", "/nothing", None, 404).await;
    nobody.refused("PUT", "/accounts", None, 405).await;
}

#[tokio::test]
async fn a_new_data_key_is_made_and_what_was_stored_stays_readable() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let rotated = owner.done("POST", "/server/rotate-key", None).await;
    assert_eq!(rotated["key"], 2);
    owner.done("GET", "/operators", None).await;
    owner.done("POST", "/server/reload", None).await;
}

#[tokio::test]
async fn a_body_that_is_too_large_or_no_json_is_refused() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let large = json!({"name": "a", "password": "x".repeat(5 << 20)});
    let response = owner.call("POST", "/accounts", Some(&large)).await;
    assert_eq!(response.status, 413);
    owner
        .refused("POST", "/accounts", Some(&json!([1, 2])), 400)
        .await;
    owner.refused("POST", "/accounts", None, 400).await;
}

#[tokio::test]
async fn the_management_api_is_off_unless_it_is_switched_on() {
    let server = tim_tests::Server::start();
    assert!(!server.log().text_from(0).contains("management API is"));
    let response = tim_tests::http::request(server.address(), "GET", "/api/v1/session", b"").await;
    assert_eq!(response.status, 404);
}
