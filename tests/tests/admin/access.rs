//! Getting in: logins, cookies, tokens of pages, keys, second factors, the first person.

use serde_json::json;
use tim_tests::console::{Console, OWNER, body, first_password, options};

#[tokio::test]
async fn the_password_of_the_first_start_makes_the_first_owner() {
    let server = options().start();
    let nobody = Console::new(&server);
    nobody.refused("GET", "/operators", None, 401).await;
    let wrong = json!({"name": OWNER, "password": "not this one"});
    nobody.refused("POST", "/session", Some(&wrong), 401).await;
    let unknown = json!({"name": "somebody", "password": first_password(&server)});
    nobody.refused("POST", "/session", Some(&unknown), 401).await;
    let owner = Console::owner(&server).await;
    let me = owner.done("GET", "/session", None).await;
    assert_eq!((&me["name"], &me["role"]), (&json!(OWNER), &json!("owner")));
    let all = owner.done("GET", "/operators", None).await;
    assert_eq!(all["operators"].as_array().unwrap().len(), 1);
    assert!(!all.to_string().contains("argon2"), "no hash is shown: {all}");
}

#[tokio::test]
async fn the_cookie_is_kept_from_scripts_and_every_answer_from_frames_and_caches() {
    let server = options().start();
    let mut console = Console::new(&server);
    let response = console.log_in(OWNER, &first_password(&server)).await;
    let cookie = response.header("set-cookie").unwrap();
    let attributes: Vec<&str> = cookie.split("; ").skip(1).collect();
    assert_eq!(
        attributes,
        ["Path=/", "HttpOnly", "SameSite=Strict", "Max-Age=43200"]
    );
    for path in [
        "/api/v1/session",
        "/api/v1/openapi.json",
        "/api/v1/",
        "/health/live",
        "/nothing",
    ] {
        let response = console.send("GET", path, None).await;
        for (header, value) in [
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(response.header(header), Some(value), "{path}");
        }
        let policy = response.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    }
}

#[tokio::test]
async fn a_page_of_elsewhere_or_without_the_token_changes_nothing() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let asked = json!({"name": "by-a-page", "password": "not stored anyway"});
    let foreign = Console {
        origin: Some("http://evil.example".to_owned()),
        ..owner.clone()
    };
    foreign.refused("POST", "/accounts", Some(&asked), 403).await;
    foreign.refused("GET", "/operators", None, 403).await;
    for csrf in [None, Some(String::new()), Some("something".to_owned())] {
        let page = Console {
            csrf,
            ..owner.clone()
        };
        page.refused("POST", "/accounts", Some(&asked), 403).await;
        page.done("GET", "/operators", None).await;
    }
    let elsewhere = Console {
        cookie: None,
        ..foreign
    };
    let login = json!({"name": OWNER, "password": first_password(&server)});
    elsewhere.refused("POST", "/session", Some(&login), 403).await;
    owner.done("POST", "/accounts", Some(&asked)).await;
}

#[tokio::test]
async fn whoever_logs_out_is_out() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let response = owner.call("DELETE", "/session", None).await;
    assert_eq!(response.status, 204);
    assert!(response.header("set-cookie").unwrap().starts_with("tim_admin=;"));
    owner.refused("GET", "/session", None, 401).await;
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let server = options().start();
    let (one, other) = (Console::owner(&server).await, Console::owner(&server).await);
    let first = first_password(&server);
    let wrong = json!({"old": "wrong", "new": "a better password"});
    one.refused("PUT", "/session/password", Some(&wrong), 403).await;
    let short = json!({"old": first, "new": "short"});
    one.refused("PUT", "/session/password", Some(&short), 400).await;
    let good = json!({"old": first, "new": "a better password"});
    one.done("PUT", "/session/password", Some(&good)).await;
    one.done("GET", "/session", None).await;
    other.refused("GET", "/session", None, 401).await;
    let old = json!({"name": OWNER, "password": first});
    other.refused("POST", "/session", Some(&old), 401).await;
    one.person(OWNER, "a better password").await;
}

