//! Login, keep-alive, loss and end of a session.

use super::*;

#[test]
fn a_login_carries_name_device_and_encoding() {
    let config = SessionConfig {
        encoding: Encoding::Json,
        resource: Some("laptop".into()),
        device_type: Some(3),
        domain: Some("example".into()),
        ..SessionConfig::default()
    };
    let mut rig = connecting(config, Credentials::password("alice", "secret"));
    let auth = rig.log_in();
    assert_eq!(
        (auth.name.as_deref(), auth.pwd.as_deref()),
        (Some("alice"), Some("secret"))
    );
    assert_eq!(
        (auth.resource.as_deref(), auth.termtyp),
        (Some("laptop"), Some(3))
    );
    assert_eq!(auth.domain.as_deref(), Some("example"));
    assert_eq!(rig.session.status(), Status::Online);
    assert_eq!(rig.session.node(), Some(&rig.own));
}

#[test]
fn no_secret_is_in_debug_output() {
    let rig = online();
    let (old, new) = (Secret::new("secret"), Secret::new("secret"));
    let request = Request::ChangePassword { old, new };
    let text = format!(
        "{:?} {:?} {request:?}",
        rig.session,
        Credentials::token("alice", "secret")
    );
    assert!(!text.contains("secret"));
}

#[test]
fn a_refused_first_login_ends_the_session() {
    let mut rig = connecting(SessionConfig::default(), Credentials::password("alice", "wrong"));
    rig.written();
    rig.refuse(PacketType::Auth, ErrorCode::PermDenied);
    let expected = Outcome::Login(Err(ConnectError::Refused(refusal(ErrorCode::PermDenied))));
    assert_eq!(rig.outcome(), Some(expected));
    assert_eq!(rig.session.poll_action(), Some(Action::Close));
    assert_eq!(rig.session.status(), Status::Ended);
}

#[test]
fn an_unanswered_first_login_fails_in_time() {
    let mut rig = connecting(SessionConfig::default(), Credentials::password("alice", "secret"));
    rig.advance(rig.session.deadline().unwrap() - rig.now);
    assert_eq!(rig.outcome(), Some(Outcome::Login(Err(ConnectError::TimedOut))));
}

#[test]
fn a_login_without_usable_node_is_no_login() {
    let mut rig = connecting(SessionConfig::default(), Credentials::password("alice", "secret"));
    rig.receive(
        PacketType::Ack,
        &TimAck {
            n: Some("not a node".into()),
            ..TimAck::success(PacketType::Auth.as_i8())
        },
    );
    assert!(matches!(
        rig.outcome(),
        Some(Outcome::Login(Err(ConnectError::Protocol(_))))
    ));
}

#[test]
fn a_lost_connection_is_made_anew_and_the_offline_queue_asked_for_again() {
    let mut rig = online();
    rig.lose_and_reconnect();
    let auth = rig.written();
    assert_eq!(
        ClientPacket::parse(&auth[0]).unwrap().packet_type(),
        Some(PacketType::Auth)
    );
    let ack = TimAck {
        n: Some(rig.own.to_string()),
        ..TimAck::success(PacketType::Auth.as_i8())
    };
    rig.receive(PacketType::Ack, &ack);
    assert_eq!(rig.written_types(), [PacketType::OfflineMsg]);
    assert!(matches!(rig.event(), Some(Event::Connected { again: true, .. })));
}

#[test]
fn a_device_limit_at_reconnect_is_retried_but_a_wrong_password_is_not() {
    let mut rig = online();
    rig.lose_and_reconnect();
    rig.written();
    rig.refuse(PacketType::Auth, ErrorCode::OverEntry);
    assert_eq!(rig.session.poll_action(), Some(Action::Close));
    let Some(Event::Disconnected { retry_in, .. }) = rig.event() else {
        panic!("no event")
    };
    rig.advance(retry_in);
    assert_eq!(rig.session.poll_action(), Some(Action::Open));
    rig.session.opened(rig.now);
    rig.refuse(PacketType::Auth, ErrorCode::PermDenied);
    assert!(matches!(
        rig.event(),
        Some(Event::LoggedOut {
            reason: LogoutReason::Refused(_)
        })
    ));
    assert_eq!(rig.session.status(), Status::Ended);
    assert_eq!(rig.event(), None);
}

#[test]
fn a_used_token_is_replaced_before_the_next_login() {
    let mut rig = connecting(SessionConfig::default(), Credentials::token("alice", "one-time"));
    assert_eq!(rig.log_in().token.as_deref(), Some("one-time"));
    rig.event();
    rig.session.closed(rig.now, "broken".into());
    rig.advance(Duration::from_secs(60));
    assert_eq!(rig.session.poll_action(), Some(Action::FetchCredentials));
    rig.session
        .renew(rig.now, Credentials::token("alice", "fresh").into());
    assert_eq!(rig.session.poll_action(), Some(Action::Open));
    rig.session.opened(rig.now);
    assert_eq!(rig.log_in().token.as_deref(), Some("fresh"));
}

