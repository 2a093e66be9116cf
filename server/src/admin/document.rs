//! The OpenAPI document (version 3.1), made from the table of calls. `docs/openapi.json` is the same, checked in.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::access::{Needs, Reach};
use super::call::Call;
use super::{Admin, PREFIX};

/// Statuses that any call may be refused with.
const REFUSALS: [(StatusCode, &str); 5] = [
    (
        StatusCode::BAD_REQUEST,
        "The request makes no sense, or a limit is exceeded",
    ),
    (StatusCode::REQUEST_TIMEOUT, "The body takes too long"),
    (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
    (
        StatusCode::TOO_MANY_REQUESTS,
        "Too many; Retry-After says for how long to wait",
    ),
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "Overloaded, stopping, or the database does not answer",
    ),
];
/// Statuses of those that need an access, besides.
const GUARDED: [(StatusCode, &str); 4] = [
    (StatusCode::UNAUTHORIZED, "No session or key, or it has ended"),
    (StatusCode::FORBIDDEN, "Not permitted"),
    (
        StatusCode::NOT_FOUND,
        "No such thing, or none that the caller may know of",
    ),
    (
        StatusCode::CONFLICT,
        "It exists already, or something stands against it",
    ),
];

/// The document as it is served, with a line break at its end.
pub(super) fn text(calls: &[Arc<Call>]) -> String {
    let mut text = serde_json::to_string_pretty(&document(calls)).unwrap_or_default();
    text.push('\n');
    text
}

pub(super) async fn serve(State(admin): State<Arc<Admin>>) -> Response {
    let mut response = text(&admin.calls).into_response();
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn document(calls: &[Arc<Call>]) -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
        .into_generator();
    let mut paths = Map::new();
    for call in calls {
        let operation = operation(call, &mut generator);
        let path = paths
            .entry(format!("{PREFIX}{}", call.path))
            .or_insert_with(|| json!({}));
        if let Value::Object(methods) = path {
            methods.insert(call.method.as_str().to_ascii_lowercase(), operation);
        }
    }
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Refusal".to_owned(), refusal_schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "tim management API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Times are in nanoseconds since 1970. Addresses of accounts and rooms are their nodes.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "key": [] }, { "session": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "A key of a program." },
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "tim_admin",
                    "description": "A login; changes need the header x-csrf-token too.",
                },
            },
        },
    })
}

fn refusal_schema() -> Value {
    json!({
        "type": "object",
        "description": "Why a request was refused.",
        "required": ["error"],
        "properties": { "error": {
            "type": "object",
            "required": ["code", "name", "text"],
            "properties": {
                "code": { "type": "integer", "description": "As in the protocol of clients." },
                "name": { "type": "string", "description": "Name of the code." },
                "text": { "type": "string", "description": "For people." },
            },
        } },
    })
}

fn operation(call: &Call, generator: &mut SchemaGenerator) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), call.name.into());
    operation.insert("summary".to_owned(), call.summary.into());
    operation.insert("description".to_owned(), needs(call).into());
    let tag = call.path.trim_start_matches('/').split('/').next();
    operation.insert("tags".to_owned(), json!([tag.unwrap_or_default()]));
    if call.needs == Needs::Nothing {
        operation.insert("security".to_owned(), json!([]));
    }
    let mut parameters: Vec<Value> = arguments(call.path)
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    if let Some(query) = call.query {
        parameters.extend(query_parameters(&query(generator)));
    }
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), parameters.into());
    }
    if let Some(body) = call.body {
        let content = json!({ "application/json": { "schema": body(generator) } });
        operation.insert(
            "requestBody".to_owned(),
            json!({ "required": true, "content": content }),
        );
    }
    let mut responses = Map::new();
    let mut done = json!({ "description": "Done" });
    if let (Some(answer), Value::Object(done)) = (call.answer, &mut done) {
        let content = json!({ "application/json": { "schema": answer(generator) } });
        done.insert("content".to_owned(), content);
    }
    responses.insert(call.status.as_str().to_owned(), done);
    for (status, description) in REFUSALS.iter().chain(&GUARDED) {
        let content = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Refusal" } } });
        responses.insert(
            status.as_str().to_owned(),
            json!({ "description": description, "content": content }),
        );
    }
    operation.insert("responses".to_owned(), responses.into());
    Value::Object(operation)
}

/// What a call needs, in words.
pub(super) fn needs(call: &Call) -> String {
    match call.needs {
        Needs::Nothing => "Open to everybody.".to_owned(),
        Needs::Person => "For people who have logged in.".to_owned(),
        Needs::Right(scope, Reach::Domain) => format!("Needs {scope}."),
        Needs::Right(scope, Reach::Server) => {
            format!("Needs {scope}, and an access that is not limited to a domain.")
        }
    }
}

/// Names of the arguments in a path.
fn arguments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn query_parameters(schema: &Schema) -> Vec<Value> {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let Some(Value::Object(properties)) = schema.get("properties") else {
        return Vec::new();
    };
    let parameter = |(name, schema): (&String, &Value)| {
        let mut schema = schema.clone();
        let description = match &mut schema {
            Value::Object(schema) => schema.remove("description"),
            _ => None,
        };
        not_null(&mut schema);
        json!({
            "name": name, "in": "query", "required": required.contains(&name.as_str()),
            "description": description.unwrap_or_default(), "schema": schema,
        })
    };
    properties.iter().map(parameter).collect()
}

/// A parameter that is absent is not there; it cannot be null.
fn not_null(schema: &mut Value) {
    let Value::Object(schema) = schema else { return };
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(kinds)) = schema.get_mut("anyOf") {
        kinds.retain(|kind| kind.get("type").is_none_or(|kind| kind != "null"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::calls;
    use super::*;

    fn calls() -> Vec<Arc<Call>> {
        calls::all().into_iter().map(Arc::new).collect()
    }

    /// With `TIM_GENERATE` it writes the file anew (`cargo xtask generate`).
    #[test]
    fn the_document_that_is_checked_in_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
        let current = text(&calls());
        if std::env::var_os("TIM_GENERATE").is_some() {
            std::fs::write(path, &current).unwrap();
        }
        let stored = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            stored == current,
            "docs/openapi.json is not current; run `cargo xtask generate`"
        );
    }

    /// Every reference in the document leads somewhere.
    #[test]
    fn the_document_of_openapi_is_whole() {
        let document = document(&calls());
        let mut open = vec![&document];
        let mut references = 0;
        while let Some(value) = open.pop() {
            match value {
                Value::Object(members) => {
                    if let Some(Value::String(reference)) = members.get("$ref") {
                        references += 1;
                        let place = reference.trim_start_matches('#');
                        assert!(document.pointer(place).is_some(), "{reference}");
                    }
                    open.extend(members.values());
                }
                Value::Array(items) => open.extend(items),
                _ => {}
            }
        }
        assert!(references > 0);
        for call in calls() {
            let path = format!("/api/v1{}", call.path)
                .replace('~', "~0")
                .replace('/', "~1");
            let method = call.method.as_str().to_ascii_lowercase();
            assert!(
                document.pointer(&format!("/paths/{path}/{method}")).is_some(),
                "{path}"
            );
        }
    }
}
