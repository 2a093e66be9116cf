//! An echo server on the sockets of tim-server, for conformance tests of WebSocket such as the Autobahn TestSuite.
//! `docs/websocket-conformance.md` says how to use it.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use tim_server::config::{ByteSize, Config};
use tim_server::echo::EchoServer;

/// Echoes WebSocket messages at ws://ADDRESS/tim with the sockets, buffers and limits of tim-server.
#[derive(Debug, Parser)]
#[command(name = "ws-echo")]
struct Arguments {
    /// Address and port to listen on.
    #[arg(long, default_value = "127.0.0.1:9001")]
    listen: SocketAddr,
    /// Largest message in bytes; without it the default of limits.max_packet.
    #[arg(long)]
    message_limit: Option<usize>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut config = Config::default();
    config.listen.client = arguments.listen;
    if let Some(limit) = arguments.message_limit {
        config.limits.max_packet = ByteSize(limit);
    }
    let server = match EchoServer::start(config) {
        Ok(server) => server,
        Err(error) => {
            eprintln!("cannot listen on {}: {error}", arguments.listen);
            return ExitCode::FAILURE;
        }
    };
    eprintln!("listening on {}", server.address());
    if let Err(error) = tokio::signal::ctrl_c().await {
        eprintln!("Ctrl-C cannot be waited for: {error}");
    }
    server.shutdown().await;
    ExitCode::SUCCESS
}
