//! Damage and refusals of the database.

use super::Scratch;
use crate::store::conformance::{account_id, conversation, room_id};
use crate::store::{
    Append, Membership, MembershipChange, MembershipChanged, Mid, NewAccount, NewRoom, Retract, RoomKind,
    RoomUpdate, Seq, SqliteStore, Store, StoreError, Timestamp, UpperBound,
};

fn message(to: u8, text: &str) -> Append {
    Append {
        conversation: conversation(to),
        sender: account_id("ann"),
        client_id: None,
        timestamp: Timestamp(1),
        body: text.to_owned().into(),
        inboxes: vec![account_id("ben")],
        file: None,
    }
}

async fn texts(store: &SqliteStore, number: u8) -> Vec<String> {
    let page = store
        .history(&conversation(number), UpperBound::Newest, 100, usize::MAX)
        .await
        .unwrap();
    page.iter()
        .map(|message| String::from_utf8_lossy(&message.body).into_owned())
        .collect()
}

async fn filled() -> Scratch {
    let scratch = Scratch::new();
    let store = scratch.open_store();
    store
        .append(vec![message(1, "one"), message(1, "two"), message(2, "other")])
        .await
        .unwrap();
    store.close().await;
    scratch
}

#[tokio::test]
async fn a_damaged_row_is_left_out_and_the_others_are_read() {
    let scratch = filled().await;
    let sql = scratch.sql();
    sql.execute(
        "UPDATE message SET body = zeroblob(length(body)) WHERE mid = 2",
        [],
    )
    .unwrap();
    drop(sql);
    let store = scratch.open_store();
    assert_eq!(texts(&store, 1).await, ["one"]);
    assert_eq!(texts(&store, 2).await, ["other"]);
    let inbox = store
        .read_inbox(&account_id("ben"), Seq(0), 10, usize::MAX)
        .await
        .unwrap();
    let bodies: Vec<bool> = inbox.iter().map(|entry| entry.body.is_some()).collect();
    assert_eq!(bodies, [true, false, true], "a damaged message blocks no inbox");
    store.append(vec![message(1, "three")]).await.unwrap();
    assert_eq!(texts(&store, 1).await, ["three", "one"]);
}

#[tokio::test]
async fn rows_that_were_swapped_are_detected() {
    let scratch = filled().await;
    let sql = scratch.sql();
    sql.execute_batch(
        "CREATE TEMP TABLE a AS SELECT body FROM message WHERE mid = 2;
         UPDATE message SET body = (SELECT body FROM message AS other
             WHERE other.mid = 1 AND other.conversation = message.conversation) WHERE mid = 2;",
    )
    .unwrap();
    drop(sql);
    assert_eq!(
        texts(&scratch.open_store(), 1).await,
        ["one"],
        "a copy in another place is no message"
    );
}

/// Two rooms with three messages each, of which the first two are recalled, and two profiles.
async fn filled_rooms() -> Scratch {
    let scratch = Scratch::new();
    let store = scratch.open_store();
    for number in [1, 2] {
        let room = NewRoom {
            id: room_id(number),
            conversation: conversation(number),
            domain: String::new(),
            kind: RoomKind::Private,
            founder: account_id("ann"),
            created: Timestamp(1),
            profile: format!("topic {number}").into(),
        };
        assert!(store.create_room(room).await.unwrap());
        let batch = ["one", "two", "three"].map(|text| message(number, text));
        store.append(batch.to_vec()).await.unwrap();
        for mid in [1, 2] {
            let retract = Retract {
                conversation: conversation(number),
                mid: Mid(mid),
                author: account_id("ann"),
                notices: Vec::new(),
                log: Some(format!("no {mid}").into()),
            };
            store.retract(retract).await.unwrap();
        }
    }
    for name in ["ann", "ben"] {
        let account = NewAccount {
            id: account_id(name),
            domain: String::new(),
            password_hash: "hash".to_owned(),
            created: Timestamp(1),
        };
        store.create_account(account).await.unwrap();
        let profile = format!("profile of {name}");
        assert!(
            store
                .set_user_profile(&account_id(name), profile.into())
                .await
                .unwrap()
        );
    }
    store.close().await;
    scratch
}

/// What can be read in a log: number, `mid`, text.
async fn log(store: &SqliteStore, number: u8) -> Vec<(i64, Option<i64>, Option<String>)> {
    let page = store
        .read_log(&conversation(number), Seq(0), 100, usize::MAX)
        .await
        .unwrap();
    page.into_iter()
        .map(|copy| {
            let text = copy.body.map(|body| String::from_utf8_lossy(&body).into_owned());
            (copy.seq.0, copy.mid.map(|mid| mid.0), text)
        })
        .collect()
}

fn entry(seq: i64, mid: Option<i64>, text: Option<&str>) -> (i64, Option<i64>, Option<String>) {
    (seq, mid, text.map(str::to_owned))
}

async fn profiles(store: &SqliteStore) -> Vec<Option<String>> {
    let ids = ["ann", "ben"].map(account_id);
    let profiles = store.user_profiles(&ids).await.unwrap();
    profiles
        .into_iter()
        .map(|profile| {
            let profile = profile.unwrap().profile?;
            Some(String::from_utf8_lossy(&profile).into_owned())
        })
        .collect()
}

