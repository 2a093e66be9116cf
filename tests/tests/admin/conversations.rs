//! Messages in the name of accounts and of the system, presence, rooms, histories.

use serde_json::json;
use tim_tests::console::{Console, options};
use tim_tests::{Encoding, Person, Server, friends, in_both_encodings};

fn words(message: &tim_protocol::wire::TimMessage) -> &str {
    message.data_string.as_deref().expect("a text")
}

async fn start() -> (Server, Console) {
    let server = options().start();
    let owner = Console::owner(&server).await;
    (server, owner)
}

in_both_encodings!(a_message_in_the_name_of_an_account_reaches_both_sides);

async fn a_message_in_the_name_of_an_account_reaches_both_sides(encoding: Encoding) {
    let (server, owner) = start().await;
    let (ann, ben) = (Person::register(&server).await, Person::register(&server).await);
    let mut receiver = ben.login(&server, encoding).await;
    let mut sender = ann.login(&server, encoding).await;
    // Strangers: a client would be refused.
    let asked = json!({"from": ann.node, "to": ben.node, "text": "by the administration"});
    let sent = owner.done("POST", "/messages", Some(&asked)).await;
    assert_eq!(sent["mid"], 1);
    let delivered = receiver.delivery().await;
    assert_eq!(words(&delivered), "by the administration");
    assert_eq!(delivered.from_tid.unwrap().node, ann.node);
    assert_eq!(words(&sender.echo().await), "by the administration");
    let history = receiver.whole_history(&ann.node).await;
    assert_eq!(history.len(), 1);
}

#[tokio::test]
async fn a_message_in_the_name_of_who_is_offline_waits_for_its_devices() {
    let (server, owner) = start().await;
    let (ann, ben) = (Person::register(&server).await, Person::register(&server).await);
    let device = ann.login_on(&server, Encoding::Compact, "phone").await;
    device.close().await;
    let asked = json!({"from": ann.node, "to": ben.node, "text": "meanwhile"});
    owner.done("POST", "/messages", Some(&asked)).await;
    let mut device = ann.login_on(&server, Encoding::Compact, "phone").await;
    let batches = device.offline().await;
    let all: Vec<_> = batches.iter().flatten().map(words).collect();
    assert_eq!(all, ["meanwhile"]);
}

#[tokio::test]
async fn nonsense_is_not_sent() {
    let (server, owner) = start().await;
    let ann = Person::register(&server).await;
    for wrong in [
        json!({"from": ann.node, "text": "to nobody"}),
        json!({"from": ann.node, "to": ann.node, "room": ann.node, "text": "to both"}),
        json!({"from": ann.node, "to": ann.node}),
        json!({"from": ann.node, "to": ann.node, "text": "recall", "kind": 2}),
        json!({"from": ann.node, "to": ann.node, "binary": "not base64!"}),
    ] {
        owner.refused("POST", "/messages", Some(&wrong), 400).await;
    }
    let nobody = json!({"from": "nobody", "to": ann.node, "text": "x"});
    owner.refused("POST", "/messages", Some(&nobody), 404).await;
    for wrong in [
        json!({"to": {}, "text": "x"}),
        json!({"to": {"accounts": [ann.node], "online": true}, "text": "x"}),
        json!({"to": {"accounts": [ann.node]}}),
    ] {
        owner.refused("POST", "/messages/system", Some(&wrong), 400).await;
    }
    let nobody = json!({"to": {"accounts": ["nobody"]}, "text": "x"});
    owner
        .refused("POST", "/messages/system", Some(&nobody), 404)
        .await;
}

in_both_encodings!(a_system_message_reaches_who_is_online_and_waits_for_who_is_not);

