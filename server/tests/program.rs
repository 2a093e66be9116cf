//! The program as an operator sees it: first start, output, exit codes, commands, signals.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// Cheap password hashes, and nothing from the environment of whoever runs the tests.
fn program(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tim-server"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TIM_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(data.parent().unwrap())
        .env("TIM_PASSWORDS_MEMORY_KIB", "8")
        .env("TIM_PASSWORDS_ITERATIONS", "1")
        .arg("--listen=127.0.0.1:0")
        .arg(format!("--data={}", data.display()));
    command
}

fn finish(command: &mut Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    (
        status.code().unwrap(),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

struct Running {
    child: Child,
    address: SocketAddr,
    /// What was printed before the server was ready.
    printed: String,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut printed = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let address = loop {
            let mut line = String::new();
            if output.read_line(&mut line).unwrap() == 0 {
                let mut errors = String::new();
                child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
                panic!("the server did not start: {printed}{errors}");
            }
            if let Some(address) = line.strip_prefix("listening on ") {
                break address.trim().parse().unwrap();
            }
            printed.push_str(&line);
        };
        Self {
            child,
            address,
            printed,
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(name)
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for the end; answers the exit code and the log.
    fn wait(mut self) -> (i32, String) {
        let mut log = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        (self.child.wait().unwrap().code().unwrap(), log)
    }

    fn stop(self) -> (i32, String) {
        self.signal("-TERM");
        self.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only matters when a test fails half-way; a process that has ended is no error.
        if self.child.kill().is_ok() {
            self.child.wait().unwrap();
        }
    }
}

fn data() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    (folder, data)
}

fn request(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// Registers an account whose name and password would be noticed in a log.
fn register(address: SocketAddr) -> Vec<u8> {
    let body = b"\x8e{\"name\":\"conspicuous-name\",\"pwd\":\"conspicuous-password\"}";
    let mut bytes = format!(
        "POST /tim2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    request(address, &bytes)
}

#[test]
fn the_first_start_makes_keys_and_shows_the_password_once() {
    let (_folder, data) = data();
    let first = Running::start(&mut program(&data));
    assert_eq!(first.printed.matches("password").count(), 1, "{}", first.printed);
    let password = first
        .printed
        .lines()
        .next()
        .unwrap()
        .rsplit(' ')
        .next()
        .unwrap()
        .to_owned();
    assert!(password.len() >= 16);
    let answer = register(first.address);
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    let (code, log) = first.stop();
    assert_eq!(code, 0);
    for secret in [password.as_str(), "conspicuous-name", "conspicuous-password"] {
        assert!(!log.contains(secret), "{log}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data), 0o700);
        assert_eq!(mode(&data.join("master.key")), 0o600);
        assert_eq!(mode(&data.join("admin-password.hash")), 0o600);
    }

    let second = Running::start(&mut program(&data));
    assert_eq!(second.printed, "");
    let again = register(second.address);
    assert!(
        String::from_utf8_lossy(&again).contains("has exist"),
        "the account is still there"
    );
    assert_eq!(second.stop().0, 0);
}

#[test]
fn a_password_that_nobody_could_read_is_not_the_password() {
    let (folder, data) = data();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ready = folder.path().join("ready");
    let mut unseen = program(&data)
        .arg("--ready-file")
        .arg(&ready)
        .stdout(writer)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !ready.exists() {
        assert!(unseen.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    unseen.kill().unwrap();
    unseen.wait().unwrap();
    assert!(!data.join("admin-password.hash").exists());

    let first = Running::start(&mut program(&data));
    assert!(first.printed.contains("password"), "{}", first.printed);
    assert_eq!(first.stop().0, 0);
    let second = Running::start(&mut program(&data));
    assert_eq!(second.printed, "");
    assert_eq!(second.stop().0, 0);
}

#[test]
fn wrong_usage_and_configuration_exit_with_2() {
    let (folder, data) = data();
    assert_eq!(finish(program(&data).arg("--no-such-option")).0, 2);
    let (code, _, errors) = finish(program(&data).env("TIM_LIMITS_CONNECTIONS", "none"));
    assert_eq!(code, 2);
    assert!(
        errors.contains("TIM_LIMITS_CONNECTIONS") && errors.contains("\"none\""),
        "{errors}"
    );
    let file = folder.path().join("own.toml");
    std::fs::write(&file, "[log]\nlevle = \"info\"\n").unwrap();
    let (code, _, errors) = finish(program(&data).arg("-c").arg(&file));
    assert_eq!(code, 2);
    assert!(
        errors.contains("own.toml, line 2") && errors.contains("did you mean \"level\""),
        "{errors}"
    );
    let (code, _, errors) = finish(
        program(&data)
            .env("TIM_TLS_CERTIFICATE", "/no/cert.pem")
            .env("TIM_TLS_KEY", "/no/key.pem"),
    );
    assert_eq!(code, 2);
    assert!(errors.contains("/no/cert.pem"), "{errors}");
    assert!(!data.exists(), "nothing is made by a start that fails");
}

#[test]
fn an_address_in_use_exits_with_3() {
    let (_folder, data) = data();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tim-server"));
    let (code, _, errors) = finish(
        command
            .arg("--listen")
            .arg(&address)
            .arg("--data")
            .arg(&data)
            .current_dir(data.parent().unwrap()),
    );
    assert_eq!(code, 3);
    assert!(
        errors.contains(&address) && errors.contains("listen.client"),
        "{errors}"
    );
    assert!(!data.exists(), "nothing is made by a start that fails");
}

#[test]
fn a_database_that_cannot_be_used_exits_with_4() {
    let (_folder, data) = data();
    let running = Running::start(&mut program(&data));
    let (code, _, errors) = finish(&mut program(&data));
    assert_eq!(code, 4);
    assert!(errors.contains("in use by another server"), "{errors}");
    assert_eq!(running.stop().0, 0);

    let (code, _, errors) = finish(program(&data).env("TIM_MASTER_KEY", "5a".repeat(31) + "00"));
    assert_eq!(code, 4);
    assert!(errors.contains("master key"), "{errors}");
    assert!(!errors.contains("5a5a"), "{errors}");
    std::fs::remove_file(data.join("master.key")).unwrap();
    let (code, _, errors) = finish(&mut program(&data));
    assert_eq!(code, 4);
    assert!(errors.contains("restore it"), "{errors}");
}

#[test]
fn keys_are_shown_and_rotated_while_the_server_is_stopped() {
    let (_folder, data) = data();
    let (code, _, errors) = finish(program(&data).args(["keys", "show"]));
    assert_eq!(code, 4);
    assert!(errors.contains("run the server once"), "{errors}");

    let running = Running::start(&mut program(&data));
    register(running.address);
    let (code, _, errors) = finish(program(&data).args(["keys", "rotate", "--master"]));
    assert_eq!(code, 4);
    assert!(errors.contains("stop the server first"), "{errors}");
    assert_eq!(running.stop().0, 0);

    let master = std::fs::read_to_string(data.join("master.key")).unwrap();
    let (code, output, errors) = finish(program(&data).args(["keys", "rotate"]));
    assert_eq!(code, 0, "{errors}");
    assert!(output.contains("data key 2"), "{output}");
    let (code, _, errors) = finish(program(&data).args(["keys", "rotate", "--master"]));
    assert_eq!(code, 0, "{errors}");
    assert_ne!(std::fs::read_to_string(data.join("master.key")).unwrap(), master);
    let (code, output, _) = finish(program(&data).args(["keys", "show"]));
    assert_eq!(code, 0);
    assert!(output.contains("current     2"), "{output}");
    assert!(!output.contains(master.trim()));

    let running = Running::start(&mut program(&data));
    assert!(String::from_utf8_lossy(&register(running.address)).contains("has exist"));
    assert_eq!(running.stop().0, 0);
}

#[test]
fn the_data_key_is_rotated_by_the_running_server() {
    let (_folder, data) = data();
    let running = Running::start(&mut program(&data));
    register(running.address);
    let process = format!("process {}", running.child.id());
    for key in 2..4 {
        let (code, output, errors) = finish(program(&data).args(["keys", "rotate"]));
        assert_eq!(code, 0, "{errors}");
        assert!(
            output.contains(&format!("data key {key}")) && output.contains(&process),
            "{output}"
        );
        let (code, output, errors) = finish(program(&data).args(["keys", "show"]));
        assert_eq!(code, 0, "{errors}");
        assert!(output.contains(&format!("current     {key}")), "{output}");
    }
    assert!(String::from_utf8_lossy(&register(running.address)).contains("has exist"));
    let (code, log) = running.stop();
    assert_eq!(code, 0);
    assert_eq!(
        log.matches("a new data key encrypts new records").count(),
        2,
        "{log}"
    );

    let running = Running::start(&mut program(&data));
    assert!(String::from_utf8_lossy(&register(running.address)).contains("has exist"));
    assert_eq!(running.stop().0, 0);
}

#[test]
fn a_database_that_something_else_has_open_is_not_rotated() {
    let (_folder, data) = data();
    let running = Running::start(&mut program(&data));
    assert_eq!(running.stop().0, 0);
    // The number that the stopped server left behind is this process now, but it holds no lock.
    std::fs::write(data.join("tim.db.pid"), format!("{}\n", std::process::id())).unwrap();
    let lock = std::fs::File::open(data.join("tim.db.lock")).unwrap();
    lock.lock().unwrap();
    let (code, _, errors) = finish(program(&data).args(["keys", "rotate"]));
    assert_eq!(code, 4);
    assert!(errors.contains("not by a running server"), "{errors}");
    drop(lock);
    let (code, output, _) = finish(program(&data).args(["keys", "show"]));
    assert_eq!(code, 0);
    assert!(output.contains("current     1"), "{output}");
}

#[test]
fn the_configuration_in_force_is_shown_with_its_sources() {
    let (folder, data) = data();
    std::fs::write(folder.path().join("tim.toml"), "[delivery]\nwindow = 9\n").unwrap();
    let (code, output, errors) = finish(program(&data).arg("config"));
    assert_eq!((code, errors.as_str()), (0, ""));
    assert!(output.contains("window = 9  # tim.toml, line 2"), "{output}");
    assert!(output.contains("memory_kib = 8  # environment variable TIM_PASSWORDS_MEMORY_KIB"));
    let (code, output, _) = finish(program(&data).args(["config", "--default"]));
    assert_eq!((code, output.as_str()), (0, include_str!("../tim.toml")));
    assert!(!data.exists());
}

#[test]
fn the_ready_file_appears_with_the_address() {
    let (folder, data) = data();
    let ready = folder.path().join("ready");
    let mut child = program(&data)
        .arg("--ready-file")
        .arg(&ready)
        .env("TIM_STORAGE_KIND", "memory")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
    while !ready.exists() {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    assert_eq!(std::fs::read_to_string(&ready).unwrap().trim(), address);
    assert!(!data.exists(), "memory leaves no trace");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_second_signal_stops_at_once() {
    let (_folder, data) = data();
    let running = Running::start(
        program(&data)
            .env("TIM_PROCESS_SHUTDOWN_TIMEOUT", "1h")
            .env("TIM_LISTEN_HANDSHAKE_TIMEOUT", "1h"),
    );
    // A request that is never finished holds up a stop in good order.
    let mut stream = TcpStream::connect(running.address).unwrap();
    stream
        .write_all(b"POST /tim2 HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
        .unwrap();
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    running.signal("-TERM");
    // The listener is closed once the first signal was seen.
    while TcpStream::connect(running.address).is_ok() {
        std::thread::yield_now();
    }
    running.signal("-INT");
    assert_eq!(running.wait().0, 1);
}

#[test]
fn logs_can_be_json() {
    let (_folder, data) = data();
    let running = Running::start(
        program(&data)
            .env("TIM_LOG_FORMAT", "json")
            .env("TIM_STORAGE_KIND", "memory"),
    );
    let (code, log) = running.stop();
    assert_eq!(code, 0);
    for line in log.lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect(line);
        assert!(
            value["level"].is_string() && value["message"].is_string(),
            "{line}"
        );
    }
    assert!(log.lines().count() > 2);
}

/// Asks for the health of a server until it answers.
fn wait_until_healthy(address: SocketAddr) {
    loop {
        let Ok(mut stream) = TcpStream::connect(address) else {
            continue;
        };
        let sent = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let mut answer = String::new();
        // A socket that finds no place is closed, which may also be seen as a reset.
        if sent.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200") {
            return;
        }
    }
}

#[test]
fn a_server_with_few_open_files_refuses_sockets_and_goes_on() {
    for files in [40, 75] {
        let (_folder, data) = data();
        let server = program(&data);
        let mut limited = Command::new("sh");
        limited
            .arg("-c")
            .arg(format!("ulimit -n {files}; exec \"$0\" \"$@\""))
            .arg(server.get_program());
        limited
            .args(server.get_args())
            .current_dir(data.parent().unwrap());
        limited
            .env("TIM_STORAGE_KIND", "memory")
            .env("TIM_PASSWORDS_MEMORY_KIB", "8");
        let running = Running::start(&mut limited);
        let sockets: Vec<_> = (0..200)
            .map(|_| TcpStream::connect(running.address).unwrap())
            .collect();
        drop(sockets);
        wait_until_healthy(running.address);
        let (code, log) = running.stop();
        assert_eq!(code, 0);
        assert!(log.contains("needs more open files than allowed"), "{log}");
        assert!(
            log.matches("no socket can be accepted").count() <= 1,
            "logged once per interval: {log}"
        );
    }
}
