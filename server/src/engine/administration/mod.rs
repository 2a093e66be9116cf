//! What only those who manage the server may do: accounts without registration, logins without a password,
//! acting in the name of an account, system messages, reading and deleting of histories. Who may ask is
//! decided by the management API; everything takes the same ways as what clients do themselves.

mod accounts;
mod agent;
mod histories;
mod messages;

pub use accounts::Device;
pub use messages::{Delivered, Sent};
