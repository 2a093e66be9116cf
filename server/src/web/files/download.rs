//! Answers with the bytes of a file: whole, a part, or only that they have not changed.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use futures_util::stream;
use tim_protocol::error_code::ErrorCode;

use super::file_name::disposition;
use super::hex;
use super::range::{Part, part};
use crate::engine::Engine;
use crate::engine::files::{Person, shown_inside};
use crate::store::StoredFile;
use crate::web::answer::Refusal;

/// Whoever kept the bytes asks again whether it may still show them.
pub(super) const REVALIDATE: &str = "private, no-cache";
/// Another picture has another address.
pub(super) const UNCHANGING: &str = "private, max-age=604800, immutable";

/// Whatever the content is, a page that is made of it can do nothing.
const POLICY: &str = "sandbox; default-src 'none'";

/// How the bytes are wanted.
pub(super) struct Wanted<'a> {
    pub(super) headers: &'a HeaderMap,
    /// Only the head of the answer.
    pub(super) is_head: bool,
    /// Name to save as.
    pub(super) name: Option<&'a str>,
    /// How long they may be kept.
    pub(super) cache: &'static str,
}

/// Answers with a file that `who` may have.
pub(super) async fn answer(
    engine: &Arc<Engine>,
    who: Person<'_>,
    file: StoredFile,
    wanted: Wanted<'_>,
) -> Result<Response, Refusal> {
    let tag = format!("\"{}\"", hex(&file.content.sha256));
    let mut response = Response::new(Body::empty());
    describe(response.headers_mut(), &file, &tag, &wanted)?;
    if is_known(wanted.headers, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let size = file.size;
    let asked = match text(wanted.headers, &IF_RANGE) {
        // A date never fits: files have none.
        Some(condition) if condition != tag => Part::All,
        _ => part(text(wanted.headers, &RANGE), size),
    };
    let range = match asked {
        Part::All => 0..size,
        Part::Bytes(range) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let told = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            response.headers_mut().insert(CONTENT_RANGE, value(told)?);
            range
        }
        Part::Outside => {
            let mut refused = axum::response::IntoResponse::into_response(Refusal::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                ErrorCode::Params,
                "the range is outside the file",
            ));
            refused
                .headers_mut()
                .insert(CONTENT_RANGE, value(format!("bytes */{size}"))?);
            return Ok(refused);
        }
    };
    let length = range.end - range.start;
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(length));
    if wanted.is_head {
        return Ok(response);
    }
    let reader = engine.read_file(who, file, range).await?;
    let bytes = stream::try_unfold(reader, |mut reader| async move {
        let next = reader.next().await;
        // The status is sent already; all that is left is to break off.
        Ok::<_, crate::engine::files::FileError>(next?.map(|bytes| (bytes, reader)))
    });
    *response.body_mut() = Body::from_stream(bytes);
    Ok(response)
}

fn describe(
    headers: &mut HeaderMap,
    file: &StoredFile,
    tag: &str,
    wanted: &Wanted<'_>,
) -> Result<(), Refusal> {
    let kind = &file.content.content_type;
    let is_inside = shown_inside(kind);
    let kind = if is_inside {
        kind
    } else {
        "application/octet-stream"
    };
    headers.insert(CONTENT_TYPE, value(kind.to_owned())?);
    headers.insert(CONTENT_DISPOSITION, disposition(wanted.name, is_inside));
    headers.insert(ETAG, value(tag.to_owned())?);
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(wanted.cache));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    Ok(())
}

fn value(text: String) -> Result<HeaderValue, Refusal> {
    HeaderValue::try_from(text).map_err(|_| ErrorCode::Undefined.into())
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether whoever asks has the bytes already (RFC 9110, 13.1.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter();
    known
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_recognised_among_others() {
        let known = |text: &'static str| {
            let headers = [(IF_NONE_MATCH, HeaderValue::from_static(text))]
                .into_iter()
                .collect();
            is_known(&headers, "\"abc\"")
        };
        for text in ["\"abc\"", "W/\"abc\"", "*", "\"x\", \"abc\"", "\"x\",W/\"abc\" "] {
            assert!(known(text), "{text}");
        }
        for text in ["", "abc", "\"abcd\"", "w/\"abc\"", "\"ab\""] {
            assert!(!known(text), "{text}");
        }
        assert!(!is_known(&HeaderMap::new(), "\"abc\""));
    }
}
