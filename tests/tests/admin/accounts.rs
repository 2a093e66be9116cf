//! Accounts: pages, making them, passwords, suspension, devices, tokens, profiles, friends.

use serde_json::{Value, json};
use tim_protocol::wire::TimAuth;
use tim_tests::console::{Console, options};
use tim_tests::{Client, Encoding, ErrorCode, PacketType, Person, Server};

async fn account(owner: &Console, name: &str) -> String {
    let asked = json!({"name": name, "password": "password of it"});
    let made = owner.done("POST", "/accounts", Some(&asked)).await;
    made["node"].as_str().unwrap().to_owned()
}

async fn log_in(server: &Server, name: &str, password: &str) -> Client {
    let auth = TimAuth {
        name: Some(name.to_owned()),
        pwd: Some(password.to_owned()),
        resource: Some("phone".to_owned()),
        ..TimAuth::default()
    };
    let mut client = Client::connect(server.address(), Encoding::Compact).await;
    client.log_in(&auth).await;
    client
}

#[tokio::test]
async fn accounts_are_made_found_and_listed_in_pages() {
    let server = options().set("accounts.registration", "false").start();
    let owner = Console::owner(&server).await;
    let mut made = Vec::new();
    for name in ["ann", "ben", "cas", "dan", "eve"] {
        made.push(account(&owner, name).await);
    }
    let again = json!({"name": "ann", "password": "password of it"});
    owner.refused("POST", "/accounts", Some(&again), 409).await;
    owner
        .refused(
            "POST",
            "/accounts",
            Some(&json!({"name": "", "password": "x"})),
            400,
        )
        .await;
    owner
        .refused("POST", "/accounts", Some(&json!({"name": "x"})), 400)
        .await;
    let found = owner
        .done("POST", "/accounts/find", Some(&json!({"name": "cas"})))
        .await;
    assert_eq!(found["node"], made[2].as_str());
    owner
        .refused("POST", "/accounts/find", Some(&json!({"name": "nobody"})), 404)
        .await;
    for (sort, expected) in [
        ("created", made.clone()),
        ("newest", made.iter().rev().cloned().collect()),
    ] {
        let mut listed = Vec::new();
        let mut path = format!("/accounts?sort={sort}&limit=2");
        loop {
            let page = owner.done("GET", &path, None).await;
            let nodes = page["accounts"].as_array().unwrap().iter();
            listed.extend(nodes.map(|account| account["node"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            path = format!("/accounts?sort={sort}&limit=2&after={next}");
        }
        assert_eq!(listed, expected, "{sort}");
    }
    for wrong in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "after=x",
        "sort=other",
        "suspended=maybe",
    ] {
        owner
            .refused("GET", &format!("/accounts?{wrong}"), None, 400)
            .await;
    }
    log_in(&server, "ann", "password of it").await;
}

#[tokio::test]
async fn a_reset_password_counts_and_the_old_one_does_not() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let node = account(&owner, "ann").await;
    let path = format!("/accounts/{node}/password");
    owner
        .done("PUT", &path, Some(&json!({"password": "another one"})))
        .await;
    log_in(&server, "ann", "another one").await;
    let mut client = Client::connect(server.address(), Encoding::Compact).await;
    let old = TimAuth {
        name: Some("ann".to_owned()),
        pwd: Some("password of it".to_owned()),
        ..TimAuth::default()
    };
    let refused = client.authenticate(&old).await;
    refused.refusal(PacketType::Auth, ErrorCode::PermDenied);
    owner
        .refused("PUT", &path, Some(&json!({"password": ""})), 400)
        .await;
    owner
        .refused(
            "PUT",
            "/accounts/nobody/password",
            Some(&json!({"password": "x"})),
            404,
        )
        .await;
}

#[tokio::test]
async fn a_suspended_account_is_out_until_it_is_allowed() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let node = account(&owner, "ann").await;
    let mut client = log_in(&server, "ann", "password of it").await;
    let path = format!("/accounts/{node}/suspension");
    owner.done("PUT", &path, Some(&json!({"seconds": 3600}))).await;
    client.expect(PacketType::Ack).await;
    client.expect_close().await;
    let shown = owner.done("GET", &format!("/accounts/{node}"), None).await;
    assert!(shown["suspended_until"].is_i64(), "{shown}");
    let list = owner.done("GET", "/accounts?suspended=true", None).await;
    assert_eq!(list["accounts"].as_array().unwrap().len(), 1);
    owner
        .refused("POST", &format!("/accounts/{node}/tokens"), None, 403)
        .await;
    owner.done("DELETE", &path, None).await;
    let list = owner.done("GET", "/accounts?suspended=true", None).await;
    assert_eq!(list["accounts"].as_array().unwrap().len(), 0);
    log_in(&server, "ann", "password of it").await;
}

