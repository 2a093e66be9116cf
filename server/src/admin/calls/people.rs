//! Who manages the server: people and keys. And what they did.

use axum::http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tim_protocol::error_code::ErrorCode;

use crate::admin::access::{Needs, Reach, Role, Scope};
use crate::admin::audit::{self, Entry};
use crate::admin::call::{Call, Context, Nothing};
use crate::admin::operators::{self, ApiKey, Operator};
use crate::engine::passwords::PasswordError;
use crate::web::answer::Refusal;

/// Entries of a page when the request does not say, and at most.
const USUAL_PAGE: usize = 100;
const LARGEST_PAGE: usize = 1_000;

pub(super) fn calls() -> Vec<Call> {
    let read = Needs::Right(Scope::OperatorsRead, Reach::Server);
    let write = Needs::Right(Scope::OperatorsWrite, Reach::Server);
    let audit = Needs::Right(Scope::AuditRead, Reach::Server);
    let (operators, one) = ("/operators", "/operators/{name}");
    vec![
        Call::new(
            "listOperators",
            (Method::GET, operators),
            read,
            "People who manage the server",
            list,
        ),
        Call::new(
            "createOperator",
            (Method::POST, operators),
            write,
            "Let somebody manage the server",
            create,
        )
        .status(StatusCode::CREATED),
        Call::new(
            "changeOperator",
            (Method::PATCH, one),
            write,
            "Change the access of somebody; ends the sessions",
            change,
        ),
        Call::new(
            "deleteOperator",
            (Method::DELETE, one),
            write,
            "Take the access away",
            delete,
        ),
        Call::new(
            "listKeys",
            (Method::GET, "/keys"),
            read,
            "Keys of programs",
            list_keys,
        ),
        Call::new(
            "createKey",
            (Method::POST, "/keys"),
            write,
            "Make a key; its text is shown only here",
            create_key,
        )
        .status(StatusCode::CREATED),
        Call::new(
            "deleteKey",
            (Method::DELETE, "/keys/{id}"),
            write,
            "Delete a key; it is refused at once",
            delete_key,
        ),
        Call::new(
            "readAudit",
            (Method::GET, "/audit"),
            audit,
            "What those who manage the server did, newest first",
            read_audit,
        ),
    ]
}

/// Somebody who manages the server.
#[derive(Serialize, JsonSchema)]
struct Shown {
    /// The name.
    name: String,
    /// What it may do.
    role: Role,
    /// The only domain it may act in; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    /// Whether a login needs a second factor.
    second_factor: bool,
    /// Cannot log in.
    disabled: bool,
    /// When it was made, in nanoseconds since 1970.
    created: i64,
}

