//! Statements on what the management API keeps.

use bytes::Bytes;

use super::{Subject, account_id, reopen};
use crate::store::record::NewAccount;
use crate::store::{AccountOrder, AccountQuery, RecordKind, Store, Timestamp};

pub async fn a_record_is_inserted_once_replaced_and_removed(subject: &dyn Subject) {
    let store = subject.open();
    let (one, two) = (Bytes::from("one"), Bytes::from("two"));
    let kind = RecordKind::Operator;
    assert!(store.insert_record(kind, "ann", one.clone()).await.unwrap());
    assert!(!store.insert_record(kind, "ann", two.clone()).await.unwrap());
    assert!(
        store
            .insert_record(RecordKind::ApiKey, "ann", two.clone())
            .await
            .unwrap()
    );
    let store = reopen(subject, store).await;
    assert_eq!(store.record(kind, "ann").await.unwrap(), Some(one.clone()));
    assert_eq!(
        store.records(kind).await.unwrap(),
        [("ann".to_owned(), one.clone())]
    );
    assert!(
        store
            .replace_record(kind, "ann", &one, two.clone())
            .await
            .unwrap()
    );
    assert_eq!(store.record(kind, "ann").await.unwrap(), Some(two.clone()));
    assert!(store.remove_record(kind, "ann").await.unwrap());
    assert!(!store.remove_record(kind, "ann").await.unwrap());
    assert_eq!(store.record(kind, "ann").await.unwrap(), None);
    assert_eq!(store.record(RecordKind::ApiKey, "ann").await.unwrap(), Some(two));
}

pub async fn a_record_that_changed_meanwhile_is_not_replaced(subject: &dyn Subject) {
    let store = subject.open();
    let kind = RecordKind::ApiKey;
    let (one, two) = (Bytes::from("one"), Bytes::from("two"));
    assert!(!store.replace_record(kind, "k", &one, two.clone()).await.unwrap());
    store.insert_record(kind, "k", one.clone()).await.unwrap();
    assert!(!store.replace_record(kind, "k", &two, two.clone()).await.unwrap());
    assert_eq!(store.record(kind, "k").await.unwrap(), Some(one));
}

pub async fn the_audit_log_is_numbered_and_read_backwards(subject: &dyn Subject) {
    let store = subject.open();
    for number in 1..=5_i64 {
        let body = Bytes::from(format!("entry {number}"));
        assert_eq!(
            store.append_audit(Timestamp(number * 10), body).await.unwrap(),
            number
        );
    }
    let store = reopen(subject, store).await;
    let newest = store.audit(None, 2).await.unwrap();
    let numbers: Vec<_> = newest.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [5, 4]);
    assert_eq!(
        (newest[1].at, &newest[1].body[..]),
        (Timestamp(40), &b"entry 4"[..])
    );
    let older = store.audit(Some(4), 10).await.unwrap();
    let numbers: Vec<_> = older.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [3, 2, 1]);
}

async fn populate(store: &dyn Store) -> Vec<String> {
    let mut ids = Vec::new();
    for (at, (name, domain)) in [("a", ""), ("b", "x"), ("c", ""), ("d", "x"), ("e", "")]
        .into_iter()
        .enumerate()
    {
        let account = NewAccount {
            id: account_id(name),
            domain: domain.to_owned(),
            password_hash: "hash".to_owned(),
            // Two of them at the same time.
            created: Timestamp(at as i64 / 2 * 100),
        };
        ids.push(account.id.as_str().to_owned());
        store.create_account(account).await.unwrap();
    }
    ids
}

async fn listed(store: &dyn Store, query: &AccountQuery) -> Vec<String> {
    let page = store.list_accounts(query).await.unwrap();
    page.iter().map(|entry| entry.id.as_str().to_owned()).collect()
}

pub async fn accounts_are_listed_in_pages_in_every_order(subject: &dyn Subject) {
    let store = subject.open();
    let ids = populate(&*store).await;
    for order in [AccountOrder::Node, AccountOrder::Created, AccountOrder::Newest] {
        let mut all = Vec::new();
        let mut query = AccountQuery {
            order,
            limit: 2,
            ..AccountQuery::default()
        };
        loop {
            let page = store.list_accounts(&query).await.unwrap();
            let Some(last) = page.last() else { break };
            query.after = Some((last.created, last.id.as_str().to_owned()));
            all.extend(page);
        }
        let keys: Vec<_> = all
            .iter()
            .map(|entry| match order {
                AccountOrder::Node => (0, entry.id.as_str().to_owned()),
                _ => (entry.created.0, entry.id.as_str().to_owned()),
            })
            .collect();
        let mut expected = keys.clone();
        expected.sort();
        if order == AccountOrder::Newest {
            expected.reverse();
        }
        assert_eq!(keys, expected, "{order:?}");
        let mut found: Vec<_> = all.iter().map(|entry| entry.id.as_str()).collect();
        found.sort_unstable();
        let mut ids: Vec<_> = ids.iter().map(String::as_str).collect();
        ids.sort_unstable();
        assert_eq!(found, ids, "{order:?}");
    }
}

pub async fn lists_of_accounts_are_filtered(subject: &dyn Subject) {
    let store = subject.open();
    let ids = populate(&*store).await;
    let all = AccountQuery {
        order: AccountOrder::Created,
        limit: 100,
        ..AccountQuery::default()
    };
    let mut of_domain = listed(
        &*store,
        &AccountQuery {
            domain: Some("x".to_owned()),
            ..all.clone()
        },
    )
    .await;
    of_domain.sort();
    let mut expected = vec![ids[1].clone(), ids[3].clone()];
    expected.sort();
    assert_eq!(of_domain, expected);
    let prefix = AccountQuery {
        prefix: Some(ids[2].clone()),
        ..all.clone()
    };
    assert_eq!(listed(&*store, &prefix).await, [ids[2].clone()]);
    let now = Timestamp(1_000);
    store
        .set_suspension(&account_id("e"), Some(Timestamp(1_001)))
        .await
        .unwrap();
    store
        .set_suspension(&account_id("c"), Some(Timestamp(1_000)))
        .await
        .unwrap();
    let suspended = |wanted| AccountQuery {
        suspended: Some((wanted, now)),
        ..all.clone()
    };
    assert_eq!(listed(&*store, &suspended(true)).await, [ids[4].clone()]);
    assert_eq!(listed(&*store, &suspended(false)).await.len(), 4);
    let range = AccountQuery {
        created_from: Some(Timestamp(100)),
        created_before: Some(Timestamp(200)),
        ..all
    };
    assert_eq!(listed(&*store, &range).await.len(), 2);
    assert_eq!(store.totals().await.unwrap().accounts, 5);
}
