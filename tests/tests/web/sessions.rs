//! Sessions: beginning and ending them, tokens, and what ends them besides.

use serde_json::json;
use tim_protocol::wire::TimReq;
use tim_tests::browser::{Browser, json as body, refused, with_token};
use tim_tests::people::operation;
use tim_tests::{Client, Encoding, ErrorCode, PacketType, Person, Server, shared};

const TOKEN: &str = "/client/v1/session/token";

#[tokio::test]
async fn a_session_logs_in_over_the_websocket_again_and_again() {
    let server = shared();
    let person = Person::register(&server).await;
    let mut browser = Browser::new(&server);
    let response = browser.log_in(&person).await;
    assert_eq!(response.status, 200, "{response:?}");
    assert_eq!(body(&response)["node"], person.node.as_str());
    assert!(body(&response).get("session").is_none());
    let auth = with_token(&response, "web-1");
    let mut client = Client::connect(server.address(), Encoding::Json).await;
    client.log_in(&auth).await;
    assert_eq!(client.node, person.node);
    let mut again = Client::connect(server.address(), Encoding::Json).await;
    again
        .authenticate(&auth)
        .await
        .refusal(PacketType::Auth, ErrorCode::Token);
    for encoding in [Encoding::Json, Encoding::Compact] {
        let client = browser.connect(&server, encoding, "web-2").await;
        assert_eq!(client.node, person.node);
    }
}

#[tokio::test]
async fn the_cookie_is_kept_from_scripts_and_other_sites() {
    let server = shared();
    let person = Person::register(&server).await;
    let mut browser = Browser::new(&server);
    let response = browser.log_in(&person).await;
    let cookie = response.header("set-cookie").unwrap().to_owned();
    let attributes: Vec<&str> = cookie.split("; ").skip(1).collect();
    assert_eq!(
        attributes,
        ["Path=/client", "HttpOnly", "SameSite=Strict", "Max-Age=2592000"],
        "no Secure without TLS, or the browser would not keep it"
    );
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
    let secret = browser.cookie.clone().unwrap();
    server.keep_secret(&secret);
    assert_eq!(secret.len(), 43);
    // Renewed with every token, so that a session in use does not end in the browser.
    let renewed = browser.call(TOKEN).await;
    assert_eq!(renewed.header("set-cookie"), Some(cookie.as_str()));

    let mut short = Browser::new(&server);
    let credentials = json!({"name": person.name, "password": person.password});
    let response = short.post("/client/v1/session", &credentials).await;
    let cookie = response.header("set-cookie").unwrap();
    assert!(
        !cookie.contains("Max-Age"),
        "until the browser is closed: {cookie}"
    );
    let token = short.call(TOKEN).await;
    assert_eq!((token.status, token.header("set-cookie")), (200, None));
}

#[tokio::test]
async fn the_cookie_is_secure_when_a_trusted_proxy_says_so() {
    let server = Server::options()
        .set("listen.trusted_proxies", "[\"127.0.0.1\"]")
        .start();
    let person = Person::register(&server).await;
    let credentials = json!({"name": person.name, "password": person.password}).to_string();
    for (scheme, is_secure) in [("https", true), ("http", false)] {
        let mut browser = Browser::new(&server);
        browser.origin = Some(format!("{scheme}://{}", server.address()));
        let proto = format!("X-Forwarded-Proto: {scheme}");
        let headers = [proto.as_str(), "X-Forwarded-For: 203.0.113.9"];
        let response = browser
            .send("POST", "/client/v1/session", &headers, credentials.as_bytes())
            .await;
        let cookie = response.header("set-cookie").expect("a cookie");
        assert_eq!(cookie.contains("; Secure"), is_secure, "{cookie}");
        let token = browser.send("POST", TOKEN, &headers, b"").await;
        assert_eq!(token.status, 200);
    }
}

#[tokio::test]
async fn programs_get_the_secret_instead_of_a_cookie() {
    let server = shared();
    let person = Person::register(&server).await;
    let mut program = Browser::new(&server);
    program.origin = None;
    let credentials = json!({"name": person.name, "password": person.password, "bearer": true});
    let response = program.post("/client/v1/session", &credentials).await;
    assert_eq!(response.status, 200, "{response:?}");
    assert_eq!(response.header("set-cookie"), None);
    program.bearer = body(&response)["session"].as_str().map(str::to_owned);
    server.keep_secret(program.bearer.as_deref().unwrap());
    let client = program.connect(&server, Encoding::Compact, "bot").await;
    assert_eq!(client.node, person.node);
    assert_eq!(program.delete("/client/v1/session").await.status, 204);
    refused(&program.call(TOKEN).await, 401, 4115);
}

