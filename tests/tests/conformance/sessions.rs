//! Limits and devices, as far as the suite `protocol` does not show it (wire-protocol 6, 7.1, 7.3).

use tim_protocol::wire::{TimAuth, TimMessage};
use tim_tests::chat::{message, words};
use tim_tests::people::{ask, operation};
use tim_tests::{
    Client, Encoding, ErrorCode, PacketType, Person, Server, friends, in_both_encodings, secrets, shared,
};

/// Covers: 6.4-3, 9-5104
#[tokio::test]
async fn messages_beyond_the_queue_are_refused_and_the_others_stored() {
    let server = Server::options()
        .set("messages.queue", "1")
        .set("messages.batch", "1")
        .start();
    let (pair, mut a, _b) = friends(&server, Encoding::Compact).await;
    for id in 1..=200 {
        let numbered = TimMessage {
            id: Some(id),
            ..message(&pair.b.node, "one of many")
        };
        a.send_message(&numbered).await;
    }
    let (mut stored, mut refused) = (0, 0);
    for _ in 1..=200 {
        let answer = a.next().await;
        if answer.kind == PacketType::Ack {
            let ack = answer.refusal(PacketType::Message, ErrorCode::Overload);
            let error = ack.error.unwrap();
            assert_eq!(
                (error.code, error.info.as_deref()),
                (Some(5104), Some("heavy server load"))
            );
            refused += 1;
        } else {
            stored += 1;
            assert_eq!(answer.message().mid, Some(stored));
        }
    }
    assert!(refused > 0, "the queue was never full");
    assert_eq!(
        a.whole_history(&pair.b.node).await.len(),
        usize::try_from(stored).unwrap()
    );
}

/// Covers: 6.4-4, W-35
async fn bursts_beyond_any_rate_of_the_whole_server_are_taken(encoding: Encoding) {
    let server = shared();
    let (pair, mut busy, mut receiver) = friends(&server, encoding).await;
    let (calm, mut c, mut d) = friends(&server, encoding).await;
    let burst = async {
        for number in 0..1_000 {
            busy.send_message(&message(&pair.b.node, &number.to_string()))
                .await;
        }
        for number in 0..1_000 {
            assert_eq!(
                words(&busy.echo().await),
                number.to_string(),
                "echoed, not refused"
            );
        }
    };
    let reading = async {
        for _ in 0..1_000 {
            receiver.delivery().await;
        }
    };
    let chat = async {
        for _ in 0..20 {
            c.chat(&calm.b.node, "calmly").await;
            d.delivery().await;
        }
    };
    tokio::join!(burst, reading, chat);
}

/// Covers: 6.6-7
async fn answers_go_only_to_the_session_that_asked(encoding: Encoding) {
    let server = shared();
    let (pair, mut phone, _b) = friends(&server, encoding).await;
    let mut web = pair.a.login_on(&server, encoding, "web").await;
    web.offline().await;
    phone.request(operation::ROSTER, None, None).await;
    phone.expect(PacketType::Nodes).await;
    phone.manage(operation::BLOCK, &pair.b.node).await;
    phone
        .refused_message(&message(&pair.b.node, "no"), ErrorCode::PermDenied)
        .await;
    assert_eq!(phone.history(&pair.b.node, 0, 1).await, []);
    web.expect_silence().await;
}

/// Covers: 7.1-7
async fn passwords_may_be_as_long_as_the_setting_says(encoding: Encoding) {
    let server = shared();
    for length in [1, 21, 22, 72, 73, 256] {
        let auth = TimAuth {
            name: Some(format!("{}{}", secrets::NAME, secrets::unique())),
            pwd: Some("p".repeat(length)),
            domain: Some("a domain".to_owned()),
            ..TimAuth::default()
        };
        assert!(
            ask(&server, PacketType::Register, &auth, encoding).await.ok,
            "{length}"
        );
        let mut client = Client::connect(server.address(), encoding).await;
        client.log_in(&auth).await;
        let shorter = TimAuth {
            pwd: Some("p".repeat(length + 1)),
            ..auth
        };
        let mut client = Client::connect(server.address(), encoding).await;
        let answer = client.authenticate(&shorter).await;
        answer.refusal(PacketType::Auth, ErrorCode::PermDenied);
    }
}

/// Covers: 7.3-9
async fn a_login_tells_nobody(encoding: Encoding) {
    let server = shared();
    let (pair, a, mut b) = friends(&server, encoding).await;
    let mut web = pair.a.login_on(&server, encoding, "web").await;
    web.offline().await;
    b.expect_silence().await;
    drop(a);
}

/// Covers in both encodings: W-28
#[tokio::test]
async fn logins_at_the_same_time_do_not_get_past_the_limit_of_devices() {
    let server = Server::options().set("accounts.device_limit", "3").start();
    for encoding in [Encoding::Compact, Encoding::Json] {
        let person = Person::register(&server).await;
        let logins = (0..12).map(|number| {
            let auth = person.on_device(&number.to_string());
            let address = server.address();
            async move {
                let mut client = Client::connect(address, encoding).await;
                let answer = client.authenticate(&auth).await.ack();
                (client, answer)
            }
        });
        let all = futures_util::future::join_all(logins).await;
        let accepted = all.iter().filter(|(_, answer)| answer.ok).count();
        assert_eq!(accepted, 3);
        for (_, answer) in all.iter().filter(|(_, answer)| !answer.ok) {
            assert_eq!(answer.error_code(), Some(ErrorCode::OverEntry));
        }
    }
}

/// Covers: 8.1-2
async fn notices_are_in_no_history(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    assert_eq!(a.history(&pair.b.node, 0, 10).await, []);
    a.manage(operation::REMOVE, &pair.b.node).await;
    assert_eq!(b.delivery().await.mid, None);
    assert_eq!(b.history(&pair.a.node, 0, 10).await, []);
}

in_both_encodings!(
    bursts_beyond_any_rate_of_the_whole_server_are_taken,
    answers_go_only_to_the_session_that_asked,
    passwords_may_be_as_long_as_the_setting_says,
    a_login_tells_nobody,
    notices_are_in_no_history,
);
