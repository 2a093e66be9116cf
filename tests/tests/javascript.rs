//! The npm package in Node, against a real server. `cargo xtask test` builds the package before; without it, or without
//! Node, the tests say that they were skipped, and fail in continuous integration.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "functions of tests: a failed expectation is a failed test"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tim_tests::Server;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// The folder of the package, made by `cargo xtask package`, and what runs Node with a global WebSocket.
fn tools() -> Option<(PathBuf, Command)> {
    let folder =
        std::env::var_os("TIM_NPM_PACKAGE").map_or_else(|| target().join("npm/package"), PathBuf::from);
    let missing = match (folder.join("tim.js").exists(), node_major()) {
        (false, _) => "the npm package: `cargo xtask package`",
        (true, None) => "Node",
        (true, Some(major)) => {
            let mut node = Command::new("node");
            if major < 22 {
                node.arg("--experimental-websocket");
            }
            node.arg("--no-warnings");
            return Some((folder, node));
        }
    };
    assert!(std::env::var_os("CI").is_none(), "missing: {missing}");
    eprintln!("SKIPPED: missing: {missing}");
    None
}

fn target() -> PathBuf {
    // A test program is in `debug/deps` of the target folder.
    let program = std::env::current_exe().unwrap();
    program.ancestors().nth(3).unwrap().to_owned()
}

fn node_major() -> Option<u32> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../client-wasm/tests")
        .join(name)
}

#[tokio::test]
async fn the_package_does_in_node_what_the_native_library_does() {
    let Some((folder, mut node)) = tools() else { return };
    let server = Server::start();
    node.arg(script("session.mjs"))
        .arg(folder)
        .arg(format!("ws://{}", server.address()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut node = tokio::process::Command::from(node)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut answers = node.stdin.take().unwrap();
    let mut lines = BufReader::new(node.stdout.take().unwrap()).lines();
    let mut last = String::new();
    let run = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            match line.strip_prefix("ask: ") {
                Some("kill") => server.kill(),
                Some("run") => server.run(),
                _ => {
                    println!("{line}");
                    last = line;
                    continue;
                }
            }
            answers.write_all(b"done\n").await.unwrap();
        }
        node.wait().await.unwrap()
    };
    let status = tokio::time::timeout(std::time::Duration::from_secs(120), run).await;
    assert!(status.expect("the script did not end").success());
    assert_eq!(last, "all is well");
}
