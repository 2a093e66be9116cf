//! Finding people, and lists of people and rooms.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tim_protocol::wire::{TimNodes, TimRoomBean, TimUserBean};
use tim_tests::browser::{Browser, json as body, refused};
use tim_tests::people::operation;
use tim_tests::{Client, Encoding, PacketType, Person, Server, secrets, shared};

const PEOPLE: &str = "/client/v1/people";
const ROOMS: &str = "/client/v1/rooms";

/// A server that lists people.
fn server() -> Server {
    Server::options().set("directory.users", "true").start()
}

async fn set_profile(client: &mut Client, profile: TimUserBean) {
    let request = TimNodes {
        ntype: 6,
        usermap: Some(BTreeMap::from([(client.node.clone(), profile)])),
        ..TimNodes::default()
    };
    client.send(PacketType::Nodes, &request).await;
    client.take(PacketType::Ack).await.success(PacketType::Nodes);
}

/// All entries of a list, in pages of a size.
async fn list(browser: &mut Browser, path: &str, limit: usize) -> Vec<Value> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let page = body(&browser.get(&format!("{path}?limit={limit}{after}")).await);
        let name = path.rsplit('/').next().unwrap();
        let entries = page[name].as_array().unwrap_or_else(|| panic!("{page}"));
        assert!(entries.len() <= limit);
        all.extend(entries.iter().cloned());
        match page.get("next") {
            Some(next) => after = format!("&after={}", next.as_str().unwrap()),
            None => return all,
        }
    }
}