#[tokio::test]
async fn a_damaged_packet_in_a_log_stops_no_other() {
    let scratch = filled_rooms().await;
    let sql = scratch.sql();
    sql.execute("UPDATE log_notice SET body = x'00' WHERE position = 4", [])
        .unwrap();
    sql.execute("UPDATE message SET body = x'00' WHERE mid = 3", [])
        .unwrap();
    drop(sql);
    let store = scratch.open_store();
    let expected = [
        entry(1, Some(1), None),
        entry(2, Some(2), None),
        entry(3, Some(3), None),
        entry(4, None, None),
        entry(5, None, Some("no 2")),
    ];
    assert_eq!(log(&store, 1).await, expected);
    assert_eq!(store.statistics().damaged_records, 2);
    store.append(vec![message(1, "four")]).await.unwrap();
    assert_eq!(log(&store, 1).await[5..], [entry(6, Some(4), Some("four"))]);
}

#[tokio::test]
async fn a_damaged_profile_reads_as_never_set() {
    let scratch = filled_rooms().await;
    let damaged = account_id("ann").as_str().to_owned();
    scratch
        .sql()
        .execute("UPDATE profile SET body = x'0102' WHERE owner = ?1", [damaged])
        .unwrap();
    let store = scratch.open_store();
    assert_eq!(profiles(&store).await, [None, Some("profile of ben".to_owned())]);
    assert_eq!(store.statistics().damaged_records, 1);
    assert!(
        store
            .set_user_profile(&account_id("ann"), "new".into())
            .await
            .unwrap()
    );
    assert_eq!(profiles(&store).await[0], Some("new".to_owned()));
}

#[tokio::test]
async fn a_damaged_room_is_an_error_and_can_still_be_left_and_described_anew() {
    let scratch = filled_rooms().await;
    let damaged = room_id(1).as_str().to_owned();
    scratch
        .sql()
        .execute("UPDATE room SET profile = x'0102' WHERE id = ?1", [damaged])
        .unwrap();
    let store = scratch.open_store();
    let error = store.room(&room_id(1)).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Damaged { table: "room", .. }),
        "{error}"
    );
    assert_eq!(store.room(&room_id(2)).await.unwrap().unwrap().profile, "topic 2");
    let change = |expected, becomes| MembershipChange {
        room: room_id(1),
        conversation: conversation(1),
        account: account_id("ben"),
        expected,
        becomes,
        notices: Vec::new(),
    };
    for (expected, becomes) in [
        (Membership::default(), Membership::MEMBER),
        (Membership::MEMBER, Membership::default()),
    ] {
        let changed = store.change_membership(change(expected, becomes)).await.unwrap();
        assert!(matches!(changed, MembershipChanged::Done { .. }), "{changed:?}");
    }
    let mut update = RoomUpdate {
        id: room_id(1),
        expected_version: 1,
        profile: None,
        managers: Some(Vec::new()),
    };
    assert!(store.update_room(update.clone()).await.is_err());
    update.profile = Some("new".into());
    assert_eq!(store.update_room(update).await.unwrap().unwrap().profile, "new");
    assert_eq!(store.room(&room_id(1)).await.unwrap().unwrap().profile, "new");
}

/// Copies the sealed column of the first row of a table into the second.
fn copy_sealed(scratch: &Scratch, table: &str, column: &str, order: &str) {
    let sql = scratch.sql();
    let keys: Vec<String> = {
        let query = format!("SELECT {order} FROM {table} ORDER BY {order}");
        let mut select = sql.prepare(&query).unwrap();
        let rows = select.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let changed = sql
        .execute(
            &format!(
                "UPDATE {table} SET {column} = (SELECT other.{column} FROM {table} AS other
                 WHERE other.{order} = ?1) WHERE {order} = ?2"
            ),
            [&keys[0], &keys[1]],
        )
        .unwrap();
    assert_eq!(changed, 1);
}

#[tokio::test]
async fn profiles_and_rooms_that_were_swapped_are_detected() {
    let scratch = filled_rooms().await;
    copy_sealed(&scratch, "profile", "body", "owner");
    copy_sealed(&scratch, "room", "profile", "id");
    let store = scratch.open_store();
    let readable = profiles(&store).await.into_iter().flatten().count();
    assert_eq!(readable, 1, "a copy in another place is no profile");
    let mut readable = 0;
    for number in [1, 2] {
        readable += usize::from(store.room(&room_id(number)).await.is_ok());
    }
    assert_eq!(readable, 1, "a copy in another place is no room");
}

#[tokio::test]
async fn packets_that_were_moved_in_a_log_or_between_logs_are_detected() {
    let scratch = filled_rooms().await;
    let sql = scratch.sql();
    let (one, two) = (conversation(1).0, conversation(2).0);
    let copy = "UPDATE log_notice SET body = (SELECT body FROM log_notice AS other
                WHERE other.conversation = ?1 AND other.position = ?2)
                WHERE conversation = ?3 AND position = ?4";
    let changed = sql.execute(copy, rusqlite::params![one, 4, one, 5]).unwrap();
    assert_eq!(changed, 1);
    let changed = sql.execute(copy, rusqlite::params![one, 4, two, 4]).unwrap();
    assert_eq!(changed, 1);
    drop(sql);
    let store = scratch.open_store();
    assert_eq!(
        log(&store, 1).await[3..],
        [entry(4, None, Some("no 1")), entry(5, None, None)]
    );
    assert_eq!(
        log(&store, 2).await[3..],
        [entry(4, None, None), entry(5, None, Some("no 2"))]
    );
}

#[tokio::test]
async fn a_room_whose_founder_or_kind_was_changed_in_the_file_does_not_open() {
    for change in [
        "UPDATE room SET founder = 'somebody else'",
        "UPDATE room SET kind = 2",
        "UPDATE room SET created = created + 1",
        "UPDATE room SET domain = 'other'",
    ] {
        let scratch = filled_rooms().await;
        scratch.sql().execute_batch(change).unwrap();
        let store = scratch.open_store();
        assert!(store.room(&room_id(1)).await.is_err(), "{change}");
    }
}
