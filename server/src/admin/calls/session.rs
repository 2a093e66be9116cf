//! Logging in and out, the own password and second factor.

use axum::http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tim_protocol::error_code::ErrorCode;

use crate::admin::access::{Needs, Role};
use crate::admin::call::{Call, Context, Nothing};
use crate::admin::operators::{self, Operator};
use crate::admin::visit::set_cookie;
use crate::engine::attempts::limited_address;
use crate::engine::passwords::PasswordError;
use crate::web::answer::Refusal;

/// Name of the first person, who has the password that was shown at the first start.
const FIRST: &str = "admin";

pub(super) fn calls() -> Vec<Call> {
    use Needs::{Nothing as Nobody, Person};
    let path = "/session";
    vec![
        Call::new(
            "login",
            (Method::POST, path),
            Nobody,
            "Log in; sets the cookie tim_admin",
            login,
        ),
        Call::new("whoami", (Method::GET, path), Person, "Who has logged in", whoami),
        Call::new("logout", (Method::DELETE, path), Person, "Log out", logout),
        Call::new(
            "changeOwnPassword",
            (Method::PUT, "/session/password"),
            Person,
            "Change the own password; ends the other sessions",
            change_password,
        ),
        Call::new(
            "offerSecondFactor",
            (Method::POST, "/session/totp"),
            Person,
            "A new secret for an authenticator; counts once it is confirmed",
            offer,
        ),
        Call::new(
            "confirmSecondFactor",
            (Method::PUT, "/session/totp"),
            Person,
            "Confirm it with a code; from then on every login needs one",
            confirm,
        ),
        Call::new(
            "removeSecondFactor",
            (Method::POST, "/session/totp/remove"),
            Person,
            "Log in without a second factor from now on",
            remove,
        ),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Credentials {
    /// Name of the person.
    name: String,
    /// Its password.
    password: String,
    /// Code of the authenticator, if the person has one.
    code: Option<String>,
}

/// Somebody who has logged in.
#[derive(Serialize, JsonSchema)]
struct Person {
    /// The name.
    name: String,
    /// What it may do.
    role: Role,
    /// The only domain it may act in; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    /// Whether a login needs a second factor.
    second_factor: bool,
    /// To be shown in the header `x-csrf-token` of every request that changes something.
    csrf: String,
    /// When the session ends at the latest, in nanoseconds since 1970.
    expires: i64,
}

#[derive(Deserialize, JsonSchema)]
struct NewPassword {
    /// The password now.
    old: String,
    /// The new one, of at least 10 characters.
    new: String,
}

#[derive(Deserialize, JsonSchema)]
struct Code {
    /// Code of the authenticator.
    code: String,
}

#[derive(Deserialize, JsonSchema)]
struct Password {
    /// The own password.
    password: String,
}

/// A secret for an authenticator.
#[derive(Serialize, JsonSchema)]
struct Offer {
    /// The secret in base32.
    secret: String,
    /// The same as an otpauth address, to be shown as a QR code.
    url: String,
}

fn wrong() -> Refusal {
    Refusal::new(
        StatusCode::UNAUTHORIZED,
        ErrorCode::NoPass,
        "wrong name, password or code",
    )
}

async fn login(context: Context, _: Nothing, asked: Credentials) -> Result<Person, Refusal> {
    let admin = &context.admin;
    let (now, address) = (
        admin.engine.clock().now(),
        limited_address(context.source.address),
    );
    let guessing = &admin.engine.settings().guessing;
    if !admin.failures_by_address.is_allowed(&address, now) {
        let pause = guessing.failures_per_address.refill;
        return Err(Refusal::too_many(ErrorCode::OverHz, "too many attempts", pause));
    }
    let attempt = admin.failures_by_name.reserve((asked.name.clone(), address), now);
    let attempt = attempt.ok_or_else(|| {
        Refusal::too_many(
            ErrorCode::OverHz,
            "too many attempts",
            guessing.failures_per_account.refill,
        )
    })?;
    context.note("name", &asked.name);
    let operator = find(&context, &asked.name).await?;
    let operator = operator.filter(|operator| !operator.disabled);
    let is_right = verify(&context, &asked.password, operator.as_ref()).await?;
    let has_code = operator
        .as_ref()
        .and_then(|operator| operator.totp.as_ref())
        .is_none_or(|secret| {
            let code = asked.code.as_deref().unwrap_or_default();
            is_right && admin.second_factors.accept(&asked.name, secret, code, now)
        });
    let operator = operator.filter(|_| is_right && has_code);
    let Some(operator) = operator else {
        attempt.failed();
        admin.failures_by_address.count(&address, now);
        return Err(wrong());
    };
    let (secret, session) = admin.sessions.begin(&asked.name, admin.engine.entropy(), now);
    let lifetime = admin.config.admin.session_lifetime.as_secs();
    *context.set_cookie.lock() = set_cookie(&secret, context.source.is_private, lifetime);
    Ok(Person {
        name: asked.name,
        role: operator.role,
        domain: operator.domain,
        second_factor: operator.totp.is_some(),
        csrf: session.csrf,
        expires: session.expires.0,
    })
}

/// A person; the first one is made when its name is asked for and there is nobody yet.
async fn find(context: &Context, name: &str) -> Result<Option<Operator>, Refusal> {
    let (store, admin) = (context.admin.engine.store(), &context.admin);
    if let Some(operator) = operators::read(store, name).await? {
        return Ok(Some(operator));
    }
    let Some(file) = admin.first_password.as_ref().filter(|_| name == FIRST) else {
        return Ok(None);
    };
    if !operators::all::<Operator>(store).await?.is_empty() {
        return Ok(None);
    }
    let file = file.clone();
    let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(file)).await;
    let Ok(Ok(hash)) = read else { return Ok(None) };
    let first = Operator {
        role: Role::Owner,
        domain: None,
        password_hash: hash.trim().to_owned(),
        totp: None,
        disabled: false,
        created: admin.engine.clock().now().0,
    };
    match operators::insert(store, FIRST, &first).await {
        Ok(()) | Err(ErrorCode::HasExist) => Ok(operators::read(store, FIRST).await?),
        Err(code) => Err(code.into()),
    }
}

async fn verify(context: &Context, password: &str, operator: Option<&Operator>) -> Result<bool, Refusal> {
    let hash = operator.map(|operator| operator.password_hash.as_str());
    let longest = context.admin.engine.settings().accounts.max_password_bytes;
    if password.len() > longest {
        return Ok(false);
    }
    let verified = context.admin.engine.passwords().verify(password, hash).await;
    verified.map_err(|error| match error {
        PasswordError::Overloaded => ErrorCode::Overload.into(),
        PasswordError::Damaged => ErrorCode::Database.into(),
    })
}

/// The person who calls, and its name.
async fn myself(context: &Context) -> Result<(String, Operator), Refusal> {
    let name = context
        .caller()?
        .operator
        .clone()
        .ok_or_else(Refusal::no_session)?;
    let operator = operators::read(context.admin.engine.store(), &name).await?;
    Ok((name, operator.ok_or_else(Refusal::no_session)?))
}

async fn whoami(context: Context, _: Nothing, _: Nothing) -> Result<Person, Refusal> {
    let (name, operator) = myself(&context).await?;
    let now = context.admin.engine.clock().now();
    let secret = context.cookie.as_deref().unwrap_or_default();
    let session = context.admin.sessions.find(secret, now);
    let session = session.ok_or_else(Refusal::no_session)?;
    Ok(Person {
        name,
        role: operator.role,
        domain: operator.domain,
        second_factor: operator.totp.is_some(),
        csrf: session.csrf,
        expires: session.expires.0,
    })
}

async fn logout(context: Context, _: Nothing, _: Nothing) -> Result<Nothing, Refusal> {
    if let Some(secret) = &context.cookie {
        context.admin.sessions.end(secret);
    }
    *context.set_cookie.lock() = set_cookie("", context.source.is_private, 0);
    Ok(Nothing {})
}

/// Checks the own password within the limits against guessing.
async fn check(context: &Context, name: &str, operator: &Operator, password: &str) -> Result<(), Refusal> {
    let (admin, now) = (&context.admin, context.admin.engine.clock().now());
    let key = (name.to_owned(), limited_address(context.source.address));
    let attempt = admin.failures_by_name.reserve(key, now);
    let pause = admin.engine.settings().guessing.failures_per_account.refill;
    let attempt = attempt.ok_or_else(|| Refusal::too_many(ErrorCode::OverHz, "too many attempts", pause))?;
    if verify(context, password, Some(operator)).await? {
        return Ok(());
    }
    attempt.failed();
    Err(Refusal::new(
        StatusCode::FORBIDDEN,
        ErrorCode::NoPass,
        "the password is wrong",
    ))
}

async fn change_password(context: Context, _: Nothing, asked: NewPassword) -> Result<Nothing, Refusal> {
    let (name, operator) = myself(&context).await?;
    check(&context, &name, &operator, &asked.old).await?;
    let hash = super::people::hashed(&context, &asked.new).await?;
    let store = context.admin.engine.store();
    operators::change(store, &name, |operator: &mut Operator| {
        operator.password_hash.clone_from(&hash);
        Ok(())
    })
    .await?;
    context.admin.sessions.end_of(&name, context.cookie.as_deref());
    Ok(Nothing {})
}

async fn offer(context: Context, _: Nothing, _: Nothing) -> Result<Offer, Refusal> {
    let (name, _) = myself(&context).await?;
    let admin = &context.admin;
    let offered = admin.second_factors.offer(&name, admin.engine.entropy());
    let (secret, url) = offered.ok_or(ErrorCode::Undefined)?;
    Ok(Offer { secret, url })
}

async fn confirm(context: Context, _: Nothing, asked: Code) -> Result<Nothing, Refusal> {
    let (name, _) = myself(&context).await?;
    let admin = &context.admin;
    let now = admin.engine.clock().now();
    let secret = admin.second_factors.confirm(&name, &asked.code, now);
    let secret = secret.ok_or_else(|| {
        Refusal::new(
            StatusCode::FORBIDDEN,
            ErrorCode::NoPass,
            "the code is wrong, or no secret was offered",
        )
    })?;
    operators::change(admin.engine.store(), &name, |operator: &mut Operator| {
        operator.totp = Some(secret.clone());
        Ok(())
    })
    .await?;
    admin.sessions.end_of(&name, context.cookie.as_deref());
    Ok(Nothing {})
}

async fn remove(context: Context, _: Nothing, asked: Password) -> Result<Nothing, Refusal> {
    let (name, operator) = myself(&context).await?;
    check(&context, &name, &operator, &asked.password).await?;
    operators::change(context.admin.engine.store(), &name, |operator: &mut Operator| {
        operator.totp = None;
        Ok(())
    })
    .await?;
    Ok(Nothing {})
}
