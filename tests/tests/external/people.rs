//! Logging in with names and passwords that somebody else keeps.

use tim_protocol::wire::{TimAck, TimAuth};
use tim_tests::{Client, Encoding, ErrorCode, PacketType, Server};

/// A login.
pub(crate) fn auth(name: &str, password: &str, device: &str) -> TimAuth {
    TimAuth {
        name: Some(name.to_owned()),
        pwd: Some(password.to_owned()),
        resource: Some(device.to_owned()),
        ..TimAuth::default()
    }
}

/// Logs in on the device `phone`.
pub(crate) async fn login(server: &Server, encoding: Encoding, name: &str, password: &str) -> Client {
    login_on(server, encoding, name, password, "phone").await
}

/// Logs in on a device.
pub(crate) async fn login_on(
    server: &Server,
    encoding: Encoding,
    name: &str,
    password: &str,
    device: &str,
) -> Client {
    let mut client = Client::connect(server.address(), encoding).await;
    client.log_in(&auth(name, password, device)).await;
    client
}

/// A login that must be refused with that code; the answer.
pub(crate) async fn refused_login(server: &Server, auth: &TimAuth, code: ErrorCode) -> TimAck {
    let mut client = Client::connect(server.address(), Encoding::Compact).await;
    client.authenticate(auth).await.refusal(PacketType::Auth, code)
}

/// A TOML text.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
