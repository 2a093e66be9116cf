//! Databases of each kind, started for one test on loopback in a folder of its own and ended with it.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{Gid, Uid, chown};
use tempfile::TempDir;

/// How long a database may take to start.
const START: Duration = Duration::from_secs(60);

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// A file.
    Sqlite,
    /// `postgres`.
    Postgres,
    /// `mariadbd`, which speaks the protocol of MySQL.
    MariaDb,
}

/// A running database.
pub(crate) struct Database {
    engine: Engine,
    port: u16,
    server: Option<Child>,
    folder: TempDir,
}

impl Database {
    /// Starts a database. `None`: it is not installed, which is said, and is a failure in CI.
    pub(crate) fn start(engine: Engine) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let mut database = Self {
            engine,
            port,
            server: None,
            folder,
        };
        let started = match engine {
            Engine::Sqlite => true,
            Engine::Postgres => database.start_postgres(),
            Engine::MariaDb => database.start_mariadb(),
        };
        if !started {
            assert!(
                std::env::var_os("CI").is_none(),
                "{engine:?} is not installed; in CI nothing is skipped"
            );
            eprintln!("SKIPPED: {engine:?} is not installed");
            return None;
        }
        Some(database)
    }

    /// Its address as the server is told.
    pub(crate) fn url(&self) -> String {
        match self.engine {
            Engine::Sqlite => format!("sqlite://{}", self.file().display()),
            Engine::Postgres => format!("postgres://tim@127.0.0.1:{}/postgres", self.port),
            Engine::MariaDb => format!("mysql://tim:tim@127.0.0.1:{}/tim", self.port),
        }
    }

    /// The address of another database of the same PostgreSQL.
    pub(crate) fn url_of(&self, name: &str) -> String {
        assert_eq!(self.engine, Engine::Postgres);
        format!("postgres://tim@127.0.0.1:{}/{name}", self.port)
    }

    /// Runs a statement in another database of the same PostgreSQL.
    pub(crate) fn run_in(&self, name: &str, sql: &str) {
        assert_eq!(self.engine, Engine::Postgres);
        succeed(&mut self.psql(name, sql));
    }

    /// Runs statements, each on its own.
    pub(crate) fn run(&self, statements: &[&str]) {
        for sql in statements {
            match self.engine {
                Engine::Sqlite => {
                    rusqlite::Connection::open(self.file())
                        .and_then(|connection| connection.execute_batch(sql))
                        .unwrap();
                }
                Engine::Postgres => succeed(&mut self.psql("postgres", sql)),
                Engine::MariaDb => succeed(&mut self.mariadb("tim", sql)),
            }
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("users.db")
    }

    fn start_postgres(&mut self) -> bool {
        let (Some(initdb), Some(postgres)) = (program("initdb"), program("postgres")) else {
            return false;
        };
        let data = self.folder.path().join("data");
        let user = unprivileged("postgres", self.folder.path());
        let mut init = Command::new(initdb);
        init.args([
            "-U",
            "tim",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ])
        .arg(&data);
        succeed(run_as(&mut init, user));
        let mut server = Command::new(postgres);
        server
            .arg("-D")
            .arg(&data)
            .args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "fsync=off", "-c", "max_connections=40", "-k"])
            .arg(self.folder.path());
        self.server = Some(quiet(run_as(&mut server, user)).spawn().unwrap());
        self.wait(|database| database.psql("postgres", "SELECT 1"));
        true
    }

    fn psql(&self, name: &str, sql: &str) -> Command {
        let mut command = Command::new(program("psql").expect("psql comes with PostgreSQL"));
        command.env("PGCLIENTENCODING", "UTF8").args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-U",
            "tim",
            "-d",
            name,
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            sql,
        ]);
        command
    }

    fn start_mariadb(&mut self) -> bool {
        let (Some(install), Some(mariadbd)) = (program("mariadb-install-db"), program("mariadbd")) else {
            return false;
        };
        let data = self.folder.path().join("data");
        let user = unprivileged("mysql", self.folder.path());
        let mut init = Command::new(install);
        // A starting server removes what looks like its leftovers from the folder for temporary files.
        init.env("TMPDIR", self.folder.path())
            .args([
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ])
            .arg(format!("--datadir={}", data.display()));
        if user.is_some() {
            init.arg("--user=mysql");
        }
        succeed(&mut init);
        let mut server = Command::new(mariadbd);
        server
            .env("TMPDIR", self.folder.path())
            .args([
                "--no-defaults",
                "--bind-address=127.0.0.1",
                "--character-set-server=utf8mb4",
            ])
            .arg("--innodb-flush-log-at-trx-commit=0")
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--port={}", self.port))
            .arg(format!("--pid-file={}", data.join("pid").display()))
            .arg(format!(
                "--socket={}",
                self.folder.path().join("socket").display()
            ));
        self.server = Some(quiet(run_as(&mut server, user)).spawn().unwrap());
        self.wait(|database| database.mariadb("", "SELECT 1"));
        for sql in [
            "CREATE DATABASE tim CHARACTER SET utf8mb4",
            "CREATE USER tim@'%' IDENTIFIED BY 'tim'",
            "GRANT ALL ON tim.* TO tim@'%'",
        ] {
            succeed(&mut self.mariadb("", sql));
        }
        true
    }

    fn mariadb(&self, name: &str, sql: &str) -> Command {
        let mut command = Command::new(program("mariadb").expect("mariadb comes with mariadbd"));
        command.args([
            "--no-defaults",
            "--default-character-set=utf8mb4",
            "-h127.0.0.1",
            "-uroot",
        ]);
        command.arg(format!("-P{}", self.port)).args(["-e", sql]);
        if !name.is_empty() {
            command.arg(name);
        }
        command
    }

    fn wait(&mut self, question: impl Fn(&Self) -> Command) {
        let end = Instant::now() + START;
        loop {
            let is_up = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
                && quiet(&mut question(self))
                    .status()
                    .is_ok_and(|status| status.success());
            if is_up {
                return;
            }
            let ended = self.server.as_mut().and_then(|server| server.try_wait().unwrap());
            assert_eq!(ended, None, "{:?} does not start", self.engine);
            assert!(Instant::now() < end, "{:?} does not answer", self.engine);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            // Nothing in it is needed any more.
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }
}

/// A program in the search path, or where packages put the programs of PostgreSQL.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let packaged = versions.flatten().map(|version| version.path().join("bin"));
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into()])
        .chain(packaged)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// Databases refuse to run as root. The account that their package made gets the folder.
fn unprivileged(account: &str, folder: &Path) -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = accounts
        .lines()
        .find(|line| line.split(':').next() == Some(account))
        .unwrap_or_else(|| panic!("there is no account {account} to run the database as"));
    let mut numbers = line.split(':').skip(2).map(|number| number.parse().unwrap());
    let (uid, gid) = (
        numbers.next().unwrap(),
        line.split(':').nth(3).unwrap().parse().unwrap(),
    );
    chown(folder, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))).unwrap();
    Some((uid, gid))
}

fn run_as(command: &mut Command, user: Option<(u32, u32)>) -> &mut Command {
    if let Some((uid, gid)) = user {
        command.gid(gid).uid(uid);
    }
    command
}

fn quiet(command: &mut Command) -> &mut Command {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
}

fn succeed(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
