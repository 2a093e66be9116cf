//! Client SDK for tim instant-messaging servers.
