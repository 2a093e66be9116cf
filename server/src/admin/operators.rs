//! People who manage the server, and the keys of programs that do. Stored as records; of passwords and keys
//! only hashes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tim_protocol::error_code::ErrorCode;

use super::access::{Caller, Role, Scope};
use crate::engine::clock::Entropy;
use crate::store::{RecordKind, Store, StoreError, Timestamp};

/// Shortest password of somebody who manages the server, in characters.
pub const SHORTEST_PASSWORD: usize = 10;
/// Longest name, in bytes.
pub const LONGEST_NAME: usize = 64;
/// How often a change is tried again when another one came in between.
const TRIES: usize = 8;
/// What every key begins with, so that it is recognised where it should not be.
const KEY_PREFIX: &str = "timkey_";

/// Somebody who manages the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operator {
    /// What it may do.
    pub role: Role,
    /// The only domain it may act in.
    pub domain: Option<String>,
    /// Argon2id hash in PHC form.
    pub password_hash: String,
    /// Secret of the second factor, once it was confirmed.
    pub totp: Option<Vec<u8>>,
    /// Cannot log in.
    pub disabled: bool,
    /// When it was made, in nanoseconds since 1970.
    pub created: i64,
}

/// The key of a program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiKey {
    /// What it is for.
    pub label: String,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The only domain it may act in.
    pub domain: Option<String>,
    /// When it was made, in nanoseconds since 1970.
    pub created: i64,
    /// Who made it.
    pub created_by: String,
    /// It is refused from then on.
    pub expires: Option<i64>,
    /// About when it was last used.
    pub last_used: Option<i64>,
}

/// Something that is stored as a record.
pub trait Record: Serialize + DeserializeOwned + Clone + Send + Sync {
    /// Its kind.
    const KIND: RecordKind;
}

impl Record for Operator {
    const KIND: RecordKind = RecordKind::Operator;
}

impl Record for ApiKey {
    const KIND: RecordKind = RecordKind::ApiKey;
}

/// The code for a failure of the store.
pub(super) fn failed(error: &StoreError) -> ErrorCode {
    tracing::error!(%error, "a record of the management API cannot be read or written");
    match error {
        StoreError::Overloaded => ErrorCode::Overload,
        StoreError::Unavailable(_) | StoreError::Damaged { .. } => ErrorCode::Database,
    }
}

fn decode<R: Record>(body: &Bytes) -> Result<R, ErrorCode> {
    serde_json::from_slice(body).map_err(|error| {
        tracing::error!(%error, "a record of the management API cannot be understood");
        ErrorCode::Database
    })
}

fn encode<R: Record>(record: &R) -> Result<Bytes, ErrorCode> {
    let body = serde_json::to_vec(record).map_err(|_| ErrorCode::Database)?;
    Ok(Bytes::from(body))
}

/// Stores a new record.
///
/// # Errors
/// `HasExist`; the store's failures.
pub async fn insert<R: Record>(store: &dyn Store, name: &str, record: &R) -> Result<(), ErrorCode> {
    let inserted = store.insert_record(R::KIND, name, encode(record)?).await;
    match inserted.map_err(|error| failed(&error))? {
        true => Ok(()),
        false => Err(ErrorCode::HasExist),
    }
}

/// Reads a record.
///
/// # Errors
/// The store's failures.
pub async fn read<R: Record>(store: &dyn Store, name: &str) -> Result<Option<R>, ErrorCode> {
    let body = store.record(R::KIND, name).await;
    let body = body.map_err(|error| failed(&error))?;
    body.map(|body| decode(&body)).transpose()
}

/// All records of a kind, by name.
///
/// # Errors
/// The store's failures.
pub async fn all<R: Record>(store: &dyn Store) -> Result<Vec<(String, R)>, ErrorCode> {
    let records = store.records(R::KIND).await.map_err(|error| failed(&error))?;
    let decoded = records.into_iter().map(|(name, body)| Ok((name, decode(&body)?)));
    decoded.collect()
}

/// Deletes a record.
///
/// # Errors
/// `NoExist`; the store's failures.
pub async fn remove<R: Record>(store: &dyn Store, name: &str) -> Result<(), ErrorCode> {
    let removed = store.remove_record(R::KIND, name).await;
    match removed.map_err(|error| failed(&error))? {
        true => Ok(()),
        false => Err(ErrorCode::NoExist),
    }
}

