//! Profiles of users and rooms.

use tim_client::{ErrorCode, RequestError, RoomKind, RoomProfile, UserProfile};
use tim_tests::{Encoding, in_both_encodings, secrets, shared};

use crate::session::Session;

async fn a_profile_is_changed_field_by_field_and_read_by_others(encoding: Encoding) {
    let server = shared();
    let a = Session::register(&server, encoding).await;
    let b = Session::register(&server, encoding).await;
    let nickname = secrets::text("Al");
    let profile = UserProfile::new()
        .with_nickname(nickname.clone())
        .with_birthday("1 May")
        .with_gender(3)
        .with_photos(["p1".to_owned(), "p2".to_owned()])
        .with_field("colour", "blue");
    a.client.set_profile(profile).await.unwrap();
    a.client
        .set_profile(UserProfile::new().with_area("Here"))
        .await
        .unwrap();
    let seen = b.client.profile(a.node()).await.unwrap().unwrap();
    assert_eq!(seen.nickname, Some(nickname));
    assert_eq!(
        (seen.birthday.as_deref(), seen.area.as_deref(), seen.gender),
        (Some("1 May"), Some("Here"), Some(3))
    );
    assert_eq!(seen.photos.unwrap(), ["p1", "p2"]);
    assert_eq!(seen.extend.unwrap()["colour"], "blue");
    assert!(seen.created.is_some() && seen.name.is_none());
    let nobody = tim_protocol::node::wide_node_from_random([5; 15]);
    assert_eq!(b.client.profile(&nobody).await.unwrap(), None);
    let several = [a.node().clone(), nobody, b.node().clone()];
    assert_eq!(b.client.profiles(&several).await.unwrap().len(), 2);
}

async fn the_profile_of_a_room_is_changed_by_its_managers_only(encoding: Encoding) {
    let server = shared();
    let a = Session::register(&server, encoding).await;
    let b = Session::register(&server, encoding).await;
    let topic = secrets::text("Choir");
    let id = a.client.create_room(RoomKind::Open, topic.clone()).await.unwrap();
    let (mine, theirs) = (a.client.room(&id), b.client.room(&id));
    let seen = theirs.profile().await.unwrap().unwrap();
    assert_eq!(
        (seen.topic, seen.kind, seen.founder.as_ref()),
        (Some(topic.clone()), Some(RoomKind::Open), Some(a.node()))
    );
    let change = RoomProfile::new().with_label("music").with_category(7);
    let error = theirs.set_profile(change.clone()).await.unwrap_err();
    assert!(matches!(error, RequestError::Refused(refusal) if refusal.is(ErrorCode::PermDenied)));
    mine.set_profile(change).await.unwrap();
    let seen = theirs.profile().await.unwrap().unwrap();
    assert_eq!(
        (seen.topic, seen.label.as_deref(), seen.category),
        (Some(topic), Some("music"), Some(7))
    );
    mine.dissolve().await.unwrap();
    assert_eq!(theirs.profile().await.unwrap(), None);
}

in_both_encodings!(
    a_profile_is_changed_field_by_field_and_read_by_others,
    the_profile_of_a_room_is_changed_by_its_managers_only,
);