#[tokio::test]
async fn a_wrong_name_or_password_gets_no_session() {
    let server = shared();
    let person = Person::register(&server).await;
    for credentials in [
        json!({"name": person.name, "password": "wrong"}),
        json!({"name": "nobody of that name", "password": "wrong"}),
        json!({"name": person.name, "password": person.password, "domain": "another"}),
        json!({"name": "", "password": ""}),
        json!({"name": person.name, "password": "x".repeat(300)}),
    ] {
        let mut browser = Browser::new(&server);
        let response = browser.post("/client/v1/session", &credentials).await;
        refused(&response, 401, 4102);
        assert_eq!(browser.cookie, None);
    }
}

#[tokio::test]
async fn guessing_is_slowed_down_together_with_logins_over_the_websocket() {
    let server = Server::options().set("limits.failures_per_account", "2").start();
    let person = Person::register(&server).await;
    let mut browser = Browser::new(&server);
    let wrong = json!({"name": person.name, "password": "wrong"});
    refused(&browser.post("/client/v1/session", &wrong).await, 401, 4102);
    let mut client = Client::connect(server.address(), Encoding::Json).await;
    let mut auth = person.credentials();
    auth.pwd = Some("wrong".to_owned());
    client
        .authenticate(&auth)
        .await
        .refusal(PacketType::Auth, ErrorCode::PermDenied);
    let response = browser.log_in(&person).await;
    refused(&response, 429, 4111);
    let pause: u32 = response.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(pause, 30);
}

#[tokio::test]
async fn requests_without_a_session_are_refused() {
    let server = shared();
    for cookie in [
        None,
        Some("".to_owned()),
        Some("A".repeat(43)),
        Some("x".repeat(5000)),
    ] {
        let mut browser = Browser::new(&server);
        browser.cookie = cookie.clone();
        refused(&browser.call(TOKEN).await, 401, 4115);
        browser.cookie = cookie.clone();
        refused(&browser.call("/client/v1/session/others/end").await, 401, 4115);
        browser.cookie = None;
        browser.bearer = cookie;
        refused(&browser.call(TOKEN).await, 401, 4115);
    }
}

#[tokio::test]
async fn logging_out_ends_the_session_and_its_connections() {
    let server = shared();
    let person = Person::register(&server).await;
    let mut browser = Browser::logged_in(&server, &person).await;
    let mut first = browser.connect(&server, Encoding::Json, "web-1").await;
    let mut second = browser.connect(&server, Encoding::Compact, "web-2").await;
    let mut other = Browser::logged_in(&server, &person).await;
    let mut elsewhere = other.connect(&server, Encoding::Json, "web-3").await;
    let mut phone = person.login(&server, Encoding::Compact).await;
    let token = browser.call(TOKEN).await;
    let secret = browser.cookie.clone();

    let response = browser.delete("/client/v1/session").await;
    assert_eq!((response.status, response.body.len()), (204, 0));
    let cookie = response.header("set-cookie").unwrap();
    assert!(
        cookie.starts_with("tim_session=; ") && cookie.ends_with("; Max-Age=0"),
        "{cookie}"
    );
    for client in [&mut first, &mut second] {
        let told = client.expect(PacketType::Ack).await.success(PacketType::Logout);
        assert!(told.error.is_none());
        assert_eq!(client.expect_close().await, Some(1000));
    }
    browser.cookie = secret;
    refused(&browser.call(TOKEN).await, 401, 4115);
    let mut late = Client::connect(server.address(), Encoding::Json).await;
    late.authenticate(&with_token(&token, "web-4"))
        .await
        .refusal(PacketType::Auth, ErrorCode::Token);
    elsewhere.expect_silence().await;
    phone.expect_silence().await;
    assert_eq!(other.call(TOKEN).await.status, 200);
    // A page that was open in another tab logs out too.
    assert_eq!(browser.delete("/client/v1/session").await.status, 204);
}

#[tokio::test]
async fn all_other_sessions_can_be_ended() {
    let server = shared();
    let person = Person::register(&server).await;
    let mut here = Browser::logged_in(&server, &person).await;
    let mut others = [
        Browser::logged_in(&server, &person).await,
        Browser::logged_in(&server, &person).await,
    ];
    let mut theirs = others[0].connect(&server, Encoding::Json, "web-2").await;
    let mut own = here.connect(&server, Encoding::Json, "web-1").await;
    let response = here.call("/client/v1/session/others/end").await;
    assert_eq!((response.status, body(&response)), (200, json!({"ended": 2})));
    for other in &mut others {
        refused(&other.call(TOKEN).await, 401, 4115);
    }
    theirs.expect(PacketType::Ack).await.success(PacketType::Logout);
    own.expect_silence().await;
    assert_eq!(here.call(TOKEN).await.status, 200);
    let response = here.call("/client/v1/session/others/end").await;
    assert_eq!(body(&response), json!({"ended": 0}));
}