#[test]
fn without_new_credentials_a_token_session_ends() {
    let mut rig = connecting(SessionConfig::default(), Credentials::token("alice", "one-time"));
    rig.log_in();
    rig.event();
    rig.session.closed(rig.now, "broken".into());
    rig.event();
    rig.advance(Duration::from_secs(60));
    assert_eq!(rig.session.poll_action(), Some(Action::FetchCredentials));
    rig.session.renew(rig.now, Renewal::SignedOut);
    assert_eq!(
        rig.event(),
        Some(Event::LoggedOut {
            reason: LogoutReason::NoCredentials
        })
    );
}

#[test]
fn a_changed_password_is_used_at_reconnect() {
    let mut rig = online();
    let (old, new) = (Secret::new("secret"), Secret::new("better"));
    rig.request(Request::ChangePassword { old, new });
    rig.written();
    rig.receive(
        PacketType::Ack,
        &TimAck {
            t: Some(21),
            ..TimAck::success(PacketType::Business.as_i8())
        },
    );
    assert_eq!(rig.result(), Some(Ok(Reply::Done)));
    rig.lose_and_reconnect();
    assert_eq!(rig.log_in().pwd.as_deref(), Some("better"));
}

#[test]
fn keep_alive_packets_are_sent_and_silence_breaks_the_connection() {
    let mut rig = online();
    for _ in 0..3 {
        rig.advance(Duration::from_secs(15));
        assert_eq!(rig.written_types(), [PacketType::Ping]);
    }
    rig.session.receive(rig.now, &packet::pong());
    for _ in 0..3 {
        rig.advance(Duration::from_secs(15));
        assert_eq!(rig.session.status(), Status::Online);
    }
    rig.advance(Duration::from_secs(15));
    assert_eq!(rig.session.poll_action(), Some(Action::Close));
    assert!(matches!(
        rig.event(),
        Some(Event::Disconnected {
            reason: DisconnectReason::Silent,
            ..
        })
    ));
}

#[test]
fn a_nudge_ends_the_pause_before_the_next_attempt() {
    let mut rig = online();
    rig.session.closed(rig.now, "broken".into());
    assert_eq!(rig.session.poll_action(), None);
    rig.session.nudge(rig.now);
    assert_eq!(rig.session.poll_action(), Some(Action::Open));
}

#[test]
fn a_nudge_starts_an_attempt_anew_that_takes_long() {
    let mut rig = online();
    rig.session.closed(rig.now, "broken".into());
    rig.session.nudge(rig.now);
    assert_eq!(rig.session.poll_action(), Some(Action::Open));
    rig.advance(Duration::from_secs(1));
    rig.session.nudge(rig.now);
    assert_eq!(rig.session.poll_action(), None);
    rig.advance(Duration::from_secs(1));
    rig.session.nudge(rig.now);
    assert_eq!(rig.session.poll_action(), Some(Action::Close));
    assert_eq!(rig.session.poll_action(), Some(Action::Open));
    rig.session.opened(rig.now);
    rig.log_in();
    assert_eq!(rig.session.status(), Status::Online);
}

#[test]
fn a_nudge_finds_out_that_a_connection_is_dead() {
    let mut rig = online();
    rig.session.nudge(rig.now);
    rig.session.nudge(rig.now);
    assert_eq!(rig.written_types(), [PacketType::Ping]);
    assert_eq!(rig.session.deadline(), Some(rig.now + Duration::from_secs(5)));
    rig.advance(Duration::from_secs(5));
    assert_eq!(rig.session.poll_action(), Some(Action::Close));
    assert_eq!(rig.session.status(), Status::Offline);
    assert!(matches!(
        rig.event(),
        Some(Event::Disconnected { reason: DisconnectReason::Silent, retry_in })
            if retry_in == Reconnect::default().shortest
    ));
}

#[test]
fn a_nudge_leaves_a_living_connection_alone() {
    let mut rig = online();
    rig.session.nudge(rig.now);
    rig.advance(Duration::from_secs(4));
    rig.session.receive(rig.now, &packet::pong());
    rig.advance(Duration::from_secs(1));
    assert_eq!(rig.session.status(), Status::Online);
}