async fn a_system_message_reaches_who_is_online_and_waits_for_who_is_not(encoding: Encoding) {
    let (server, owner) = start().await;
    let (ann, ben) = (Person::register(&server).await, Person::register(&server).await);
    let mut online = ann.login(&server, encoding).await;
    let asked = json!({"to": {"accounts": [ann.node, ben.node, ann.node]}, "text": "news"});
    let reached = owner.done("POST", "/messages/system", Some(&asked)).await;
    assert_eq!(reached, json!({"accounts": 2, "online": 1}));
    let delivered = online.delivery().await;
    assert_eq!(
        (delivered.ms_type, delivered.od_type, words(&delivered)),
        (1, 1, "news")
    );
    assert!(delivered.from_tid.is_none() && delivered.id.is_some());
    let waiting = owner
        .done(
            "POST",
            &format!("/accounts/{}/inbox/read", ben.node),
            Some(&json!({})),
        )
        .await;
    assert_eq!(waiting["entries"][0]["message"]["text"], "news");
    let mut later = ben.login(&server, encoding).await;
    let batches = later.offline().await;
    assert_eq!(words(&batches[0][0]), "news");
}

#[tokio::test]
async fn everybody_online_hears_a_broadcast_and_its_presence() {
    let (server, owner) = start().await;
    let (ann, ben) = (Person::register(&server).await, Person::register(&server).await);
    let mut clients = [
        ann.login(&server, Encoding::Compact).await,
        ben.login(&server, Encoding::Json).await,
    ];
    let asked = json!({"to": {"online": true}, "from": ann.node, "text": "all of you"});
    let reached = owner.done("POST", "/messages/system", Some(&asked)).await;
    assert_eq!(reached, json!({"accounts": 2, "online": 2}));
    for client in &mut clients {
        let delivered = client.delivery().await;
        assert_eq!(words(&delivered), "all of you");
        assert_eq!(delivered.from_tid.unwrap().node, ann.node);
    }
    let presence = json!({"to": {"online": true}, "status": "maintenance", "show": 7});
    let reached = owner.done("POST", "/presence", Some(&presence)).await;
    assert_eq!(reached, json!({"accounts": 2, "online": 2}));
    for client in &mut clients {
        let presence = client.take(tim_tests::PacketType::Presence).await;
        let presence = presence.decode::<tim_protocol::wire::TimPresence>();
        assert_eq!(
            (presence.status.as_deref(), presence.show),
            (Some("maintenance"), Some(7))
        );
    }
}

#[tokio::test]
async fn histories_are_read_and_messages_deleted_for_both_with_a_record() {
    let (server, owner) = start().await;
    let (pair, mut ann, mut ben) = friends(&server, Encoding::Compact).await;
    let (one, other) = (pair.a.node.clone(), pair.b.node.clone());
    ann.chat(&other, "first").await;
    ben.delivery().await;
    ben.chat(&one, "second").await;
    let read = json!({"accounts": [one, other]});
    let page = owner.done("POST", "/history/read", Some(&read)).await;
    let texts = page["messages"].as_array().unwrap().iter();
    let texts: Vec<_> = texts.map(|it| it["text"].as_str().unwrap()).collect();
    assert!(
        texts[0].starts_with("second") && texts[1].starts_with("first"),
        "{texts:?}"
    );
    assert_eq!(page["messages"][0]["from"], other.as_str());
    let delete = json!({"accounts": [one, other], "mid": 1});
    owner.done("POST", "/history/delete", Some(&delete)).await;
    owner.refused("POST", "/history/delete", Some(&delete), 404).await;
    let page = owner.done("POST", "/history/read", Some(&read)).await;
    assert_eq!(page["messages"].as_array().unwrap().len(), 1);
    let recall = ben.delivery().await;
    assert_eq!((recall.od_type, recall.mid), (2, Some(1)));
    let audit = owner.done("GET", "/audit?call=deleteMessage", None).await;
    let entries = audit["entries"].as_array().unwrap();
    assert_eq!(
        (&entries[1]["status"], &entries[0]["status"]),
        (&json!(204), &json!(404))
    );
    assert_eq!(entries[1]["about"]["mid"], "1");
    assert_eq!(entries[1]["who"], "operator:admin");
    assert!(
        !owner
            .done("GET", "/audit", None)
            .await
            .to_string()
            .contains("second"),
        "no texts"
    );
    owner
        .refused("POST", "/history/read", Some(&json!({})), 400)
        .await;
}

