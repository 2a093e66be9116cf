//! MySQL and MariaDB.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Error, Opts, OptsBuilder, Params, SslOpts, Value};

use super::link::{Cells, LinkError, cell, wrong_type};
use super::template::Template;

/// Largest packet taken from the database, in bytes; a row with ids is far smaller.
const PACKET_BYTES: usize = 1 << 20;
/// Errors that say that a text cannot be compared with its column.
const NO_SUCH_VALUE: [u16; 4] = [
    1267, // illegal mix of collations
    1292, // truncated incorrect value
    1366, // incorrect string value
    3988, // character cannot be converted
];
/// Errors after which the server closes the connection.
const LOST: [u16; 3] = [
    1053, // server shutdown in progress
    1927, // connection was killed
    4031, // disconnected because of inactivity
];

/// Where to connect.
pub(super) struct MySqlServer(Opts);

impl MySqlServer {
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let url = match url.strip_prefix("mariadb:") {
            Some(rest) => format!("mysql:{rest}"),
            None => url.to_owned(),
        };
        // The library's own words may repeat the address, which has a password in it.
        let opts = Opts::from_url(&url)
            .map_err(|_| "it is not of the form mysql://user:password@host:port/database".to_owned())?;
        let tls = opts.ssl_opts().cloned().map(trusting_the_system);
        let opts = OptsBuilder::from_opts(opts)
            .prefer_socket(false)
            .max_allowed_packet(Some(PACKET_BYTES))
            .ssl_opts(tls);
        Ok(Self(opts.into()))
    }

    pub(super) async fn connect(&self) -> Result<MySqlLink, LinkError> {
        match Conn::new(self.0.clone()).await {
            Ok(connection) => Ok(MySqlLink(connection)),
            Err(error) => Err(LinkError::Lost(format!(
                "cannot connect to the external database: {error}"
            ))),
        }
    }
}

/// The certificates that the operating system trusts instead of those compiled in.
fn trusting_the_system(tls: SslOpts) -> SslOpts {
    let mut roots = tls.root_certs().to_vec();
    let system = rustls_native_certs::load_native_certs().certs;
    roots.extend(system.into_iter().map(|certificate| certificate.to_vec().into()));
    tls.with_root_certs(roots).with_disable_built_in_roots(true)
}

/// One connection.
pub(super) struct MySqlLink(Conn);

impl MySqlLink {
    pub(super) async fn ask(
        &mut self,
        template: &Template,
        arguments: &[&str],
        rows: usize,
    ) -> Result<Cells, LinkError> {
        let arguments = template.by_place(arguments);
        let values = arguments
            .into_iter()
            .map(|text| Value::Bytes(text.as_bytes().to_vec()))
            .collect();
        let asking = self.0.exec_iter(template.sql(), Params::Positional(values));
        let mut answer = asking.await.map_err(failure)?;
        let mut cells = Vec::new();
        while cells.len() < rows
            && let Some(row) = answer.next().await.map_err(failure)?
        {
            let value = row.unwrap_raw().into_iter().next().flatten();
            cells.push(value.map_or(Ok(None), text)?);
        }
        if cells.len() < rows || rows == 1 {
            answer.drop_result().await.map_err(failure)?;
        }
        Ok(cells)
    }
}

fn text(value: Value) -> Result<Option<String>, LinkError> {
    match value {
        Value::NULL => Ok(None),
        Value::Int(number) => Ok(Some(number.to_string())),
        Value::UInt(number) => Ok(Some(number.to_string())),
        Value::Bytes(bytes) => cell(&bytes).map(Some),
        Value::Float(_) | Value::Double(_) => Err(wrong_type("floating point")),
        Value::Date(..) | Value::Time(..) => Err(wrong_type("date or time")),
    }
}

fn failure(error: Error) -> LinkError {
    match error {
        Error::Server(error) if NO_SUCH_VALUE.contains(&error.code) => LinkError::NoSuchValue,
        Error::Server(error) if LOST.contains(&error.code) => LinkError::Lost(error.message),
        Error::Server(error) => LinkError::Refused(format!(
            "the external database says {}: {}",
            error.code, error.message
        )),
        error => LinkError::Lost(error.to_string()),
    }
}