#[test]
fn a_connection_is_asked_before_it_counts_as_dead_when_time_was_held_back() {
    let mut rig = online();
    rig.advance(Duration::from_secs(3600));
    assert_eq!(rig.written_types(), [PacketType::Ping]);
    assert_eq!(rig.session.status(), Status::Online);
    rig.session.receive(rig.now, &packet::pong());
    rig.advance(Duration::from_secs(14));
    assert_eq!(rig.session.status(), Status::Online);
    rig.session.nudge(rig.now);
    rig.advance(Duration::from_secs(5));
    assert_eq!(rig.session.status(), Status::Offline);
}

#[test]
fn the_first_login_can_come_from_the_source() {
    let mut session = Session::new(SessionConfig::default(), 1, 0);
    session.start_with_renewal();
    assert_eq!(session.poll_action(), Some(Action::FetchCredentials));
    session.renew(Duration::ZERO, Credentials::token("", "one-time").into());
    assert_eq!(session.poll_action(), Some(Action::Open));
    session.opened(Duration::ZERO);
    let login = session.poll_packet(Duration::ZERO).unwrap();
    let auth: TimAuth = ClientPacket::parse(&login).unwrap().decode().unwrap();
    assert_eq!(auth.name, None);
    assert_eq!(auth.token.as_deref(), Some("one-time"));
}

#[test]
fn a_source_that_has_nothing_for_the_first_login_says_why() {
    for (renewal, error) in [
        (Renewal::SignedOut, ConnectError::NoCredentials),
        (
            Renewal::later("overloaded"),
            ConnectError::Unreachable("overloaded".into()),
        ),
    ] {
        let mut session = Session::new(SessionConfig::default(), 1, 0);
        session.start_with_renewal();
        assert_eq!(session.poll_action(), Some(Action::FetchCredentials));
        session.renew(Duration::ZERO, renewal);
        assert_eq!(session.poll_outcome(), Some(Outcome::Login(Err(error))));
        assert_eq!(session.status(), Status::Ended);
    }
}

#[test]
fn a_source_that_has_nothing_yet_is_asked_again_no_sooner_than_it_says() {
    let mut rig = connecting(SessionConfig::default(), Credentials::token("", "one-time"));
    rig.log_in();
    rig.event();
    rig.session.closed(rig.now, "broken".into());
    rig.event();
    rig.advance(Duration::from_secs(60));
    assert_eq!(rig.session.poll_action(), Some(Action::FetchCredentials));
    rig.session.renew(
        rig.now,
        Renewal::Later {
            reason: "overloaded".into(),
            retry_after: Some(Duration::from_secs(120)),
        },
    );
    assert!(matches!(
        rig.event(),
        Some(Event::Disconnected { retry_in, .. }) if retry_in == Duration::from_secs(120)
    ));
    rig.advance(Duration::from_secs(119));
    rig.session.nudge(rig.now);
    assert_eq!(rig.session.poll_action(), None);
    rig.advance(Duration::from_secs(1));
    assert_eq!(rig.session.poll_action(), Some(Action::FetchCredentials));
}

#[test]
fn a_token_that_came_too_late_is_replaced() {
    let mut rig = connecting(SessionConfig::default(), Credentials::token("", "first"));
    rig.log_in();
    rig.event();
    rig.session.closed(rig.now, "broken".into());
    rig.event();
    rig.session.nudge(rig.now);
    assert_eq!(rig.session.poll_action(), Some(Action::FetchCredentials));
    rig.session.renew(rig.now, Credentials::token("", "late").into());
    rig.session.opened(rig.now);
    rig.written();
    rig.refuse(PacketType::Auth, ErrorCode::Token);
    assert!(matches!(rig.event(), Some(Event::Disconnected { .. })));
    rig.session.nudge(rig.now);
    assert!(
        std::iter::from_fn(|| rig.session.poll_action()).any(|action| action == Action::FetchCredentials)
    );
}

#[test]
fn the_end_by_the_server_is_told_and_final() {
    for (error, reason) in [
        (None, LogoutReason::Forced),
        (Some(ErrorCode::OverEntry.into()), LogoutReason::TookPlace),
    ] {
        let mut rig = online();
        let ticket = rig.request(Request::Friends);
        rig.receive(
            PacketType::Ack,
            &TimAck {
                error,
                ..TimAck::success(PacketType::Logout.as_i8())
            },
        );
        assert_eq!(rig.event(), Some(Event::LoggedOut { reason }));
        assert_eq!(rig.session.poll_action(), Some(Action::Close));
        assert_eq!(
            rig.outcome(),
            Some(Outcome::Request(ticket, Err(RequestError::Closed)))
        );
        rig.advance(Duration::from_secs(3600));
        assert_eq!(rig.session.poll_action(), None);
        assert_eq!(rig.session.deadline(), None);
    }
}
