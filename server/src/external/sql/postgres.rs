//! PostgreSQL. Arguments travel as text, so that the server itself brings them to the type of the column they are
//! compared with.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt as _;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::types::{Format, FromSql, IsNull, Kind, ToSql, Type};
use tokio_postgres::{Client, Config, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::task::AbortOnDropHandle;

use super::link::{Cells, LinkError, cell, wrong_type};
use super::template::Template;
use crate::outgoing::{tls, with_causes};

/// Class of the errors that say that a value does not fit its type.
const DATA_EXCEPTION: &str = "22";

/// Where to connect.
pub(super) struct PostgresServer {
    config: Config,
    tls: MakeRustlsConnect,
    timeout: Duration,
}

impl PostgresServer {
    pub(super) fn parse(url: &str, timeout: Duration) -> Result<Self, String> {
        let mut config: Config = url.parse().map_err(|error| with_causes(&error))?;
        config.connect_timeout(timeout).application_name("tim");
        // Servers on this computer mostly have a certificate that nobody signed, and nobody listens in between.
        if !url.contains("sslmode=") && config.get_hosts().iter().all(is_here) {
            config.ssl_mode(SslMode::Disable);
        }
        Ok(Self {
            config,
            tls: MakeRustlsConnect::new(tls()?),
            timeout,
        })
    }

    pub(super) async fn connect(&self) -> Result<PostgresLink, LinkError> {
        let (client, connection) = self.config.connect(self.tls.clone()).await.map_err(lost)?;
        let connection = AbortOnDropHandle::new(tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the external database ended");
            }
        }));
        // What nobody waits for any more must not go on in the database.
        let millis = self.timeout.as_millis().max(1);
        let limit = format!("SET statement_timeout = {millis}");
        client.batch_execute(&limit).await.map_err(lost)?;
        Ok(PostgresLink {
            client,
            statements: HashMap::new(),
            _connection: connection,
        })
    }
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// One connection.
pub(super) struct PostgresLink {
    client: Client,
    statements: HashMap<String, Statement>,
    /// Moves the bytes; ends with the link.
    _connection: AbortOnDropHandle<()>,
}

impl PostgresLink {
    pub(super) async fn ask(
        &mut self,
        template: &Template,
        arguments: &[&str],
        rows: usize,
    ) -> Result<Cells, LinkError> {
        let statement = match self.statements.get(template.sql()) {
            Some(statement) => statement.clone(),
            None => {
                let statement = self.client.prepare(template.sql()).await.map_err(failure)?;
                self.statements
                    .insert(template.sql().to_owned(), statement.clone());
                statement
            }
        };
        let arguments = template.by_number(arguments);
        if statement.columns().is_empty() || statement.params().len() != arguments.len() {
            return Err(LinkError::Refused(
                "the statement answers nothing, or leaves out a parameter".to_owned(),
            ));
        }
        let arguments = arguments.into_iter().map(AsText);
        let answer = self
            .client
            .query_raw(&statement, arguments)
            .await
            .map_err(failure)?;
        let mut answer = std::pin::pin!(answer);
        let mut cells = Vec::new();
        while let Some(row) = answer.next().await {
            let row = row.map_err(failure)?;
            let Cell(text) = row.try_get(0).map_err(failure)?;
            cells.push(text.transpose()?);
            if cells.len() == rows {
                break;
            }
        }
        Ok(cells)
    }
}

/// An argument in its text form, whatever its type.
#[derive(Debug)]
struct AsText<'a>(&'a str);

type Failure = Box<dyn std::error::Error + Sync + Send>;

impl ToSql for AsText<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        self.to_sql(kind, out)
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }
}

/// The first column of a row.
struct Cell(Option<Result<String, LinkError>>);

impl<'a> FromSql<'a> for Cell {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        let text = match *kind {
            Type::INT2 => Ok(i16::from_sql(kind, raw)?.to_string()),
            Type::INT4 => Ok(i32::from_sql(kind, raw)?.to_string()),
            Type::INT8 => Ok(i64::from_sql(kind, raw)?.to_string()),
            Type::BOOL => Ok(if bool::from_sql(kind, raw)? { "1" } else { "0" }.to_owned()),
            Type::UUID => uuid(raw),
            // Filled up with blanks.
            Type::BPCHAR => cell(raw.trim_ascii_end()),
            Type::TEXT | Type::VARCHAR | Type::NAME | Type::UNKNOWN => cell(raw),
            _ if matches!(kind.kind(), Kind::Enum(_)) || kind.name() == "citext" => cell(raw),
            _ => Err(wrong_type(kind.name())),
        };
        Ok(Self(Some(text)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Failure> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn uuid(raw: &[u8]) -> Result<String, LinkError> {
    let mut text = String::with_capacity(36);
    for (at, byte) in raw.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    cell(text.as_bytes())
}

fn lost(error: tokio_postgres::Error) -> LinkError {
    LinkError::Lost(format!(
        "cannot connect to the external database: {}",
        with_causes(&error)
    ))
}

fn failure(error: tokio_postgres::Error) -> LinkError {
    match error.code() {
        Some(code) if code.code().starts_with(DATA_EXCEPTION) => LinkError::NoSuchValue,
        // The details of the error may repeat values of the question.
        Some(code) => {
            let message = error
                .as_db_error()
                .map_or("", tokio_postgres::error::DbError::message);
            LinkError::Refused(format!("the external database says {}: {message}", code.code()))
        }
        None => LinkError::Lost(with_causes(&error)),
    }
}
