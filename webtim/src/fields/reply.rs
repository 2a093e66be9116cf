//! The field that says which message is answered.

use serde::{Deserialize, Serialize};

/// Name of the field.
pub const REPLY: &str = "tim.reply";

/// The message that is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Its number in the conversation.
    pub mid: i64,
    /// Who wrote it.
    pub from: String,
    /// The beginning of its text.
    #[serde(default)]
    pub text: String,
}

impl Reply {
    /// Longest quotation, in characters.
    pub const MAX_TEXT: usize = 200;

    /// An answer to that message.
    #[must_use]
    pub fn to(mid: i64, from: &str, text: &str) -> Self {
        Self {
            mid,
            from: from.to_owned(),
            text: quoted(text),
        }
    }

    /// From the value of the field.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let reply: Self = serde_json::from_str(value).ok()?;
        (reply.mid > 0 && !reply.from.is_empty() && reply.from.len() <= 64).then(|| Self {
            text: quoted(&reply.text),
            ..reply
        })
    }

    /// The value of the field.
    #[must_use]
    pub fn value(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The text in one line, cut at a limit.
fn quoted(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= Reply::MAX_TEXT {
        return line;
    }
    let mut cut: String = line.chars().take(Reply::MAX_TEXT - 1).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_reads_back_and_is_short() {
        let reply = Reply::to(7, "abc", &"很长 \n".repeat(500));
        assert_eq!(reply.text.chars().count(), Reply::MAX_TEXT);
        assert!(!reply.text.contains('\n'));
        assert_eq!(Reply::parse(&reply.value()), Some(reply));
    }

    #[test]
    fn nonsense_is_no_reply() {
        for value in [
            "",
            "{}",
            r#"{"mid":0,"from":"a","text":""}"#,
            r#"{"mid":1,"from":""}"#,
        ] {
            assert_eq!(Reply::parse(value), None, "{value}");
        }
    }
}
