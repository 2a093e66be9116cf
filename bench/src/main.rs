//! The `tim-bench` program: runs scenarios against a server, checks budgets, renders tables.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Parser, Subcommand};
use tim_bench::machine::{self, Machine};
use tim_bench::report::{Report, ScenarioReport};
use tim_bench::scenario::Bench;
use tim_bench::scenario::chat_max::ChatMax;
use tim_bench::scenario::chat_rate::ChatRate;
use tim_bench::scenario::idle::Idle;
use tim_bench::scenario::joins::Joins;
use tim_bench::scenario::login_storm::LoginStorm;
use tim_bench::scenario::mixed::Mixed;
use tim_bench::scenario::offline_drain::OfflineDrain;
use tim_bench::scenario::overload::Overload;
use tim_bench::scenario::presence_storm::PresenceStorm;
use tim_bench::scenario::room_fanout::RoomFanout;
use tim_bench::scenario::room_max::RoomMax;
use tim_bench::scenario::soak::Soak;
use tim_bench::scenario::startup::Startup;
use tim_bench::scenario::stream::Stream;
use tim_bench::server_process::Host;
use tim_bench::{budget, render};

/// How long stragglers may take. Longer than the server's repetition of an unacknowledged
/// delivery, so that a lost one shows as repeated and not as late.
const SETTLE_LIMIT: Duration = Duration::from_secs(35);

/// Load generator of tim.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    action: Action,
}

/// What is measured and how often.
#[derive(Debug, Args)]
struct Target {
    /// The server's binary, built with --release.
    #[arg(long, global = true, default_value = "target/release/tim-server")]
    server_bin: PathBuf,
    /// Attach to a running server instead: its client listener, as in 127.0.0.1:20003.
    #[arg(long, global = true, requires = "pid", value_name = "ADDRESS")]
    url: Option<String>,
    /// Process of the running server.
    #[arg(long, global = true, requires = "url")]
    pid: Option<u32>,
    /// Trials of each scenario; the median counts.
    #[arg(long, global = true, default_value_t = 3)]
    trials: usize,
    /// Write the report as JSON to this file.
    #[arg(long, global = true, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Folder for data directories; must be on a disk. Default: the system's temporary folder.
    #[arg(long, global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Core of the server.
    #[arg(long, global = true, default_value_t = 0)]
    server_core: usize,
    /// Core of the generator.
    #[arg(long, global = true, default_value_t = 1)]
    own_core: usize,
    /// Bind neither server nor generator to a core.
    #[arg(long, global = true)]
    no_pin: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Memory of idle authenticated connections.
    Idle(Idle),
    /// Memory of an empty server, time until ready.
    Startup(Startup),
    /// Logins by password and by token while others chat.
    LoginStorm(LoginStorm),
    /// One-to-one messages at a fixed rate.
    ChatRate(ChatRate),
    /// One-to-one messages at the highest rate.
    ChatMax(ChatMax),
    /// Time to fetch a full offline queue.
    OfflineDrain(OfflineDrain),
    /// Messages to a large room: when has its last member got each?
    RoomFanout(RoomFanout),
    /// Deliveries to members of rooms at the highest rate.
    RoomMax(RoomMax),
    /// Durable joins, and the list of the members of a large room.
    Joins(Joins),
    /// Megabytes a second to a hundred subscribers of a virtual room.
    Stream(Stream),
    /// Thousands of people go online and tell their friends while others chat.
    PresenceStorm(PresenceStorm),
    /// Everything at once for a minute.
    Mixed(Mixed),
    /// Twice the load that the server can take.
    Overload(Overload),
    /// Millions of deliveries while members join, leave and are cut off. The exit code is 1 when
    /// anybody saw anything but the messages of the time of their membership.
    Soak(Soak),
    /// All scenarios but soak with their default parameters.
    All,
    /// Checks the budgets: of a report, or of a new run of the scenarios that have one. The
    /// exit code is 1 when a budget is missed or a message was lost, doubled or reordered.
    Check {
        /// A report from an earlier run.
        #[arg(long, value_name = "FILE")]
        results: Option<PathBuf>,
    },
    /// Prints the tables of a report in markdown.
    Render {
        /// The report.
        results: PathBuf,
        /// Put them between the markers of this document instead.
        #[arg(long, value_name = "DOCUMENT")]
        into: Option<PathBuf>,
    },
}

