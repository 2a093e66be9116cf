//! The file that a message names.

use serde::Deserialize;
use tim_protocol::error_code::ErrorCode;
use tim_protocol::wire::TimMessage;

use crate::store::FileId;

/// Field of a message that names its file.
const FIELD: &str = "tim.file";

/// As much of the field as the server has to know.
#[derive(Deserialize)]
struct Named {
    id: String,
}

/// The file that a message names.
///
/// # Errors
/// `Params`: the field is there but names no file; `NoExist`: what it names cannot be one.
pub fn named_file(message: &TimMessage) -> Result<Option<FileId>, ErrorCode> {
    let Some(field) = message.extend.as_ref().and_then(|fields| fields.get(FIELD)) else {
        return Ok(None);
    };
    let named: Named = serde_json::from_str(field).map_err(|_| ErrorCode::Params)?;
    FileId::parse(&named.id).map(Some).ok_or(ErrorCode::NoExist)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Slot;

    fn named_in(field: &str) -> Result<Option<FileId>, ErrorCode> {
        named_file(&TimMessage {
            extend: Some([(FIELD.to_owned(), field.to_owned())].into()),
            ..TimMessage::default()
        })
    }

    #[test]
    fn a_message_names_a_file_in_its_field() {
        let id = FileId::new(Slot::from_hash(7), [3; 18]);
        let field = format!(r#"{{"id": "{id}", "name": "a\"b", "size": 5, "voice": true}}"#);
        assert_eq!(named_in(&field), Ok(Some(id)));
        assert_eq!(named_file(&TimMessage::default()), Ok(None));
    }

    #[test]
    fn a_field_that_names_no_file_is_refused() {
        for field in ["", "[]", "{}", r#"{"id": 5}"#, r#"{"id": null}"#, "{\"id\": \"a"] {
            assert_eq!(named_in(field), Err(ErrorCode::Params), "{field}");
        }
        assert_eq!(named_in(r#"{"id": "x"}"#), Err(ErrorCode::NoExist));
    }
}
