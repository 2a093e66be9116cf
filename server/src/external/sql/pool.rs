//! A bounded number of connections to the operator's database, made when they are needed. A question
//! that takes too long gives up its connection and holds up nobody else.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::link::{Cells, Link, LinkError};
use super::mysql::MySqlServer;
use super::postgres::PostgresServer;
use super::sqlite::SqliteFile;
use super::template::{Dialect, Template};
use crate::engine::external::OutsideError;

/// Makes connections.
enum Server {
    Postgres(Box<PostgresServer>),
    MySql(Box<MySqlServer>),
    Sqlite(SqliteFile),
}

impl Server {
    fn parse(url: &str, timeout: Duration) -> Result<Self, String> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => {
                PostgresServer::parse(url, timeout).map(|server| Self::Postgres(Box::new(server)))
            }
            Some("mysql" | "mariadb") => MySqlServer::parse(url).map(|server| Self::MySql(Box::new(server))),
            Some("sqlite") => SqliteFile::parse(url, timeout).map(Self::Sqlite),
            _ => Err("it must begin with postgres://, mysql://, mariadb:// or sqlite:".to_owned()),
        }
    }

    async fn connect(&self) -> Result<Link, LinkError> {
        match self {
            Self::Postgres(server) => server.connect().await.map(Link::Postgres),
            Self::MySql(server) => server.connect().await.map(|link| Link::MySql(Box::new(link))),
            Self::Sqlite(file) => file.connect().await.map(Link::Sqlite),
        }
    }
}

/// The connections.
pub(super) struct Pool {
    server: Server,
    idle: Mutex<Vec<Link>>,
    places: Semaphore,
    timeout: Duration,
}

impl Pool {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// The address cannot be understood. What it says is not repeated: it has a password in it.
    pub(super) fn new(url: &str, connections: usize, timeout: Duration) -> Result<Self, String> {
        let server =
            Server::parse(url, timeout).map_err(|reason| format!("external.database_url: {reason}"))?;
        Ok(Self {
            server,
            idle: Mutex::default(),
            places: Semaphore::new(connections),
            timeout,
        })
    }

    pub(super) fn dialect(&self) -> Dialect {
        match self.server {
            Server::Postgres(_) => Dialect::Postgres,
            Server::MySql(_) => Dialect::MySql,
            Server::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Asks for at most `rows` rows. Waiting for a connection counts.
    pub(super) async fn ask(
        &self,
        template: &Template,
        arguments: &[&str],
        rows: usize,
    ) -> Result<Cells, OutsideError> {
        let in_place = async {
            let _place = self
                .places
                .acquire()
                .await
                .map_err(|_| LinkError::Refused("closed".to_owned()))?;
            self.ask_in_place(template, arguments, rows).await
        };
        match tokio::time::timeout(self.timeout, in_place).await {
            Ok(Ok(cells)) => Ok(cells),
            Ok(Err(LinkError::NoSuchValue)) => Ok(Vec::new()),
            Ok(Err(LinkError::Lost(reason) | LinkError::Refused(reason))) => Err(OutsideError(reason)),
            Err(_) => Err(OutsideError(format!(
                "the database gave no answer within {:?}",
                self.timeout
            ))),
        }
    }

    async fn ask_in_place(
        &self,
        template: &Template,
        arguments: &[&str],
        rows: usize,
    ) -> Result<Cells, LinkError> {
        let idle = self.idle.lock().pop();
        // While it was idle the database may have closed it; then a new one gets the question.
        if let Some(link) = idle {
            match self.ask_on(link, template, arguments, rows).await {
                Err(LinkError::Lost(_)) => self.idle.lock().clear(),
                other => return other,
            }
        }
        let link = self.server.connect().await?;
        self.ask_on(link, template, arguments, rows).await
    }

    /// A link whose answer was not read to its end is dropped.
    async fn ask_on(
        &self,
        mut link: Link,
        template: &Template,
        arguments: &[&str],
        rows: usize,
    ) -> Result<Cells, LinkError> {
        let answer = link.ask(template, arguments, rows).await;
        let is_usable = match &answer {
            Ok(cells) => cells.len() < rows || rows == 1,
            Err(LinkError::NoSuchValue) => true,
            Err(LinkError::Lost(_) | LinkError::Refused(_)) => false,
        };
        if is_usable {
            self.idle.lock().push(link);
        }
        answer
    }
}
