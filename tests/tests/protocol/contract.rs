//! The delivery contract, item by item, as far as other modules do not show it already:
//! 1 durable before the echo, 2 dense and ordered, 3 repeats (`messages`), 4 inbox per device, 5 acks and
//! windows (`delivery`), 6 slow receivers (`delivery`), 7 crashes (here in single steps; the crash suite at random).

use tim_protocol::wire::TimMessage;
use tim_tests::chat::{all_words, message, words};
use tim_tests::{Encoding, Server, friends, in_both_encodings, shared};

/// Covers: 7.6-30, 7.6-29
async fn what_was_echoed_survives_kill_9_at_once(encoding: Encoding) {
    let server = Server::start();
    let (pair, mut a, _b) = friends(&server, encoding).await;
    for round in 1..=5 {
        let echo = a.chat(&pair.b.node, &format!("round {round}")).await;
        server.kill();
        assert_eq!(echo.mid, Some(round), "dense over restarts");
        server.run();
        a = pair.a.login(&server, encoding).await;
        a.offline().await;
        let newest = &a.history(&pair.b.node, 0, 1).await[0];
        assert_eq!((newest.mid, newest.timestamp), (echo.mid, echo.timestamp));
        assert_eq!(words(newest), format!("round {round}"));
    }
}

/// Covers: 4-11, 7.6-33, W-16
async fn many_messages_on_their_way_keep_their_order_for_everybody(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let mut a_web = pair.a.login_on(&server, encoding, "web").await;
    a_web.offline().await;
    for number in 0..200 {
        a.send_message(&message(&pair.b.node, &format!("number {number}")))
            .await;
        if number % 10 == 0 {
            b.send_message(&message(&pair.a.node, &format!("reply {number}")))
                .await;
        }
    }
    let mut seen_by = Vec::new();
    for client in [&mut a, &mut b, &mut a_web] {
        let mut all: Vec<TimMessage> = Vec::new();
        while all.len() < 220 {
            all.push(client.take(tim_tests::PacketType::Message).await.message());
        }
        let mids: Vec<i64> = all.iter().map(|it| it.mid.unwrap()).collect();
        seen_by.push((mids, all));
    }
    let dense: Vec<i64> = (1..=220).collect();
    for (mids, _) in &seen_by[1..] {
        assert_eq!(*mids, dense, "receivers see mid order without gaps");
    }
    let mut senders = seen_by[0].0.clone();
    senders.sort_unstable();
    assert_eq!(senders, dense);
    let own: Vec<String> = (0..200).map(|number| format!("number {number}")).collect();
    let sent: Vec<TimMessage> = seen_by[1]
        .1
        .iter()
        .filter(|it| words(it).starts_with("number"))
        .cloned()
        .collect();
    assert_eq!(
        all_words(&sent),
        own,
        "one sender's messages stay in the order they were sent"
    );
}

async fn a_device_is_told_by_its_resource_else_by_its_type(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, b) = friends(&server, encoding).await;
    b.close().await;
    a.chat(&pair.b.node, "for all").await;
    let devices = [
        (Some("x"), Some(1)),
        (Some("y"), Some(1)),
        (None, Some(1)),
        (None, Some(2)),
        (None, None),
    ];
    // Each of them must be known before any takes the message away from those that come later.
    let mut open = Vec::new();
    for (resource, termtyp) in devices {
        let mut client = tim_tests::Client::connect(server.address(), encoding).await;
        client.acknowledges = false;
        let auth = tim_protocol::wire::TimAuth {
            resource: resource.map(str::to_owned),
            termtyp,
            ..pair.b.credentials()
        };
        client.log_in(&auth).await;
        open.push((client, auth));
    }
    for (client, _) in &mut open {
        client.acknowledges = true;
        assert_eq!(all_words(&client.offline().await.concat()), ["for all"]);
    }
    for (client, auth) in open {
        client.close().await;
        let mut again = tim_tests::Client::connect(server.address(), encoding).await;
        again.log_in(&auth).await;
        assert_eq!(again.offline().await.concat(), [], "{auth:?}");
    }
}

async fn a_new_device_starts_at_the_oldest_message_that_no_device_acknowledged(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut phone) = friends(&server, encoding).await;
    a.chat(&pair.b.node, "taken by the phone").await;
    phone.delivery().await;
    phone.expect_silence().await;
    phone.close().await;
    a.chat(&pair.b.node, "taken by nobody").await;
    a.chat(&pair.b.node, "taken by nobody either").await;
    let mut tablet = pair.b.login_on(&server, encoding, "tablet").await;
    assert_eq!(
        all_words(&tablet.offline().await.concat()),
        ["taken by nobody", "taken by nobody either"]
    );
    // The phone's place is not changed by the tablet.
    let mut phone = pair.b.login(&server, encoding).await;
    assert_eq!(
        all_words(&phone.offline().await.concat()),
        ["taken by nobody", "taken by nobody either"]
    );
    let mut watch = pair.b.login_on(&server, encoding, "watch").await;
    assert_eq!(watch.offline().await.concat(), []);
}

async fn a_new_account_that_was_never_online_gets_everything_on_its_first_device(encoding: Encoding) {
    let server = shared();
    let mut a = tim_tests::Person::register(&server)
        .await
        .login(&server, encoding)
        .await;
    let b = tim_tests::Person::register(&server).await;
    a.add(&b.node).await;
    a.expect_silence().await;
    let mut first = b.login_on(&server, encoding, "first").await;
    let waiting = first.offline().await.concat();
    assert_eq!((waiting.len(), waiting[0].bn_type), (1, Some(4)));
}

async fn positions_of_devices_survive_a_stop(encoding: Encoding) {
    let server = Server::start();
    let (pair, mut a, mut phone) = friends(&server, encoding).await;
    let mut web = pair.b.login_on(&server, encoding, "web").await;
    web.offline().await;
    web.close().await;
    a.chat(&pair.b.node, "taken by the phone").await;
    phone.delivery().await;
    phone.expect_silence().await;
    assert!(server.stop().success());
    server.run();
    let mut phone = pair.b.login(&server, encoding).await;
    assert_eq!(phone.offline().await.concat(), []);
    let mut web = pair.b.login_on(&server, encoding, "web").await;
    assert_eq!(all_words(&web.offline().await.concat()), ["taken by the phone"]);
}

in_both_encodings!(
    what_was_echoed_survives_kill_9_at_once,
    many_messages_on_their_way_keep_their_order_for_everybody,
    a_device_is_told_by_its_resource_else_by_its_type,
    a_new_device_starts_at_the_oldest_message_that_no_device_acknowledged,
    a_new_account_that_was_never_online_gets_everything_on_its_first_device,
    positions_of_devices_survive_a_stop,
);
