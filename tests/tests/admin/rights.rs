//! Every call, every role, every scope, a foreign domain: what the document says is what happens.

use serde_json::{Value, json};
use tim_tests::console::{Console, body, options};

struct Row {
    method: String,
    path: String,
    /// The scope it needs; `None`: open, or for people.
    scope: Option<String>,
    is_for_server: bool,
    is_for_people: bool,
}

const READING: [&str; 7] = [
    "accounts:read",
    "contacts:read",
    "rooms:read",
    "statistics:read",
    "configuration:read",
    "audit:read",
    "operators:read",
];

/// The calls of the document, with arguments that name nothing.
async fn rows(console: &Console) -> Vec<Row> {
    let document = body(&console.send("GET", "/api/v1/openapi.json", None).await);
    let mut rows = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, call) in methods.as_object().unwrap() {
            let needs = call["description"].as_str().unwrap();
            let scope = needs
                .strip_prefix("Needs ")
                .map(|rest| rest.split(['.', ',']).next().unwrap().to_owned());
            rows.push(Row {
                method: method.to_ascii_uppercase(),
                path: path.replace(['{', '}'], "").replace("/api/v1", ""),
                scope,
                is_for_server: needs.contains("not limited to a domain"),
                is_for_people: needs == "For people who have logged in.",
            });
        }
    }
    assert!(rows.len() > 40, "{}", rows.len());
    rows
}

/// Whether a call got past the authorisation. What comes then is a matter of its arguments.
async fn passes(console: &Console, row: &Row) -> bool {
    let asked = json!({});
    let response = console.call(&row.method, &row.path, Some(&asked)).await;
    assert!(
        response.status < 500,
        "{} {}: {}",
        row.method,
        row.path,
        response.status
    );
    let text = String::from_utf8_lossy(&response.body).into_owned();
    let is_refused = response.status == 401
        || response.status == 403 && (text.contains("does not reach") || text.contains("only for people"));
    !is_refused
}

#[tokio::test]
async fn every_role_may_do_exactly_what_it_is_for() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let nobody = Console::new(&server);
    let rows = rows(&nobody).await;
    for role in ["owner", "operator", "auditor"] {
        for domain in [Value::Null, json!("elsewhere")] {
            let name = format!("{role}-{}", if domain.is_null() { "all" } else { "one" });
            let asked = json!({"name": name, "password": "a long password", "role": role, "domain": domain});
            owner.done("POST", "/operators", Some(&asked)).await;
            let person = owner.person(&name, "a long password").await;
            for row in &rows {
                if row.path == "/session" && row.method != "GET" || row.path == "/server/rotate-key" {
                    continue;
                }
                let scope = row.scope.as_deref();
                let has_right = scope.is_none_or(|scope| match role {
                    "owner" => true,
                    "operator" => scope != "operators:write",
                    _ => READING.contains(&scope),
                });
                let reaches = domain.is_null() || !row.is_for_server;
                assert_eq!(
                    passes(&person, row).await,
                    has_right && reaches,
                    "{name}: {} {}",
                    row.method,
                    row.path
                );
            }
        }
    }
}

#[tokio::test]
async fn every_scope_opens_its_calls_and_no_others() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let nobody = Console::new(&server);
    let rows = rows(&nobody).await;
    let mut scopes: Vec<&str> = rows.iter().filter_map(|row| row.scope.as_deref()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    for scope in scopes
        .into_iter()
        .filter(|scope| !scope.starts_with("operators:"))
    {
        let program = owner.program(&[scope], None).await;
        for row in rows
            .iter()
            .filter(|row| row.path != "/session" && row.path != "/server/rotate-key")
        {
            let expected = !row.is_for_people && row.scope.as_deref().is_none_or(|needed| needed == scope);
            assert_eq!(
                passes(&program, row).await,
                expected,
                "{scope}: {} {}",
                row.method,
                row.path
            );
        }
    }
    for row in rows.iter().filter(|row| row.scope.is_some() || row.is_for_people) {
        assert!(!passes(&nobody, row).await, "{} {}", row.method, row.path);
    }
}

#[tokio::test]
async fn a_foreign_domain_shows_nothing_and_takes_nothing() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let account = |domain: &str| json!({"name": "ann", "password": "password", "domain": domain});
    let mine = owner.done("POST", "/accounts", Some(&account("mine"))).await;
    let theirs = owner.done("POST", "/accounts", Some(&account("theirs"))).await;
    let (mine, theirs) = (mine["node"].as_str().unwrap(), theirs["node"].as_str().unwrap());
    let room = json!({"founder": theirs, "topic": "ours", "kind": "open"});
    let room = owner.done("POST", "/rooms", Some(&room)).await;
    let room = room["room"].as_str().unwrap();
    let all: Vec<&str> = vec![
        "accounts:read",
        "accounts:write",
        "tokens:issue",
        "contacts:read",
        "contacts:write",
        "rooms:read",
        "rooms:write",
        "messages:send",
        "history:read",
        "history:delete",
    ];
    let program = owner.program(&all, Some("mine")).await;
    let list = program.done("GET", "/accounts", None).await;
    assert_eq!(list["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(list["accounts"][0]["node"], mine);
    program.refused("GET", "/accounts?domain=theirs", None, 403).await;
    program
        .refused("POST", "/accounts", Some(&account("theirs")), 403)
        .await;
    let pair = json!({"accounts": [mine, theirs], "mid": 1});
    let (one, other) = (format!("/accounts/{theirs}"), format!("/accounts/{mine}"));
    for (method, path, asked) in [
        ("GET", one.clone(), None),
        (
            "PUT",
            format!("{one}/password"),
            Some(json!({"password": "other"})),
        ),
        ("PUT", format!("{one}/suspension"), Some(json!({}))),
        ("POST", format!("{one}/tokens"), None),
        ("POST", format!("{one}/logout"), None),
        ("GET", format!("{one}/contacts"), None),
        ("GET", format!("{one}/devices"), None),
        ("GET", format!("{one}/profile"), None),
        ("POST", format!("{one}/inbox/read"), Some(json!({}))),
        ("PUT", format!("{other}/friends/{theirs}"), Some(json!({}))),
        ("GET", format!("/rooms/{room}"), None),
        ("GET", format!("/rooms/{room}/members"), None),
        ("PUT", format!("/rooms/{room}/members/{mine}"), Some(json!({}))),
        ("POST", "/history/read".to_owned(), Some(pair.clone())),
        ("POST", "/history/delete".to_owned(), Some(pair)),
        ("POST", "/history/read".to_owned(), Some(json!({"room": room}))),
        (
            "POST",
            "/messages".to_owned(),
            Some(json!({"from": theirs, "to": mine, "text": "x"})),
        ),
        (
            "POST",
            "/messages/system".to_owned(),
            Some(json!({"to": {"accounts": [theirs]}, "text": "x"})),
        ),
        (
            "POST",
            "/presence".to_owned(),
            Some(json!({"to": {"room": room}})),
        ),
    ] {
        program.refused(method, &path, asked.as_ref(), 404).await;
    }
}
