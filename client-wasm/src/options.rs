//! Settings of a connection, and what to log in with, as JavaScript gives them.

use js_sys::{Function, Promise};
use tim_client::{
    Acknowledge, ClientBuilder, Credentials, Encoding, Reconnect, Renewal, ServerKind, SessionConfig,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::failure::Failure;
use crate::fields::Fields;

/// The builder that these settings describe. Without a server it is the one that served the page.
pub(crate) fn builder(options: &Fields<'_>) -> Result<ClientBuilder, Failure> {
    let mut builder = match options.text("server")? {
        Some(address) => ClientBuilder::new(&address)?,
        None => ClientBuilder::of_page()
            .map_err(|_| Failure::invalid("there is no page, so the address of the server must be given"))?,
    };
    if let Some(constructor) = options.function("WebSocket")? {
        builder = builder.web_socket(constructor);
    }
    Ok(builder.config(config(options)?))
}

fn config(options: &Fields<'_>) -> Result<SessionConfig, Failure> {
    let mut config = SessionConfig::default();
    if options.flag("json")? == Some(true) {
        config.encoding = Encoding::Json;
    }
    config.domain = options.text("domain")?;
    config.resource = options.text("device")?;
    config.device_type = options.number("deviceType")?;
    config.extend = options.texts("deviceFields")?.unwrap_or_default();
    config.server = match options.text("serverKind")?.as_deref() {
        None | Some("auto") => ServerKind::Auto,
        Some("ordered") => ServerKind::Ordered,
        Some("original") => ServerKind::Original,
        Some(_) => return Err(Failure::invalid("serverKind must be auto, ordered or original")),
    };
    config.acknowledge = match options.text("acknowledge")?.as_deref() {
        None | Some("taken") => Acknowledge::WhenTaken,
        Some("next") => Acknowledge::WhenNextIsTaken,
        Some(_) => return Err(Failure::invalid("acknowledge must be taken or next")),
    };
    set(&mut config.drain_offline, options.flag("drainOffline")?);
    set(&mut config.answer_presence, options.flag("answerPresence")?);
    set(&mut config.event_capacity, options.number("eventCapacity")?);
    set(&mut config.max_pending_sends, options.number("maxPendingSends")?);
    set(&mut config.max_pending_bytes, options.number("maxPendingBytes")?);
    set(&mut config.max_packet_bytes, options.number("maxPacketBytes")?);
    set(&mut config.max_big_bytes, options.number("maxBigBytes")?);
    set(
        &mut config.max_pending_requests,
        options.number("maxPendingRequests")?,
    );
    set(
        &mut config.packets_per_second,
        options.number("packetsPerSecond")?,
    );
    set(&mut config.request_timeout, options.time("requestTimeout")?);
    set(&mut config.quiet_timeout, options.time("quietTimeout")?);
    set(&mut config.connect_timeout, options.time("connectTimeout")?);
    set(&mut config.login_timeout, options.time("loginTimeout")?);
    set(&mut config.login_delay, options.time("loginDelay")?);
    set(&mut config.echo_timeout, options.time("echoTimeout")?);
    set(&mut config.probe_timeout, options.time("probeTimeout")?);
    set(&mut config.ping_interval, options.time("pingInterval")?);
    if let Some(reconnect) = options.get("reconnect") {
        config.reconnect = read_reconnect(&reconnect)?;
    }
    Ok(config)
}

fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

fn read_reconnect(value: &JsValue) -> Result<Reconnect, Failure> {
    let mut reconnect = Reconnect::default();
    match value.as_bool() {
        Some(enabled) => reconnect.enabled = enabled,
        None => {
            let fields = Fields(value);
            set(&mut reconnect.first, fields.time("first")?);
            set(&mut reconnect.shortest, fields.time("shortest")?);
            set(&mut reconnect.longest, fields.time("longest")?);
        }
    }
    Ok(reconnect)
}

/// What to log in with: an object, or a function that promises one.
pub(crate) enum Login {
    Credentials(Credentials),
    Source(Function),
}

impl Login {
    pub(crate) fn read(options: &Fields<'_>) -> Result<Self, Failure> {
        let login = options
            .get("login")
            .ok_or_else(|| Failure::invalid("login is missing"))?;
        match login.dyn_into::<Function>() {
            Ok(source) => Ok(Self::Source(source)),
            Err(login) => credentials(&login)?
                .map(Self::Credentials)
                .ok_or_else(|| Failure::invalid("login must have a password or a token")),
        }
    }
}

fn credentials(login: &JsValue) -> Result<Option<Credentials>, Failure> {
    let fields = Fields(login);
    let name = fields.text("name")?.unwrap_or_default();
    Ok(match (fields.text("token")?, fields.text("password")?) {
        (Some(token), _) => Some(Credentials::token(name, token)),
        (None, Some(password)) => Some(Credentials::password(name, password)),
        (None, None) => None,
    })
}

/// Asks a source. One that fails is asked again later; only one that promises nothing means signed out.
pub(crate) async fn renew(source: Function) -> Renewal {
    match ask(&source).await {
        Ok(answer) if answer.is_null() || answer.is_undefined() => Renewal::SignedOut,
        Ok(answer) => {
            read_renewal(&answer).unwrap_or_else(|failure| Renewal::later(message_of(&failure.into())))
        }
        Err(error) => Renewal::later(message_of(&error)),
    }
}

async fn ask(source: &Function) -> Result<JsValue, JsValue> {
    let answer = source.call0(&JsValue::UNDEFINED)?;
    JsFuture::from(Promise::resolve(&answer)).await
}

fn read_renewal(answer: &JsValue) -> Result<Renewal, Failure> {
    if let Some(credentials) = credentials(answer)? {
        return Ok(credentials.into());
    }
    let fields = Fields(answer);
    Ok(Renewal::Later {
        reason: fields
            .text("reason")?
            .unwrap_or_else(|| "there are no credentials now".to_owned()),
        retry_after: fields.time("retryAfter")?,
    })
}

fn message_of(error: &JsValue) -> String {
    Fields(error)
        .text("message")
        .ok()
        .flatten()
        .or_else(|| error.as_string())
        .unwrap_or_else(|| "the source of credentials failed".to_owned())
}
