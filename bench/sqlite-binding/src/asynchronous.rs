//! Group commits through sqlx: the asynchronous interface on a current-thread runtime, which
//! hands every statement to the worker thread of the connection. Either one call per row or
//! one call per up to 64 rows.

use std::path::Path;

use anyhow::Result;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqlSafeStr, SqlStr, SqliteConnection};

use crate::workload::{INSERT_INBOX, INSERT_MESSAGE, Row, TABLES, multi_row};

/// A database opened through sqlx.
pub struct Asynchronous {
    connection: SqliteConnection,
    rows_per_call: usize,
    message: SqlStr,
    inbox: SqlStr,
}

impl Asynchronous {
    /// `rows_per_call` must divide the batch size of every later commit.
    pub async fn open(file: &Path, rows_per_call: usize) -> Result<Self> {
        let mut connection = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging()
            .connect()
            .await?;
        for table in TABLES {
            sqlx::query(table).execute(&mut connection).await?;
        }
        Ok(Self {
            connection,
            rows_per_call,
            message: AssertSqlSafe(multi_row(INSERT_MESSAGE, rows_per_call)).into_sql_str(),
            inbox: AssertSqlSafe(multi_row(INSERT_INBOX, rows_per_call)).into_sql_str(),
        })
    }

    /// Writes all rows in one transaction.
    pub async fn commit(&mut self, rows: &[Row]) -> Result<()> {
        let mut transaction = self.connection.begin().await?;
        for chunk in rows.chunks(self.rows_per_call) {
            let mut message = sqlx::query(self.message.clone());
            for row in chunk {
                message = message
                    .bind(row.slot)
                    .bind(&row.conversation[..])
                    .bind(row.mid)
                    .bind(row.key_id)
                    .bind(&row.body);
            }
            message.execute(&mut *transaction).await?;
            let mut inbox = sqlx::query(self.inbox.clone());
            for row in chunk {
                inbox = inbox
                    .bind(row.inbox_slot)
                    .bind(&row.owner)
                    .bind(row.seq)
                    .bind(&row.conversation[..])
                    .bind(row.mid);
            }
            inbox.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Number of messages in the database.
    pub async fn count(&mut self) -> Result<u64> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM message")
            .fetch_one(&mut self.connection)
            .await?;
        Ok(count as u64)
    }
}
