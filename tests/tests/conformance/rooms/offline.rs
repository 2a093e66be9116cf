//! What waits for members who are offline (wire-protocol 7.6, 7.14).

use tim_tests::chat::words;
use tim_tests::rooms::{notice, people, room_operation};
use tim_tests::{PacketType, Server, shared};

use super::{apply, open_room};
use crate::mix::{Mix, in_every_mix};

/// Covers: 7.6-25, 7.14-14
async fn room_messages_wait_for_members_and_devices(mix: Mix) {
    let server = shared();
    let (people_in, [mut a, mut phone], room) = open_room(&server, mix).await;
    let mut tablet = people_in[1].login_on(&server, mix.of(0), "tablet").await;
    tablet.offline().await;
    tablet.close().await;
    a.say_in_room(&room, "for the tablet later").await;
    phone.heard(&room).await;
    phone.expect_silence().await;
    phone.close().await;
    for number in 1..=15 {
        a.say_in_room(&room, &format!("number {number}")).await;
    }
    for (device, mut expected) in [
        ("phone", Vec::new()),
        ("tablet", vec!["for the tablet later".to_owned()]),
    ] {
        expected.extend((1..=15).map(|number| format!("number {number}")));
        let mut client = people_in[1].login_on(&server, mix.of(1), device).await;
        let batches = client.offline().await;
        assert!(batches.iter().all(|batch| batch.len() <= 10));
        let waiting: Vec<_> = batches
            .concat()
            .into_iter()
            .filter(|it| it.ms_type == 3)
            .collect();
        let texts: Vec<String> = waiting.iter().map(|it| words(it).to_owned()).collect();
        assert_eq!(texts, expected, "{device}");
        assert!(
            waiting
                .iter()
                .all(|it| it.is_offline == Some(true) && it.to_tid.is_none())
        );
        assert!(waiting.is_sorted_by_key(|it| it.mid));
        assert!(
            waiting
                .iter()
                .all(|it| it.room_tid.as_ref().is_some_and(|at| at.node == room))
        );
        client.expect_silence().await;
        assert_eq!(client.offline().await.len(), 0, "acknowledged");
    }
}

/// Covers: 7.14-11
async fn what_is_said_during_the_drain_comes_after_what_waited(mix: Mix) {
    let server = shared();
    let (people_in, [mut a, b], room) = open_room(&server, mix).await;
    b.close().await;
    for number in 1..=20 {
        a.say_in_room(&room, &format!("number {number}")).await;
    }
    let mut b = people_in[1].login(&server, mix.of(1)).await;
    a.say_in_room(&room, "number 21").await;
    b.send_empty(PacketType::OfflineMsg).await;
    a.say_in_room(&room, "number 22").await;
    let mut mids = Vec::new();
    while mids.len() < 22 {
        let received = b.next().await;
        match received.kind {
            PacketType::OfflineMsg => mids.extend(received.list().iter().filter_map(|it| it.mid)),
            PacketType::Message => mids.push(received.message().mid.unwrap()),
            _ => {}
        }
    }
    assert_eq!(mids, (1..=22).collect::<Vec<_>>());
}

/// Covers: 7.10-push-1
async fn notices_about_rooms_wait(mix: Mix) {
    let server = shared();
    let (people_in, [founder, mut applicant]) = people(&server, |index| mix.of(index)).await;
    let mut founder = founder;
    let room = founder.create_room(false).await;
    founder.close().await;
    apply(&mut applicant, &room).await;
    applicant.expect_silence().await;
    applicant.close().await;
    let mut founder = people_in[0].login(&server, mix.of(0)).await;
    let waiting = founder.offline().await.concat();
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        (waiting[0].bn_type, waiting[0].is_offline),
        (Some(notice::REQUEST), Some(true))
    );
    assert_eq!(
        waiting[0].from_tid.as_ref().map(|it| it.node.as_str()),
        Some(people_in[1].node.as_str())
    );
    assert_eq!(
        waiting[0].room_tid.as_ref().map(|it| it.node.as_str()),
        Some(room.as_str())
    );
    founder
        .in_room(room_operation::PULL, &room, Some(&people_in[1].node))
        .await;
    founder.say_in_room(&room, "welcome").await;
    let mut applicant = people_in[1].login(&server, mix.of(1)).await;
    let waiting = applicant.offline().await.concat();
    let kinds: Vec<_> = waiting.iter().map(|it| (it.ms_type, it.bn_type)).collect();
    assert!(
        kinds.contains(&(2, Some(notice::PASSED))) && kinds.contains(&(3, None)),
        "{kinds:?}"
    );
    assert_eq!(kinds.len(), 2);
}

/// Covers: 7.6-30, 7.14-15
async fn what_waits_in_rooms_survives_kill_9(mix: Mix) {
    let server = Server::start();
    let (people_in, [mut a, b], room) = open_room(&server, mix).await;
    b.close().await;
    for number in 1..=12 {
        a.say_in_room(&room, &format!("number {number}")).await;
    }
    server.kill();
    server.run();
    let mut b = people_in[1].login(&server, mix.of(1)).await;
    let waiting: Vec<_> = b
        .offline()
        .await
        .concat()
        .into_iter()
        .filter(|it| it.ms_type == 3)
        .collect();
    let mids: Vec<_> = waiting.iter().map(|it| it.mid.unwrap()).collect();
    assert_eq!(mids, (1..=12).collect::<Vec<_>>());
    let mut a = people_in[0].login(&server, mix.of(0)).await;
    a.offline().await;
    assert_eq!(a.say_in_room(&room, "and on").await.mid, Some(13));
    assert_eq!(words(&b.heard(&room).await), "and on");
}

in_every_mix!(
    room_messages_wait_for_members_and_devices,
    what_is_said_during_the_drain_comes_after_what_waited,
    notices_about_rooms_wait,
    what_waits_in_rooms_survives_kill_9,
);
