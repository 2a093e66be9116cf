//! Damage and refusals of the database.

use super::Scratch;
use crate::store::conformance::{account_id, conversation};
use crate::store::{Append, Seq, SqliteStore, Store, Timestamp, UpperBound};

fn message(to: u8, text: &str) -> Append {
    Append {
        conversation: conversation(to),
        sender: account_id("ann"),
        client_id: None,
        timestamp: Timestamp(1),
        body: text.to_owned().into(),
        inboxes: vec![account_id("ben")],
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