#[tokio::test]
async fn a_role_that_is_taken_away_counts_at_once() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let asked = json!({"name": "ann", "password": "a long password", "role": "operator"});
    owner.done("POST", "/operators", Some(&asked)).await;
    owner.refused("POST", "/operators", Some(&asked), 409).await;
    let ann = owner.person("ann", "a long password").await;
    ann.done("GET", "/accounts", None).await;
    let change = json!({"disabled": true});
    owner.done("PATCH", "/operators/ann", Some(&change)).await;
    ann.refused("GET", "/accounts", None, 401).await;
    let login = json!({"name": "ann", "password": "a long password"});
    ann.refused("POST", "/session", Some(&login), 401).await;
    owner.done("DELETE", "/operators/ann", None).await;
    owner.refused("DELETE", "/operators/ann", None, 404).await;
    let own = format!("/operators/{OWNER}");
    owner.refused("DELETE", &own, None, 403).await;
    owner
        .refused("PATCH", &own, Some(&json!({"role": "auditor"})), 403)
        .await;
}

#[tokio::test]
async fn a_key_is_shown_once_does_what_its_scopes_say_and_ends() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let program = owner.program(&["accounts:read"], None).await;
    program.done("GET", "/accounts", None).await;
    program
        .refused(
            "POST",
            "/accounts",
            Some(&json!({"name": "a", "password": "b"})),
            403,
        )
        .await;
    program.refused("GET", "/session", None, 403).await;
    let keys = owner.done("GET", "/keys", None).await;
    let key = &keys["keys"][0];
    assert!(key.get("key").is_none() && key["last_used"].is_i64(), "{keys}");
    let id = key["id"].as_str().unwrap();
    assert!(program.key.as_ref().unwrap().contains(id));
    let forged = Console {
        key: Some(format!("timkey_{id}_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
        ..program.clone()
    };
    forged.refused("GET", "/accounts", None, 401).await;
    owner.done("DELETE", &format!("/keys/{id}"), None).await;
    program.refused("GET", "/accounts", None, 401).await;
    for wrong in [
        json!({"label": "", "scopes": ["accounts:read"]}),
        json!({"label": "x", "scopes": []}),
        json!({"label": "x", "scopes": ["operators:write"]}),
        json!({"label": "x", "scopes": ["everything"]}),
    ] {
        owner.refused("POST", "/keys", Some(&wrong), 400).await;
    }
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let server = options().set("limits.failures_per_account", "3").start();
    let nobody = Console::new(&server);
    let wrong = json!({"name": OWNER, "password": "not this one"});
    for _ in 0..3 {
        nobody.refused("POST", "/session", Some(&wrong), 401).await;
    }
    let right = json!({"name": OWNER, "password": first_password(&server)});
    let response = nobody.call("POST", "/session", Some(&right)).await;
    assert_eq!(response.status, 429, "{response:?}");
    assert!(response.header("retry-after").is_some());
}

#[tokio::test]
async fn a_second_factor_needs_its_code() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let offer = owner.done("POST", "/session/totp", None).await;
    assert!(offer["url"].as_str().unwrap().starts_with("otpauth://totp/"));
    owner
        .refused("PUT", "/session/totp", Some(&json!({"code": "no code"})), 403)
        .await;
    let me = owner.done("GET", "/session", None).await;
    assert_eq!(me["second_factor"], false, "it was not confirmed");
    owner.person(OWNER, &first_password(&server)).await;
}

#[tokio::test]
async fn an_owner_survives_a_restart_and_its_session_does_not() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let password = first_password(&server);
    server.stop();
    server.run();
    let old = Console {
        cookie: owner.cookie,
        csrf: owner.csrf,
        ..Console::new(&server)
    };
    old.refused("GET", "/session", None, 401).await;
    let again = old.person(OWNER, &password).await;
    assert_eq!(body(&again.call("GET", "/session", None).await)["role"], "owner");
}
