//! How far a conversation has reached the other side.

use tim_tests::browser::{Browser, json as body, refused};
use tim_tests::rooms::unknown_node;
use tim_tests::{Encoding, Person, Server, friends, shared, within};

async fn delivered(browser: &mut Browser, peer: &str) -> i64 {
    let response = browser.get(&format!("/client/v1/delivered?peer={peer}")).await;
    assert_eq!(response.status, 200, "{response:?}");
    body(&response)["mid"].as_i64().unwrap()
}

/// Asks until the answer is `mid`.
async fn reaches(browser: &mut Browser, peer: &str, mid: i64) {
    within("a delivery", async {
        while delivered(browser, peer).await != mid {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn messages_are_delivered_once_a_device_has_them() {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, Encoding::Compact).await;
    let mut browser = Browser::logged_in(&server, &pair.a).await;
    assert_eq!(delivered(&mut browser, &pair.b.node).await, 0);
    b.acknowledges = false;
    a.chat(&pair.b.node, "one").await;
    b.delivery().await;
    assert_eq!(
        delivered(&mut browser, &pair.b.node).await,
        0,
        "it was not acknowledged"
    );
    b.close().await;
    a.chat(&pair.b.node, "two").await;
    let mut b = pair.b.login(&server, Encoding::Compact).await;
    assert_eq!(b.offline().await.concat().len(), 2);
    reaches(&mut browser, &pair.b.node, 2).await;
    // An answer counts as delivered to who wrote it, and waits for who did not.
    let third = b.chat(&pair.a.node, "three").await;
    assert_eq!(third.mid, Some(3));
    a.delivery().await;
    reaches(&mut browser, &pair.b.node, 3).await;
    let mut other_side = Browser::logged_in(&server, &pair.b).await;
    reaches(&mut other_side, &pair.a.node, 3).await;
}

#[tokio::test]
async fn one_of_several_devices_is_enough() {
    let server = shared();
    let (pair, mut a, phone) = friends(&server, Encoding::Compact).await;
    let mut browser = Browser::logged_in(&server, &pair.a).await;
    let mut web = pair.b.login_on(&server, Encoding::Json, "web").await;
    phone.close().await;
    a.chat(&pair.b.node, "one").await;
    web.delivery().await;
    reaches(&mut browser, &pair.b.node, 1).await;
    web.close().await;
    a.chat(&pair.b.node, "two").await;
    assert_eq!(delivered(&mut browser, &pair.b.node).await, 1);
}

#[tokio::test]
async fn it_survives_a_restart() {
    let server = Server::start();
    let (pair, mut a, mut b) = friends(&server, Encoding::Compact).await;
    a.chat(&pair.b.node, "one").await;
    b.delivery().await;
    let mut browser = Browser::logged_in(&server, &pair.a).await;
    reaches(&mut browser, &pair.b.node, 1).await;
    b.close().await;
    a.chat(&pair.b.node, "two").await;
    server.stop();
    server.run();
    assert_eq!(delivered(&mut browser, &pair.b.node).await, 1);
}

#[tokio::test]
async fn strangers_are_told_nothing() {
    let server = shared();
    let me = Person::register(&server).await;
    let stranger = Person::register(&server).await;
    let mut browser = Browser::logged_in(&server, &me).await;
    let ask =
        async |browser: &mut Browser, query: &str| browser.get(&format!("/client/v1/delivered{query}")).await;
    let peer = format!("?peer={}", stranger.node);
    refused(&ask(&mut browser, &peer).await, 403, 4105);
    let nobody = format!("?peer={}", unknown_node());
    refused(&ask(&mut browser, &nobody).await, 403, 4105);
    refused(&ask(&mut browser, "?peer=no-node").await, 404, 4106);
    refused(&ask(&mut browser, "").await, 400, 4104);
    browser.cookie = None;
    refused(&ask(&mut browser, &peer).await, 401, 4115);
}
