//! `POST /tim2`: registration and tokens, one packet in, one packet out (wire-protocol 2.3).

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tim_protocol::error_code::ErrorCode;
use tim_protocol::packet::{ClientPacket, PacketType, server_packet};
use tim_protocol::wire::{TimAck, TimAuth};

use super::backend::Backend;
use crate::engine::accounts::NotServed;

/// Answers one request. `limit` bounds its body in bytes, `time` how long the body may take.
pub(super) async fn answer<B: Backend>(
    backend: &B,
    from: IpAddr,
    request: Request<Body>,
    limit: usize,
    time: Duration,
) -> Response {
    let body = match read_body(request, limit, time).await {
        Ok(body) => body,
        Err(status) => return status.into_response(),
    };
    let Some(packet) = ClientPacket::parse(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let kind = match packet.packet_type() {
        Some(kind @ (PacketType::Register | PacketType::Token)) => kind,
        _ => return StatusCode::BAD_REQUEST.into_response(),
    };
    if !backend.serves(kind) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let ack = match packet.decode::<TimAuth>() {
        Err(_) => Ok(TimAck::refusal(kind, ErrorCode::Params)),
        Ok(auth) if kind == PacketType::Register => backend.register(from, auth).await,
        Ok(auth) => backend.token(from, auth).await,
    };
    match ack {
        Ok(ack) => server_packet(PacketType::Ack, packet.encoding, &ack).into_response(),
        Err(NotServed::Overloaded) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(NotServed::Disabled) => StatusCode::FORBIDDEN.into_response(),
    }
}

async fn read_body(request: Request<Body>, limit: usize, time: Duration) -> Result<Bytes, StatusCode> {
    let body = Limited::new(request.into_body(), limit);
    match tokio::time::timeout(time, body.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}