fn nodes(entries: &[Value]) -> Vec<&str> {
    entries
        .iter()
        .map(|entry| entry["node"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_person_is_found_by_the_exact_login_name() {
    let server = shared();
    let me = Person::register(&server).await;
    let other = Person::register(&server).await;
    let elsewhere = Person::register_in(&server, Some("elsewhere")).await;
    let mut browser = Browser::logged_in(&server, &me).await;
    let find = async |browser: &mut Browser, name: &str| {
        browser
            .post("/client/v1/people/find", &json!({"name": name}))
            .await
    };
    let found = find(&mut browser, &other.name).await;
    assert_eq!((found.status, body(&found)), (200, json!({"node": other.node})));
    for name in [
        "",
        "nobody",
        &other.name[1..],
        &elsewhere.name,
        "a\0b",
        "\r\nX: y",
    ] {
        refused(&find(&mut browser, name).await, 404, 4106);
    }
    let response = browser.post("/client/v1/people/find", &json!({})).await;
    refused(&response, 400, 4104);
    browser.cookie = None;
    refused(&find(&mut browser, &other.name).await, 401, 4115);
}

#[tokio::test]
async fn trying_names_out_is_slowed_down() {
    let server = Server::options().set("limits.failures_per_account", "2").start();
    let me = Person::register(&server).await;
    let other = Person::register(&server).await;
    let mut browser = Browser::logged_in(&server, &me).await;
    let path = "/client/v1/people/find";
    for _ in 0..5 {
        let found = browser.post(path, &json!({"name": other.name})).await;
        assert_eq!(found.status, 200);
    }
    for name in ["one", "two"] {
        refused(&browser.post(path, &json!({"name": name})).await, 404, 4106);
    }
    let response = browser.post(path, &json!({"name": "three"})).await;
    refused(&response, 429, 5105);
    assert!(response.header("retry-after").is_some());
    let mut another = Browser::logged_in(&server, &other).await;
    refused(&another.post(path, &json!({"name": "three"})).await, 404, 4106);
}

#[tokio::test]
async fn people_are_listed_in_pages() {
    let server = server();
    let mut expected = Vec::new();
    for _ in 0..5 {
        expected.push(Person::register(&server).await);
    }
    let elsewhere = Person::register_in(&server, Some("elsewhere")).await;
    let mut client = expected[0].login(&server, Encoding::Compact).await;
    let (nickname, picture) = (secrets::text("Anna"), "/client/v1/pictures/x".to_owned());
    set_profile(
        &mut client,
        TimUserBean {
            nick_name: Some(nickname.clone()),
            cover: Some(picture.clone()),
            area: Some("not shown".to_owned()),
            ..TimUserBean::default()
        },
    )
    .await;
    let mut browser = Browser::logged_in(&server, &expected[1]).await;
    let listed = list(&mut browser, PEOPLE, 500).await;
    let mut sorted: Vec<&str> = expected.iter().map(|person| person.node.as_str()).collect();
    sorted.sort_unstable();
    assert_eq!(nodes(&listed), sorted);
    let anna = listed
        .iter()
        .find(|entry| entry["node"] == expected[0].node.as_str());
    assert_eq!(
        anna,
        Some(&json!({"node": expected[0].node, "nickname": nickname, "picture": picture}))
    );
    let others: Vec<&Value> = listed.iter().filter(|entry| Some(*entry) != anna).collect();
    assert!(others.iter().all(|entry| entry.as_object().unwrap().len() == 1));
    assert_eq!(list(&mut browser, PEOPLE, 2).await, listed);
    assert_eq!(list(&mut browser, PEOPLE, 1).await, listed);
    let mut foreigner = Browser::logged_in(&server, &elsewhere).await;
    assert_eq!(
        nodes(&list(&mut foreigner, PEOPLE, 10).await),
        [elsewhere.node.as_str()]
    );
    let suspended = server.account(&["suspend", "--name", &expected[0].name]).await;
    assert_eq!(suspended.0, Some(0), "{}", suspended.1);
    assert_eq!(list(&mut browser, PEOPLE, 500).await.len(), 4);
}

#[tokio::test]
async fn people_are_listed_only_when_the_operator_wants_it() {
    let server = shared();
    let me = Person::register(&server).await;
    let mut browser = Browser::logged_in(&server, &me).await;
    refused(&browser.get(PEOPLE).await, 403, 4107);
    let server = Server::options().set("directory.rooms", "false").start();
    let me = Person::register(&server).await;
    let mut browser = Browser::logged_in(&server, &me).await;
    refused(&browser.get(ROOMS).await, 403, 4107);
    browser.cookie = None;
    refused(&browser.get(ROOMS).await, 401, 4115);
}

#[tokio::test]
async fn lists_show_nobody_whose_profile_may_not_be_read() {
    let server = Server::options()
        .set("directory.users", "true")
        .set("profiles.users", "\"contacts\"")
        .set("profiles.rooms", "\"members\"")
        .start();
    let (pair, mut a, mut b) = tim_tests::friends(&server, Encoding::Compact).await;
    let stranger = Person::register(&server).await;
    let mut browser = Browser::logged_in(&server, &pair.a).await;
    let mut expected = [pair.a.node.as_str(), &pair.b.node];
    expected.sort_unstable();
    for limit in [1, 100] {
        assert_eq!(nodes(&list(&mut browser, PEOPLE, limit).await), expected);
    }
    let mine = a.create_room(true).await;
    let theirs = b.create_room(true).await;
    assert_eq!(nodes(&list(&mut browser, ROOMS, 100).await), [mine.as_str()]);
    a.join_room(&theirs).await;
    assert_eq!(list(&mut browser, ROOMS, 1).await.len(), 2);
    let mut other = Browser::logged_in(&server, &stranger).await;
    assert_eq!(
        nodes(&list(&mut other, PEOPLE, 9).await),
        [stranger.node.as_str()]
    );
    assert!(list(&mut other, ROOMS, 9).await.is_empty());
    b.manage(operation::REMOVE, &pair.a.node).await;
    assert_eq!(
        nodes(&list(&mut browser, PEOPLE, 9).await),
        [pair.a.node.as_str()]
    );
}

#[tokio::test]
async fn rooms_are_listed_with_what_their_profile_says() {
    let server = Server::start();
    let me = Person::register(&server).await;
    let other = Person::register(&server).await;
    let mut founder = other.login(&server, Encoding::Json).await;
    let (open, private) = (founder.create_room(true).await, founder.create_room(false).await);
    let dissolved = founder.create_room(true).await;
    founder
        .room_request(tim_tests::rooms::room_operation::DISSOLVE, &dissolved, None, None)
        .await;
    founder.take(PacketType::Ack).await.success(PacketType::Business);
    let topic = secrets::text("Gardening");
    let profile = TimRoomBean {
        topic: Some(topic.clone()),
        cover: Some("/client/v1/pictures/y".to_owned()),
        ..TimRoomBean::default()
    };
    founder.change_room(&open, profile).await;
    let mut browser = Browser::logged_in(&server, &me).await;
    let listed = list(&mut browser, ROOMS, 100).await;
    let find = |node: &str| listed.iter().find(|entry| entry["node"] == node).unwrap();
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert_eq!(
        *find(&open),
        json!({"node": open, "kind": "open", "founder": other.node, "topic": topic,
               "picture": "/client/v1/pictures/y"})
    );
    assert_eq!(find(&private)["kind"], "private");
    assert_eq!(list(&mut browser, ROOMS, 1).await, listed);
}

#[tokio::test]
async fn a_page_that_cannot_be_is_refused() {
    let server = server();
    let me = Person::register(&server).await;
    let mut browser = Browser::logged_in(&server, &me).await;
    for query in [
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=x",
        "limit=99999999999999999999",
        "after=",
        "after=no%20node",
        "after=%00",
        "after=%ff",
    ] {
        for path in [PEOPLE, ROOMS] {
            let response = browser.get(&format!("{path}?{query}")).await;
            refused(&response, 400, 4104);
        }
    }
}
