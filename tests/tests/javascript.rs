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
use std::time::Duration;

use tim_tests::Server;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// Longest time that a script may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The folder of the package, made by `cargo xtask package`.
fn package() -> Option<PathBuf> {
    let folder = target().join("npm/package");
    available(
        folder.join("tim.js").exists(),
        "the npm package: `cargo xtask package`",
    )
    .then_some(folder)
}

/// What runs Node with a global WebSocket.
fn node() -> Option<Command> {
    let major = output(Command::new("node").arg("--version")).and_then(|version| {
        version
            .trim()
            .strip_prefix('v')?
            .split('.')
            .next()?
            .parse::<u32>()
            .ok()
    });
    if !available(major.is_some(), "Node") {
        return None;
    }
    let mut node = Command::new("node");
    if major < Some(22) {
        node.arg("--experimental-websocket");
    }
    node.arg("--no-warnings");
    Some(node)
}

fn available(is_there: bool, what: &str) -> bool {
    if !is_there {
        assert!(std::env::var_os("CI").is_none(), "missing: {what}");
        eprintln!("SKIPPED: missing: {what}");
    }
    is_there
}

/// What a program that succeeds prints.
fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn target() -> PathBuf {
    // A test program is in `debug/deps` of the target folder.
    let program = std::env::current_exe().unwrap();
    program.ancestors().nth(3).unwrap().to_owned()
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../client-wasm")
}

/// The blocks of a language in the read-me, in order.
fn blocks(language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(source().join("README.md")).unwrap();
    text.split(&format!("```{language}\n"))
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_declarations_say_what_there_is() {
    let (Some(folder), Some(mut node)) = (package(), node()) else {
        return;
    };
    succeed(node.arg(source().join("tests/declared.mjs")).arg(folder));
}

/// What needs neither WebAssembly nor a server.
#[test]
fn events_and_shared_fields_are_what_they_should_be() {
    let (Some(folder), Some(_)) = (package(), node()) else {
        return;
    };
    for script in ["events.mjs", "conventions.mjs"] {
        succeed(
            Command::new("node")
                .arg(source().join("tests").join(script))
                .arg(&folder),
        );
    }
}

/// Installs the archive like an application, compiles the examples of the read-me with TypeScript, and builds one with
/// Vite.
#[tokio::test]
async fn the_examples_of_the_read_me_compile_and_build() {
    let (Some(folder), Some(_)) = (package(), node()) else {
        return;
    };
    let project = folder.with_file_name("consumer");
    std::fs::create_dir_all(&project).unwrap();
    for entry in std::fs::read_dir(source().join("tests/consumer")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, project.join(path.file_name().unwrap())).unwrap();
    }
    let archive = format!("tim-im-client-{}.tgz", env!("CARGO_PKG_VERSION"));
    std::fs::copy(
        source().join("../dist/npm").join(archive),
        project.join("tim-im-client.tgz"),
    )
    .unwrap();
    let typescript = blocks("ts");
    let names = ["conversation.ts", "files.ts", "vite.ts", "node.ts"];
    assert_eq!(typescript.len(), names.len());
    for (name, block) in names.iter().zip(typescript) {
        std::fs::write(project.join(name), block).unwrap();
    }
    let [page] = <[String; 1]>::try_from(blocks("js")).unwrap();
    std::fs::write(project.join("page.js"), page).unwrap();
    std::fs::copy(folder.join("tim.d.ts"), project.join("tim.d.ts")).unwrap();

    // What npm remembers of an archive of the same name.
    for stale in ["package-lock.json", "node_modules/.package-lock.json"] {
        let _was_there = std::fs::remove_file(project.join(stale)).is_ok();
    }
    let _was_there = std::fs::remove_dir_all(project.join("node_modules/tim-im-client")).is_ok();
    let mut npm = Command::new("npm");
    npm.args([
        "install",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
        "--prefer-offline",
    ]);
    if !available(
        output(npm.current_dir(&project)).is_some(),
        "npm, or its registry",
    ) {
        return;
    }
    let tool = |name: &str, arguments: &[&str]| {
        let program = project.join("node_modules/.bin").join(name);
        succeed(Command::new(program).args(arguments).current_dir(&project));
    };
    for types in ["tsconfig.json", "tsconfig.node.json", "tsconfig.page.json"] {
        tool("tsc", &["-p", types]);
    }
    tool("vite", &["build", "--logLevel", "warn"]);
    let built = std::fs::read_dir(project.join("dist/assets")).unwrap();
    let size = |extension: &str| -> u64 {
        let files = std::fs::read_dir(project.join("dist/assets")).unwrap();
        files
            .map(|file| file.unwrap())
            .filter(|file| file.path().extension().is_some_and(|found| found == extension))
            .map(|file| file.metadata().unwrap().len())
            .sum()
    };
    assert!(built.count() >= 2);
    assert_eq!(
        size("wasm"),
        std::fs::metadata(folder.join("tim_client_wasm_bg.wasm"))
            .unwrap()
            .len()
    );
    assert!(size("js") > 10_000);

    // With the WebSocket of another package, as where Node has none.
    run("session.mjs", &[&project.join("node_modules/ws/wrapper.mjs")]).await;
}

/// Runs a script, which asks on its output for the server to be killed and started again, to its last line.
async fn run(script: &str, arguments: &[&Path]) {
    let (Some(folder), Some(mut node)) = (package(), node()) else {
        return;
    };
    let server = Server::options()
        .set("directory.users", "true")
        .set("directory.rooms", "true")
        .start();
    node.arg(source().join("tests").join(script))
        .arg(folder)
        .arg(format!("ws://{}", server.address()))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut node = tokio::process::Command::from(node)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut answers = node.stdin.take().unwrap();
    let mut lines = BufReader::new(node.stdout.take().unwrap()).lines();
    let mut last = String::new();
    let conversation = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            match line.strip_prefix("ask: ") {
                Some("kill") => server.kill(),
                Some("run") => server.run(),
                _ => {
                    last = line;
                    continue;
                }
            }
            answers.write_all(b"done\n").await.unwrap();
        }
        node.wait().await.unwrap()
    };
    let status = tokio::time::timeout(PATIENCE, conversation).await;
    assert!(status.expect("the script did not end").success());
    assert_eq!(last, "all is well");
}

#[tokio::test]
async fn the_package_does_in_node_what_the_native_library_does() {
    run("session.mjs", &[]).await;
}

#[tokio::test]
async fn a_session_of_the_http_api_logs_a_program_in_until_it_ends() {
    run("web.mjs", &[]).await;
}
