//! Limits per account and per address (wire-protocol 6.4, 6.5).

use std::time::{Duration, Instant};

use tim_tests::{Client, Encoding, ErrorCode, PacketType, Person, Server, friends, in_both_encodings};

async fn an_account_that_is_too_fast_is_slowed_down_and_nothing_is_lost(encoding: Encoding) {
    const PINGS: usize = 60;
    let server = Server::options()
        .set("limits.packets_per_second_per_account", "20")
        .start();
    let (_pair, mut fast, mut calm) = friends(&server, encoding).await;
    let began = Instant::now();
    for _ in 0..PINGS {
        fast.send_empty(PacketType::Ping).await;
    }
    // Others do not wait.
    calm.expect_silence().await;
    for _ in 0..PINGS {
        fast.expect(PacketType::Ping).await;
    }
    // 20 at once, then 20 per second.
    assert!(began.elapsed() >= Duration::from_secs(1), "it was slowed down");
}

async fn many_sessions_share_the_rate_of_their_account(encoding: Encoding) {
    const SESSIONS: usize = 20;
    let server = Server::options()
        .set("limits.packets_per_second_per_account", "2")
        .set("accounts.device_limit", "100")
        .set("accounts.device_type_limit", "100")
        .start();
    let person = Person::register(&server).await;
    let mut sessions = Vec::new();
    for at in 0..SESSIONS {
        sessions.push(person.login_on(&server, encoding, &at.to_string()).await);
    }
    for session in &mut sessions {
        session.send_empty(PacketType::Ping).await;
    }
    let mut refused = 0;
    for session in &mut sessions {
        let answer = session.next().await;
        if answer.kind == PacketType::Ack {
            answer.refusal(PacketType::Ping, ErrorCode::OverHz);
            refused += 1;
        }
    }
    assert!((1..SESSIONS).contains(&refused), "{refused} of {SESSIONS}");
    let other = Person::register(&server).await;
    other.login(&server, encoding).await.expect_silence().await;
}

async fn an_address_may_connect_only_so_often(encoding: Encoding) {
    let server = Server::options()
        .set("limits.connections_per_second_per_address", "3")
        .start();
    let mut refused = 0;
    for _ in 0..20 {
        refused += usize::from(Client::try_connect(server.address(), encoding).await.is_err());
    }
    assert!(refused >= 1, "some are refused");
    tim_tests::within("a connection again", async {
        while Client::try_connect(server.address(), encoding).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

in_both_encodings!(
    an_account_that_is_too_fast_is_slowed_down_and_nothing_is_lost,
    many_sessions_share_the_rate_of_their_account,
    an_address_may_connect_only_so_often,
);