impl Shown {
    fn new(name: String, operator: Operator) -> Self {
        Self {
            name,
            role: operator.role,
            domain: operator.domain,
            second_factor: operator.totp.is_some(),
            disabled: operator.disabled,
            created: operator.created,
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct Operators {
    /// Sorted by name.
    operators: Vec<Shown>,
}

#[derive(Deserialize, JsonSchema)]
struct NewOperator {
    /// Letters, digits and . _ - @, at most 64 bytes.
    name: String,
    /// At least 10 characters.
    password: String,
    /// What it may do.
    role: Role,
    /// The only domain it may act in; absent: all.
    domain: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Change {
    /// What it may do.
    role: Option<Role>,
    /// Whether it cannot log in.
    disabled: Option<bool>,
    /// A new password of at least 10 characters.
    password: Option<String>,
    /// `true`: a login needs no second factor any more.
    #[serde(default)]
    remove_second_factor: bool,
}

/// A key.
#[derive(Serialize, JsonSchema)]
struct ShownKey {
    /// Its id.
    id: String,
    /// What it is for.
    label: String,
    /// What it may do.
    scopes: Vec<Scope>,
    /// The only domain it may act in; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    /// When it was made, in nanoseconds since 1970.
    created: i64,
    /// Who made it.
    created_by: String,
    /// It is refused from then on; absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
    /// When it was last used, to ten minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<i64>,
    /// The text to be sent in the header `Authorization: Bearer`; only when it was just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl ShownKey {
    fn new(id: String, key: ApiKey, text: Option<String>) -> Self {
        Self {
            id,
            label: key.label,
            scopes: key.scopes,
            domain: key.domain,
            created: key.created,
            created_by: key.created_by,
            expires: key.expires,
            last_used: key.last_used,
            key: text,
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct Keys {
    /// Sorted by id.
    keys: Vec<ShownKey>,
}

#[derive(Deserialize, JsonSchema)]
struct NewKey {
    /// What it is for.
    label: String,
    /// What it may do: all but `operators:read` and `operators:write`.
    scopes: Vec<Scope>,
    /// The only domain it may act in; absent: all.
    domain: Option<String>,
    /// For how many seconds it is good; absent: until it is deleted.
    #[schemars(range(min = 1, max = 3_153_600_000_i64))]
    lifetime: Option<u64>,
}

#[derive(Deserialize, JsonSchema)]
struct AuditQuery {
    /// Only entries with a number below this.
    before: Option<i64>,
    /// How many entries are looked at, 1 to 1000; 100 when absent.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<usize>,
    /// Only those of this caller, such as `operator:ann`.
    who: Option<String>,
    /// Only those of this call.
    call: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct AuditPage {
    /// Newest first.
    entries: Vec<Entry>,
    /// `before` of the next page; absent: there are no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

async fn list(context: Context, _: Nothing, _: Nothing) -> Result<Operators, Refusal> {
    let all = operators::all(context.admin.engine.store()).await?;
    let shown = all.into_iter().map(|(name, operator)| Shown::new(name, operator));
    Ok(Operators {
        operators: shown.collect(),
    })
}

/// The hash of a password that is long enough.
pub(super) async fn hashed(context: &Context, password: &str) -> Result<String, Refusal> {
    let engine = &context.admin.engine;
    if !operators::is_password(password, engine.settings().accounts.max_password_bytes) {
        return Err(Refusal::malformed(format!(
            "a password has at least {} characters",
            operators::SHORTEST_PASSWORD
        )));
    }
    engine
        .passwords()
        .hash(password)
        .await
        .map_err(|error| match error {
            PasswordError::Overloaded => ErrorCode::Overload.into(),
            PasswordError::Damaged => ErrorCode::Database.into(),
        })
}

async fn create(context: Context, _: Nothing, asked: NewOperator) -> Result<Shown, Refusal> {
    context.note("name", &asked.name);
    if !operators::is_name(&asked.name) {
        return Err(Refusal::malformed("a name has letters, digits and . _ - @"));
    }
    let operator = Operator {
        role: asked.role,
        domain: asked.domain,
        password_hash: hashed(&context, &asked.password).await?,
        totp: None,
        disabled: false,
        created: context.admin.engine.clock().now().0,
    };
    operators::insert(context.admin.engine.store(), &asked.name, &operator).await?;
    Ok(Shown::new(asked.name, operator))
}

/// Nobody takes the own access away by mistake, and so there is always somebody who can give it back.
fn not_myself(context: &Context, name: &str) -> Result<(), Refusal> {
    if context.caller()?.operator.as_deref() == Some(name) {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            ErrorCode::PermDenied,
            "the own access is changed by somebody else",
        ));
    }
    Ok(())
}

async fn change(context: Context, _: Nothing, asked: Change) -> Result<Shown, Refusal> {
    let name = context.argument("name").to_owned();
    not_myself(&context, &name)?;
    let hash = match &asked.password {
        Some(password) => Some(hashed(&context, password).await?),
        None => None,
    };
    let changing = operators::change(context.admin.engine.store(), &name, |operator: &mut Operator| {
        operator.role = asked.role.unwrap_or(operator.role);
        operator.disabled = asked.disabled.unwrap_or(operator.disabled);
        if let Some(hash) = &hash {
            operator.password_hash.clone_from(hash);
        }
        if asked.remove_second_factor {
            operator.totp = None;
        }
        Ok(())
    });
    let changed = changing.await?;
    context.admin.sessions.end_of(&name, None);
    Ok(Shown::new(name, changed))
}

async fn delete(context: Context, _: Nothing, _: Nothing) -> Result<Nothing, Refusal> {
    let name = context.argument("name");
    not_myself(&context, name)?;
    operators::remove::<Operator>(context.admin.engine.store(), name).await?;
    context.admin.sessions.end_of(name, None);
    Ok(Nothing {})
}

async fn list_keys(context: Context, _: Nothing, _: Nothing) -> Result<Keys, Refusal> {
    let all = operators::all(context.admin.engine.store()).await?;
    let shown = all.into_iter().map(|(id, key)| ShownKey::new(id, key, None));
    Ok(Keys {
        keys: shown.collect(),
    })
}

async fn create_key(context: Context, _: Nothing, asked: NewKey) -> Result<ShownKey, Refusal> {
    context.note("label", &asked.label);
    if asked.label.is_empty() || asked.label.len() > operators::LONGEST_NAME || asked.scopes.is_empty() {
        return Err(Refusal::malformed(
            "a key has a label of at most 64 bytes and at least one scope",
        ));
    }
    if let Some(scope) = asked.scopes.iter().find(|scope| !scope.is_for_keys()) {
        return Err(Refusal::malformed(format!("no key may have {scope}")));
    }
    let engine = &context.admin.engine;
    let now = engine.clock().now();
    let (hash, id, text) = operators::new_key(engine.entropy());
    let mut scopes = asked.scopes;
    scopes.sort_unstable();
    scopes.dedup();
    let lifetime = asked.lifetime.map(std::time::Duration::from_secs);
    let key = ApiKey {
        label: asked.label,
        hash,
        scopes,
        domain: asked.domain,
        created: now.0,
        created_by: context.caller()?.name.clone(),
        expires: lifetime.map(|lifetime| now.plus(lifetime).0),
        last_used: None,
    };
    operators::insert(engine.store(), &id, &key).await?;
    context.note("id", &id);
    Ok(ShownKey::new(id, key, Some(text)))
}

async fn delete_key(context: Context, _: Nothing, _: Nothing) -> Result<Nothing, Refusal> {
    let store = context.admin.engine.store();
    operators::remove::<ApiKey>(store, context.argument("id")).await?;
    Ok(Nothing {})
}

async fn read_audit(context: Context, asked: AuditQuery, _: Nothing) -> Result<AuditPage, Refusal> {
    let limit = asked.limit.unwrap_or(USUAL_PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Refusal::malformed(format!("limit is 1 to {LARGEST_PAGE}")));
    }
    let reading = context.admin.engine.store().audit(asked.before, limit).await;
    let found = reading.map_err(|error| Refusal::from(operators::failed(&error)))?;
    let next = found
        .last()
        .filter(|last| found.len() == limit && last.number > 1)
        .map(|last| last.number);
    let entries = found.iter().map(audit::understood).filter(|entry| {
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        is(&asked.who, &entry.happened.who) && is(&asked.call, &entry.happened.call)
    });
    Ok(AuditPage {
        entries: entries.collect(),
        next,
    })
}