#[tokio::test]
async fn devices_are_listed_and_logged_out() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let node = account(&owner, "ann").await;
    let mut client = log_in(&server, "ann", "password of it").await;
    let devices = owner
        .done("GET", &format!("/accounts/{node}/devices"), None)
        .await;
    assert_eq!(
        devices["devices"],
        json!([{"key": "r:phone", "sessions": 1, "waiting": 0}])
    );
    let online = owner.done("GET", "/online", None).await;
    assert_eq!(
        (&online["total"], &online["accounts"][0]["node"]),
        (&json!(1), &json!(node))
    );
    owner
        .done("POST", &format!("/accounts/{node}/logout"), None)
        .await;
    client.expect(PacketType::Ack).await;
    client.expect_close().await;
    log_in(&server, "ann", "password of it").await;
}

#[tokio::test]
async fn a_token_logs_in_once_without_a_password() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let node = account(&owner, "ann").await;
    let made = owner
        .done("POST", &format!("/accounts/{node}/tokens"), None)
        .await;
    let auth = TimAuth {
        token: Some(made["token"].as_str().unwrap().to_owned()),
        ..TimAuth::default()
    };
    let mut client = Client::connect(server.address(), Encoding::Json).await;
    client.log_in(&auth).await;
    assert_eq!(client.node, node);
    let mut again = Client::connect(server.address(), Encoding::Json).await;
    let refused = again.authenticate(&auth).await;
    refused.refusal(PacketType::Auth, ErrorCode::Token);
    owner.refused("POST", "/accounts/nobody/tokens", None, 404).await;
}

#[tokio::test]
async fn a_profile_is_changed_member_by_member() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let node = account(&owner, "ann").await;
    let path = format!("/accounts/{node}/profile");
    owner
        .done("PATCH", &path, Some(&json!({"name": "Ann", "area": "here"})))
        .await;
    owner.done("PATCH", &path, Some(&json!({"area": "there"}))).await;
    let profile = owner.done("GET", &path, None).await;
    assert_eq!(profile, json!({"name": "Ann", "area": "there"}));
    owner
        .refused("PATCH", &path, Some(&json!({"gender": "x"})), 400)
        .await;
    owner.refused("GET", "/accounts/nobody/profile", None, 404).await;
}

#[tokio::test]
async fn friends_are_made_on_behalf_of_both_and_told() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let (ann, ben) = (account(&owner, "ann").await, account(&owner, "ben").await);
    let mut client = log_in(&server, "ben", "password of it").await;
    let asked = owner
        .done(
            "PUT",
            &format!("/accounts/{ann}/friends/{ben}"),
            Some(&json!({"greeting": "hello"})),
        )
        .await;
    assert_eq!(asked["friends"], false);
    let notice = client.delivery().await;
    assert_eq!(notice.data_string.as_deref(), Some("hello"));
    let accepted = owner
        .done("PUT", &format!("/accounts/{ben}/friends/{ann}"), Some(&json!({})))
        .await;
    assert_eq!(accepted["friends"], true);
    let lists = owner
        .done("GET", &format!("/accounts/{ann}/contacts"), None)
        .await;
    assert_eq!(lists, json!({"friends": [ben], "blocked": []}));
    owner
        .done("PUT", &format!("/accounts/{ann}/blocks/{ben}"), None)
        .await;
    let lists = owner
        .done("GET", &format!("/accounts/{ann}/contacts"), None)
        .await;
    assert_eq!(lists, json!({"friends": [], "blocked": [ben]}));
    owner
        .done("DELETE", &format!("/accounts/{ann}/friends/{ben}"), None)
        .await;
    let lists = owner
        .done("GET", &format!("/accounts/{ann}/contacts"), None)
        .await;
    assert_eq!(lists["blocked"], Value::Array(Vec::new()));
    let self_path = format!("/accounts/{ann}/friends/{ann}");
    owner.refused("PUT", &self_path, Some(&json!({})), 403).await;
    owner
        .refused(
            "PUT",
            &format!("/accounts/{ann}/friends/nobody"),
            Some(&json!({})),
            404,
        )
        .await;
}

#[tokio::test]
async fn people_who_registered_themselves_are_listed_too() {
    let server = options().start();
    let owner = Console::owner(&server).await;
    let person = Person::register_in(&server, Some("a.domain")).await;
    let list = owner.done("GET", "/accounts?domain=a.domain", None).await;
    assert_eq!(list["accounts"][0]["node"], person.node.as_str());
    let list = owner.done("GET", "/accounts?domain=", None).await;
    assert_eq!(list["accounts"].as_array().unwrap().len(), 0);
}
