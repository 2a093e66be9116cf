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