#[tokio::test]
async fn rooms_are_made_filled_spoken_in_and_dissolved_on_behalf_of_people() {
    let (server, owner) = start().await;
    let (ann, ben) = (Person::register(&server).await, Person::register(&server).await);
    let mut member = ben.login(&server, Encoding::Compact).await;
    let asked = json!({"founder": ann.node, "topic": "plans", "kind": "private"});
    let room = owner.done("POST", "/rooms", Some(&asked)).await;
    let room = room["room"].as_str().unwrap();
    let path = format!("/rooms/{room}");
    let shown = owner.done("GET", &path, None).await;
    assert_eq!(
        (&shown["topic"], &shown["kind"], &shown["founder"]),
        (&json!("plans"), &json!("private"), &json!(ann.node))
    );
    let place = format!("{path}/members/{}", ben.node);
    owner
        .done(
            "PUT",
            &format!("{place}?as={}", ben.node),
            Some(&json!({"text": "please"})),
        )
        .await;
    owner.done("PUT", &place, Some(&json!({}))).await;
    member.room_notice(10, room).await;
    let members = owner.done("GET", &format!("{path}/members"), None).await;
    assert_eq!(members["total"], 2);
    let rooms = owner
        .done("GET", &format!("/accounts/{}/rooms", ben.node), None)
        .await;
    assert_eq!(rooms["rooms"], json!([room]));
    let message = json!({"from": ann.node, "room": room, "text": "welcome"});
    assert_eq!(owner.done("POST", "/messages", Some(&message)).await["mid"], 1);
    assert_eq!(words(&member.heard(room).await), "welcome");
    let system = json!({"to": {"room": room}, "text": "to the members"});
    assert_eq!(
        owner.done("POST", "/messages/system", Some(&system)).await["accounts"],
        2
    );
    owner
        .done("POST", "/history/delete", Some(&json!({"room": room, "mid": 1})))
        .await;
    let history = owner
        .done("POST", "/history/read", Some(&json!({"room": room})))
        .await;
    assert_eq!(history["messages"], json!([]));
    owner
        .done(
            "PATCH",
            &path,
            Some(&json!({"topic": "other plans", "managers": [ben.node]})),
        )
        .await;
    let shown = owner.done("GET", &path, None).await;
    assert_eq!(
        (&shown["topic"], &shown["managers"]),
        (&json!("other plans"), &json!([ben.node]))
    );
    owner.refused("DELETE", &path, None, 403).await;
    owner.done("DELETE", &place, None).await;
    owner
        .done("PUT", &format!("{path}/blocks/{}", ben.node), None)
        .await;
    let blocks = owner.done("GET", &format!("{path}/blocks"), None).await;
    assert_eq!(blocks["blocked"], json!([ben.node]));
    owner.done("DELETE", &path, None).await;
    assert_eq!(owner.done("GET", &path, None).await["dissolved"], true);
    owner.refused("GET", "/rooms/nowhere", None, 404).await;
}

#[tokio::test]
async fn virtual_rooms_are_opened_and_ended_on_behalf_of_people() {
    let (server, owner) = start().await;
    let (ann, ben) = (Person::register(&server).await, Person::register(&server).await);
    let opened = owner
        .done("POST", "/virtual-rooms", Some(&json!({"owner": ann.node})))
        .await;
    let path = format!("/virtual-rooms/{}", opened["room"].as_str().unwrap());
    let publisher = format!("{path}/publishers/{}", ben.node);
    owner
        .done("PUT", &format!("{publisher}?as={}", ann.node), None)
        .await;
    owner
        .refused("PUT", &format!("{publisher}?as={}", ben.node), None, 403)
        .await;
    owner
        .done("DELETE", &format!("{publisher}?as={}", ann.node), None)
        .await;
    owner.refused("DELETE", &path, None, 400).await;
    owner
        .refused("DELETE", &format!("{path}?as={}", ben.node), None, 403)
        .await;
    owner
        .done("DELETE", &format!("{path}?as={}", ann.node), None)
        .await;
}
