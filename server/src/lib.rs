//! A self-contained, decentralised instant-messaging server.
