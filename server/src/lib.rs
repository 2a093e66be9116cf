//! A self-contained, decentralised instant-messaging server. `ARCHITECTURE.md` explains how the
//! modules fit; dependencies go in one direction only: gateway → engine → cluster, store, blobs.

pub mod admin;
mod admin_password;
pub mod blobs;
pub mod cluster;
pub mod config;
pub mod echo;
pub mod engine;
mod external;
pub mod gateway;
mod outgoing;
mod server;
pub mod store;
mod web;

pub use admin_password::{AdminPasswordError, NewAdminPassword};
pub use server::{
    MASTER_KEY_VARIABLE, RunningServer, Server, StartError, TlsError, database_path, master_key_source,
};