#[tokio::test]
async fn a_new_password_ends_the_sessions_that_nobody_uses() {
    let server = shared();
    let mut person = Person::register(&server).await;
    let mut here = Browser::logged_in(&server, &person).await;
    let mut forgotten = Browser::logged_in(&server, &person).await;
    let mut client = here.connect(&server, Encoding::Json, "web-1").await;
    let new = format!("{}!", person.password);
    server.keep_secret(&new);
    let request = TimReq {
        rtype: Some(operation::PASSWORD),
        req_str: Some(person.password.clone()),
        req_str2: Some(new.clone()),
        ..TimReq::default()
    };
    client.send(PacketType::Business, &request).await;
    client.expect(PacketType::Ack).await.success(PacketType::Business);
    refused(&forgotten.call(TOKEN).await, 401, 4115);
    assert_eq!(here.call(TOKEN).await.status, 200);
    refused(&Browser::new(&server).log_in(&person).await, 401, 4102);
    person.password = new;
    assert_eq!(Browser::new(&server).log_in(&person).await.status, 200);
}

#[tokio::test]
async fn a_suspension_ends_all_sessions_for_good() {
    let server = Server::start();
    let person = Person::register(&server).await;
    let mut browser = Browser::logged_in(&server, &person).await;
    let mut client = browser.connect(&server, Encoding::Json, "web-1").await;
    let suspended = server.account(&["suspend", "--name", &person.name]).await;
    assert_eq!(suspended.0, Some(0), "{}", suspended.1);
    client.expect(PacketType::Ack).await.success(PacketType::Logout);
    refused(&browser.call(TOKEN).await, 401, 4115);
    refused(&Browser::new(&server).log_in(&person).await, 403, 4105);
    let allowed = server.account(&["allow", "--name", &person.name]).await;
    assert_eq!(allowed.0, Some(0), "{}", allowed.1);
    refused(&browser.call(TOKEN).await, 401, 4115);
    assert_eq!(Browser::new(&server).log_in(&person).await.status, 200);
}

#[tokio::test]
async fn sessions_survive_a_crash_of_the_server() {
    let server = Server::start();
    let person = Person::register(&server).await;
    let mut browser = Browser::logged_in(&server, &person).await;
    let mut ended = Browser::logged_in(&server, &person).await;
    let secret = ended.cookie.clone();
    assert_eq!(ended.delete("/client/v1/session").await.status, 204);
    server.kill();
    server.run();
    let client = browser.connect(&server, Encoding::Compact, "web-1").await;
    assert_eq!(client.node, person.node);
    ended.cookie = secret;
    refused(&ended.call(TOKEN).await, 401, 4115);
}

#[tokio::test]
async fn the_secret_of_a_session_is_stored_nowhere() {
    let server = Server::start();
    let person = Person::register(&server).await;
    let browser = Browser::logged_in(&server, &person).await;
    let secret = browser.cookie.unwrap();
    server.keep_secret(&secret);
    server.stop();
    let database = std::fs::read(server.data().join("tim.db")).unwrap();
    let found = database
        .windows(secret.len())
        .any(|window| window == secret.as_bytes());
    assert!(!found);
    server.assert_discreet();
}

#[tokio::test]
async fn a_bad_request_is_told_so() {
    let server = shared();
    let mut browser = Browser::new(&server);
    for text in [
        &b""[..],
        b"{",
        b"[]",
        b"null",
        b"{\"name\": 1, \"password\": 2}",
        b"\xff\xfe",
    ] {
        let response = browser.send("POST", "/client/v1/session", &[], text).await;
        refused(&response, 400, 4104);
    }
    let long = json!({"name": "a", "password": "b", "more": "c".repeat(20_000)}).to_string();
    let response = browser
        .send("POST", "/client/v1/session", &[], long.as_bytes())
        .await;
    refused(&response, 413, 4104);
    for (method, path, status) in [
        ("GET", "/client/v1/session", 405),
        ("PUT", "/client/v1/session/token", 405),
        ("GET", "/client/v1/session/others/end", 405),
        ("POST", "/client/v1/nothing", 404),
        ("POST", "/client/v1/session/", 404),
        ("POST", "/client/v1/session/../session/token", 404),
    ] {
        let response = browser.send(method, path, &[], b"{}").await;
        assert_eq!(response.status, status, "{method} {path}");
        assert!(body(&response)["error"]["text"].is_string());
    }
}
