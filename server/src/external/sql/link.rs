//! One connection to a database of any kind, and what can go wrong on it.

use super::mysql::MySqlLink;
use super::postgres::PostgresLink;
use super::sqlite::SqliteLink;
use super::template::Template;

/// Longest text in an answer that is kept, in bytes: more than any id has.
const CELL_BYTES: usize = 256;

/// Why a question has no answer.
#[derive(Debug)]
pub(super) enum LinkError {
    /// The connection is of no more use; a new one may be.
    Lost(String),
    /// The database cannot compare an argument with its column (a text with a number, a character it does not
    /// have), so there is no such row.
    NoSuchValue,
    /// The database refused the statement, or its answer cannot be used.
    Refused(String),
}

/// The first column of every row of an answer; `None` for NULL.
pub(super) type Cells = Vec<Option<String>>;

/// One connection.
pub(super) enum Link {
    Postgres(PostgresLink),
    MySql(Box<MySqlLink>),
    Sqlite(SqliteLink),
}

impl Link {
    /// Asks for at most `rows` rows. After `Lost`, or when the future was dropped, the link must not
    /// be used again.
    pub(super) async fn ask(
        &mut self,
        template: &Template,
        arguments: &[&str],
        rows: usize,
    ) -> Result<Cells, LinkError> {
        match self {
            Self::Postgres(link) => link.ask(template, arguments, rows).await,
            Self::MySql(link) => link.ask(template, arguments, rows).await,
            Self::Sqlite(link) => link.ask(template, arguments, rows).await,
        }
    }
}

/// A text of an answer.
pub(super) fn cell(text: &[u8]) -> Result<String, LinkError> {
    if text.len() > CELL_BYTES {
        return Err(LinkError::Refused(format!(
            "the answer has a text of {} bytes, which cannot be an id",
            text.len()
        )));
    }
    std::str::from_utf8(text)
        .map(str::to_owned)
        .map_err(|_| LinkError::Refused("the answer has a text that is not UTF-8".to_owned()))
}

/// A column that has neither texts nor whole numbers.
pub(super) fn wrong_type(name: &str) -> LinkError {
    LinkError::Refused(format!(
        "the first column of the answer is of type {name}; it must be a text or a whole number"
    ))
}
