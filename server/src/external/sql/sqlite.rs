//! A SQLite file, opened for reading only. Questions run on threads that may block; one that takes too
//! long is interrupted.

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, InterruptHandle, OpenFlags, params_from_iter};
use sha2::{Digest as _, Sha256};

use super::link::{Cells, LinkError, cell, wrong_type};
use super::template::Template;

/// Where the file is.
pub(super) struct SqliteFile {
    path: PathBuf,
    timeout: Duration,
}

impl SqliteFile {
    pub(super) fn parse(url: &str, timeout: Duration) -> Result<Self, String> {
        let path = url.strip_prefix("sqlite:").unwrap_or(url);
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() {
            return Err("the path of the file is missing: sqlite:///var/lib/app/users.db".to_owned());
        }
        let path = PathBuf::from(path);
        Ok(Self { path, timeout })
    }

    pub(super) async fn connect(&self) -> Result<SqliteLink, LinkError> {
        let (path, timeout) = (self.path.clone(), self.timeout);
        let opening = tokio::task::spawn_blocking(move || open(&path, timeout));
        let opened = opening
            .await
            .map_err(|error| LinkError::Lost(error.to_string()))?;
        opened
            .map(|connection| SqliteLink(Some(connection)))
            .map_err(|error| {
                LinkError::Lost(format!(
                    "cannot open the external database {}: {error}",
                    self.path.display()
                ))
            })
    }
}

fn open(path: &std::path::Path, timeout: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(timeout)?;
    // SQLite itself has no function to hash passwords with.
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("sha256", 1, flags, |context| {
        let text: String = context.get(0)?;
        let digest = Sha256::digest(text.as_bytes());
        Ok(digest
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>())
    })?;
    Ok(connection)
}

/// One connection; `None` while a thread has it.
pub(super) struct SqliteLink(Option<Connection>);

/// Ends a question that nobody waits for any more.
struct Interrupt(Option<InterruptHandle>);

impl Drop for Interrupt {
    fn drop(&mut self) {
        if let Some(handle) = self.0.take() {
            handle.interrupt();
        }
    }
}

impl SqliteLink {
    pub(super) async fn ask(
        &mut self,
        template: &Template,
        arguments: &[&str],
        rows: usize,
    ) -> Result<Cells, LinkError> {
        let lost = || LinkError::Lost("the connection was given up".to_owned());
        let connection = self.0.take().ok_or_else(lost)?;
        let mut interrupt = Interrupt(Some(connection.get_interrupt_handle()));
        let sql = template.sql().to_owned();
        let arguments: Vec<String> = template
            .by_number(arguments)
            .into_iter()
            .map(str::to_owned)
            .collect();
        let asking = tokio::task::spawn_blocking(move || {
            let answer = ask(&connection, &sql, &arguments, rows);
            (connection, answer)
        });
        let (connection, answer) = asking.await.map_err(|error| LinkError::Lost(error.to_string()))?;
        interrupt.0 = None;
        self.0 = Some(connection);
        answer
    }
}

fn ask(connection: &Connection, sql: &str, arguments: &[String], rows: usize) -> Result<Cells, LinkError> {
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    if statement.column_count() == 0 {
        return Err(LinkError::Refused("the statement answers nothing".to_owned()));
    }
    let mut answer = statement.query(params_from_iter(arguments)).map_err(failure)?;
    let mut cells = Vec::new();
    while cells.len() < rows
        && let Some(row) = answer.next().map_err(failure)?
    {
        cells.push(match row.get_ref(0).map_err(failure)? {
            ValueRef::Null => None,
            ValueRef::Integer(number) => Some(number.to_string()),
            ValueRef::Text(text) => Some(cell(text)?),
            ValueRef::Real(_) => return Err(wrong_type("REAL")),
            ValueRef::Blob(_) => return Err(wrong_type("BLOB")),
        });
    }
    Ok(cells)
}

fn failure(error: rusqlite::Error) -> LinkError {
    match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen | ErrorCode::NotADatabase | ErrorCode::SystemIoFailure) => {
            LinkError::Lost(error.to_string())
        }
        _ => LinkError::Refused(format!("the external database says: {error}")),
    }
}
