//! Registration, login, password, who am I.

use std::path::Path;

use serde_json::json;
use tim_client::{ErrorCode, RequestError};

use crate::connection::{Account, Purpose};
use crate::failure::Failure;
use crate::{output, password};

pub(crate) async fn register(mut account: Account, save_password: bool) -> Result<(), Failure> {
    let file = account.options().password_file.as_deref();
    let prompt = format!("New password for {}: ", account.name.escape_debug());
    let password = password::fresh(file, "TIM_PASSWORD", &prompt)?;
    let node = account.builder()?.register(&account.name, &password).await?;
    account.profile.node = Some(node.to_string());
    remember(&mut account, save_password.then_some(password.as_str()))
}

pub(crate) async fn login(mut account: Account, save_password: bool) -> Result<(), Failure> {
    // What was saved may be what is wrong.
    account.profile.password = None;
    let password = account.password()?;
    let client = account.connect_with(Purpose::Errand, &password).await?;
    account.profile.node = Some(client.node().to_string());
    client.close().await;
    remember(&mut account, save_password.then_some(password.as_str()))
}

/// Stores the account and makes it the current one.
fn remember(account: &mut Account, password: Option<&str>) -> Result<(), Failure> {
    account.profile.password = password.map(str::to_owned);
    account.save()?;
    account.profiles.set_current(&account.profile_name)?;
    print_identity(account)
}

pub(crate) async fn whoami(mut account: Account) -> Result<(), Failure> {
    // Somebody who only names account and server is not stored, and asks the server.
    if account.profile.node.is_none() {
        let client = account.connect(Purpose::Errand).await?;
        account.profile.node = Some(client.node().to_string());
        client.close().await;
    }
    print_identity(&account)
}

fn print_identity(account: &Account) -> Result<(), Failure> {
    let node = account.profile.node.as_deref().unwrap_or_default();
    if account.options().json {
        let server = account.builder()?.address().to_string();
        let identity = json!({"name": account.name, "node": node, "server": server});
        output::line(&identity.to_string())?;
    } else {
        output::line(node)?;
    }
    Ok(())
}

pub(crate) async fn passwd(mut account: Account, new: Option<&Path>) -> Result<(), Failure> {
    let old = account.password()?;
    let new = password::fresh(new, "TIM_NEW_PASSWORD", "New password: ")?;
    let client = account.connect_with(Purpose::Errand, &old).await?;
    let result = client.change_password(&old, &new).await;
    client.close().await;
    match result {
        Ok(()) => {}
        Err(RequestError::Refused(refusal)) if refusal.is(ErrorCode::ModifyAuth) => {
            return Err(Failure::Refused(
                "the server did not accept the new password".into(),
            ));
        }
        Err(error) => return Err(error.into()),
    }
    if account.profile.password.is_some() {
        account.profile.password = Some(new.to_string());
        account.save()?;
    }
    Ok(())
}
