//! `tim-server admin`: says who manages the server.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Read as _};
use std::time::SystemTime;

use anyhow::{Context as _, anyhow};
use tim_protocol::error_code::ErrorCode;
use tim_server::admin::access::Role;
use tim_server::admin::audit::{self, Happened};
use tim_server::admin::operators::{self, Operator};
use tim_server::config::Config;
use tim_server::engine::passwords::Passwords;
use tim_server::store::{Store, Timestamp};

use super::account::{Answer, Request, carry_out};
use super::keys::runtime;
use super::{Failure, print};

/// Longest password that is read.
const PASSWORD_BYTES: u64 = 4 << 10;

/// Lets somebody manage the server.
pub(crate) fn create(config: &Config, name: &str, role: Role, domain: Option<String>) -> Result<(), Failure> {
    let usage = |reason: String| Failure::new(2, anyhow!(reason));
    if !operators::is_name(name) {
        return Err(usage("a name has letters, digits and . _ - @".to_owned()));
    }
    let password = read_password().map_err(|error| Failure::new(2, error))?;
    if !operators::is_password(&password, config.accounts.max_password_bytes) {
        return Err(usage(format!(
            "a password has at least {} characters",
            operators::SHORTEST_PASSWORD
        )));
    }
    let passwords = Passwords::start(&config.engine_settings().passwords).map_err(usage)?;
    let hash = runtime()?.block_on(passwords.hash(&password));
    let operator = Operator {
        role,
        domain,
        password_hash: hash.map_err(|error| Failure::new(1, error))?,
        totp: None,
        disabled: false,
        created: Timestamp::from_system(SystemTime::now()).0,
    };
    let request = Request::NewOperator {
        name: name.to_owned(),
        operator,
    };
    let name = carry_out(config, &request)?;
    print(&format!("{name} manages the server now\n"))
}

fn read_password() -> anyhow::Result<String> {
    let input = std::io::stdin();
    if input.is_terminal() {
        return rpassword::prompt_password("Password: ").context("reading the password");
    }
    let mut text = String::new();
    input
        .take(PASSWORD_BYTES)
        .read_to_string(&mut text)
        .context("reading the password")?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Stores the record, in a stopped server's database or for the running server.
pub(super) async fn perform(store: &dyn Store, name: &str, operator: &Operator) -> Answer {
    let happened = Happened {
        who: "command".to_owned(),
        from: String::new(),
        call: "createOperator".to_owned(),
        about: BTreeMap::from([("name".to_owned(), name.to_owned())]),
        status: 201,
        refusal: None,
    };
    let inserted = match operators::insert(store, name, operator).await {
        Ok(()) => audit::append(store, Timestamp::from_system(SystemTime::now()), &happened).await,
        Err(code) => Err(code),
    };
    match inserted {
        Ok(_) => Answer::Done {
            name: name.to_owned(),
        },
        Err(ErrorCode::HasExist) => {
            Answer::Failed("somebody of that name manages the server already".to_owned())
        }
        Err(code) => Answer::Failed(code.info().to_owned()),
    }
}
