//! A self-contained, decentralised instant-messaging server. `ARCHITECTURE.md` explains how the
//! modules fit; dependencies go in one direction only: gateway → engine → cluster, store.

pub mod store;