/// Changes a record as `change` says, whatever comes in between. Answers the record as it is then.
///
/// # Errors
/// `NoExist`, what `change` refuses with; the store's failures.
pub async fn change<R: Record>(
    store: &dyn Store,
    name: &str,
    change: impl Fn(&mut R) -> Result<(), ErrorCode>,
) -> Result<R, ErrorCode> {
    for _ in 0..TRIES {
        let body = store.record(R::KIND, name).await;
        let body = body.map_err(|error| failed(&error))?.ok_or(ErrorCode::NoExist)?;
        let mut record: R = decode(&body)?;
        change(&mut record)?;
        let replacing = store.replace_record(R::KIND, name, &body, encode(&record)?);
        if replacing.await.map_err(|error| failed(&error))? {
            return Ok(record);
        }
    }
    Err(ErrorCode::Overload)
}

/// Whether a name can be used.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let fits = |letter: char| letter.is_alphanumeric() || "._-@".contains(letter);
    !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(fits)
}

/// Whether a password is long enough, and not longer than the server hashes.
#[must_use]
pub fn is_password(password: &str, longest: usize) -> bool {
    password.chars().count() >= SHORTEST_PASSWORD && password.len() <= longest
}

/// A new key: what is stored, its id, and the text that its owner keeps.
#[must_use]
pub fn new_key(entropy: &dyn Entropy) -> ([u8; 32], String, String) {
    let (mut id, mut secret) = ([0; 6], [0; 32]);
    entropy.fill(&mut id);
    entropy.fill(&mut secret);
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = format!("{KEY_PREFIX}{id}_{}", URL_SAFE_NO_PAD.encode(secret));
    (hash(&text), id, text)
}

/// The id in the text of a key.
pub(super) fn key_id(text: &str) -> Option<&str> {
    let (id, _) = text.strip_prefix(KEY_PREFIX)?.split_once('_')?;
    Some(id)
}

pub(super) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

impl ApiKey {
    /// Who calls with it.
    pub(super) fn caller(&self, id: &str) -> Caller {
        Caller::key(id, self.scopes.clone(), self.domain.clone())
    }

    /// Whether it is still good.
    pub(super) fn is_good(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now.0 < expires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::clock::ThreadEntropy;
    use crate::store::MemoryStore;

    fn operator(role: Role) -> Operator {
        Operator {
            role,
            domain: None,
            password_hash: "hash".to_owned(),
            totp: None,
            disabled: false,
            created: 1,
        }
    }

    #[tokio::test]
    async fn a_person_is_made_once_changed_and_removed() {
        let store = MemoryStore::new().unwrap();
        insert(&store, "ann", &operator(Role::Owner)).await.unwrap();
        let twice = insert(&store, "ann", &operator(Role::Auditor)).await;
        assert_eq!(twice, Err(ErrorCode::HasExist));
        let changed = change(&store, "ann", |ann: &mut Operator| {
            ann.disabled = true;
            Ok(())
        });
        assert!(changed.await.unwrap().disabled);
        assert_eq!(all::<Operator>(&store).await.unwrap().len(), 1);
        remove::<Operator>(&store, "ann").await.unwrap();
        assert_eq!(read::<Operator>(&store, "ann").await.unwrap(), None);
    }

    #[test]
    fn a_key_tells_its_id_and_its_hash_is_that_of_the_whole_text() {
        let (stored, id, text) = new_key(&ThreadEntropy);
        assert_eq!(key_id(&text), Some(id.as_str()));
        assert_eq!(hash(&text), stored);
        let (_, _, other) = new_key(&ThreadEntropy);
        assert_ne!(text, other);
        assert_eq!(key_id("timkey_"), None);
        assert_eq!(key_id("something else"), None);
    }

    #[test]
    fn names_and_passwords_are_bounded() {
        assert!(is_name("ann") && is_name("ann.b-c@d_1") && is_name("安娜"));
        assert!(!is_name("") && !is_name("a b") && !is_name("a\n") && !is_name(&"a".repeat(65)));
        assert!(is_password("0123456789", 256));
        assert!(!is_password("012345678", 256) && !is_password(&"a".repeat(257), 256));
    }
}