/// The default parameters of a scenario, as on the command line without options.
fn defaults<A: Args>() -> Result<A> {
    let command = A::augment_args(clap::Command::new("defaults"));
    let matches = command
        .try_get_matches_from(["defaults"])
        .context("default parameters")?;
    A::from_arg_matches(&matches).context("default parameters")
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

/// Progress and errors; standard output is for results.
fn say(line: &str) {
    // There is nobody left to tell when standard error is closed.
    drop(writeln!(std::io::stderr(), "{line}"));
}

fn print(text: &str) -> Result<()> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("writing the result")
}

fn run(cli: Cli) -> Result<ExitCode> {
    match &cli.action {
        Action::Render { results, into } => {
            let text = render::markdown(&Report::load(results)?);
            let Some(document) = into else {
                print(&text)?;
                return Ok(ExitCode::SUCCESS);
            };
            let old = std::fs::read_to_string(document)
                .with_context(|| format!("reading {}", document.display()))?;
            std::fs::write(document, render::replace_part(&old, &text)?)
                .with_context(|| format!("writing {}", document.display()))?;
            Ok(ExitCode::SUCCESS)
        }
        Action::Check {
            results: Some(results),
        } => verdict(&Report::load(results)?),
        Action::Check { results: None } => {
            let report = measure(&cli.target, &cli.action)?;
            verdict(&report)
        }
        Action::Soak(_) => {
            let report = measure(&cli.target, &cli.action)?;
            print(&render::markdown(&report))?;
            let violated = report
                .scenarios
                .iter()
                .any(|soak| soak.violations().next().is_some());
            Ok(ExitCode::from(u8::from(violated)))
        }
        _ => {
            let report = measure(&cli.target, &cli.action)?;
            print(&render::markdown(&report))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn verdict(report: &Report) -> Result<ExitCode> {
    let failures = budget::failures(report);
    if failures.is_empty() {
        print("all budgets met\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    for failure in failures {
        print(&format!("missed: {failure}\n"))?;
    }
    Ok(ExitCode::from(1))
}

/// Runs the scenarios of `action` and writes the report where `--out` says.
fn measure(target: &Target, action: &Action) -> Result<Report> {
    let folder = data_folder(target)?;
    // Before binding to a core, after which there seems to be only one.
    let machine = Machine::inspect(&folder)?;
    let bench = prepare(target, folder)?;
    let mut report = Report {
        generator: env!("CARGO_PKG_VERSION").to_owned(),
        server: bench.host.version(),
        commit: commit(),
        command: command(),
        placement: placement(&bench.host),
        machine,
        scenarios: Vec::new(),
    };
    let mut done = |scenario: ScenarioReport| -> Result<()> {
        report.scenarios.push(scenario);
        // After each scenario, so that a later failure does not cost the earlier results.
        target.out.as_deref().map_or(Ok(()), |file| report.store(file))
    };
    match action {
        Action::Idle(idle) => done(idle.run(&bench)?)?,
        Action::Startup(startup) => done(startup.run(&bench)?)?,
        Action::LoginStorm(storm) => done(storm.run(&bench)?)?,
        Action::ChatRate(chat) => done(chat.run(&bench)?)?,
        Action::ChatMax(chat) => done(chat.run(&bench)?)?,
        Action::OfflineDrain(drain) => done(drain.run(&bench)?)?,
        Action::RoomFanout(rooms) => rooms.run(&bench)?.into_iter().try_for_each(done)?,
        Action::RoomMax(rooms) => rooms.run(&bench)?.into_iter().try_for_each(done)?,
        Action::Joins(joins) => done(joins.run(&bench)?)?,
        Action::Stream(stream) => done(stream.run(&bench)?)?,
        Action::PresenceStorm(storm) => done(storm.run(&bench)?)?,
        Action::Mixed(mixed) => done(mixed.run(&bench)?)?,
        Action::Overload(overload) => done(overload.run(&bench)?)?,
        Action::Soak(soak) => done(soak.run(&bench)?)?,
        Action::All | Action::Check { .. } => {
            done(defaults::<Startup>()?.run(&bench)?)?;
            done(defaults::<ChatRate>()?.run(&bench)?)?;
            done(defaults::<ChatMax>()?.run(&bench)?)?;
            done(defaults::<OfflineDrain>()?.run(&bench)?)?;
            done(defaults::<Idle>()?.run(&bench)?)?;
            let fanout = defaults::<RoomFanout>()?.run(&bench)?;
            fanout.into_iter().try_for_each(&mut done)?;
            let max = defaults::<RoomMax>()?.run(&bench)?;
            max.into_iter().try_for_each(&mut done)?;
            done(defaults::<Joins>()?.run(&bench)?)?;
            done(defaults::<Stream>()?.run(&bench)?)?;
            done(defaults::<PresenceStorm>()?.run(&bench)?)?;
            done(defaults::<Overload>()?.run(&bench)?)?;
            if matches!(action, Action::All) {
                done(defaults::<Mixed>()?.run(&bench)?)?;
                done(defaults::<LoginStorm>()?.run(&bench)?)?;
            }
        }
        Action::Render { .. } => bail!("rendering measures nothing"),
    }
    Ok(report)
}

fn data_folder(target: &Target) -> Result<PathBuf> {
    let folder = target.data.clone().unwrap_or_else(std::env::temp_dir);
    require_disk(&folder)?;
    std::path::absolute(&folder).context("the folder for data directories")
}

fn prepare(target: &Target, parent: PathBuf) -> Result<Bench> {
    ensure!(target.trials > 0, "--trials must be at least 1");
    Ok(Bench {
        host: host(target)?,
        parent,
        trials: target.trials,
        run: format!("bench-{:x}-{:x}", std::process::id(), seconds_since_epoch()),
        progress: say,
        settle: SETTLE_LIMIT,
    })
}

fn host(target: &Target) -> Result<Host> {
    let cores = machine::allowed_cores()?;
    let pin = !target.no_pin && cores.contains(&target.server_core) && cores.contains(&target.own_core);
    if !pin {
        say("server and generator are not bound to cores: they disturb each other");
    }
    let own_core = pin.then_some(target.own_core);
    if let Some(core) = own_core {
        machine::bind_to_cores(&[core])?;
    }
    if let (Some(url), Some(pid)) = (&target.url, target.pid) {
        let address: SocketAddr = url
            .trim_start_matches("ws://")
            .trim_start_matches("http://")
            .trim_end_matches("/tim")
            .parse()
            .with_context(|| format!("--url {url:?} is not an address with a port"))?;
        return Ok(Host::Running { address, pid });
    }
    let path = std::path::absolute(&target.server_bin).context("the path of the server")?;
    ensure!(
        path.is_file(),
        "there is no server at {}: build it with `cargo build --release -p tim-server` or give --server-bin",
        target.server_bin.display()
    );
    Ok(Host::Binary {
        path,
        server_core: pin.then_some(target.server_core),
        own_core,
    })
}

/// A RAM disk makes `fsync` free and with it every figure of durable messages worthless.
fn require_disk(folder: &Path) -> Result<()> {
    const TMPFS: rustix::fs::FsWord = 0x0102_1994;
    let kind = rustix::fs::statfs(folder)
        .with_context(|| format!("looking at {}", folder.display()))?
        .f_type;
    ensure!(
        kind != TMPFS,
        "{} is a RAM disk: give a folder on a disk with --data",
        folder.display()
    );
    Ok(())
}

fn seconds_since_epoch() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn placement(host: &Host) -> String {
    match host {
        Host::Binary {
            server_core: Some(server),
            own_core: Some(own),
            ..
        } => {
            format!("server on core {server}, generator on core {own}")
        }
        Host::Binary { .. } => "not bound to cores".to_owned(),
        Host::Running { .. } => "attached to a running server".to_owned(),
    }
}

/// The command line as it would be typed, without the folders of this machine.
fn command() -> String {
    let words = std::env::args().skip(1).map(|word| match Path::new(&word) {
        path if path.is_absolute() => path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        _ => word,
    });
    std::iter::once("tim-bench".to_owned())
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else {
        return "unknown".to_owned();
    };
    let clean =
        git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| changes.is_empty());
    if clean { commit } else { commit + "+" }
}
