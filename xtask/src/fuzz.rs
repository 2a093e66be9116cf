//! `cargo xtask fuzz`: runs one fuzz target of the protocol with libFuzzer, or feeds whole sessions to a server with the
//! program in `server/fuzz`, which needs no other compiler. An input that breaks something goes to the
//! artifacts folder of the fuzz package. New inputs that merely reach new code are kept below the target folder for the
//! next run; the corpus in the repository, which the ordinary tests replay, is only read.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::command;
use crate::tools::CARGO_FUZZ;
use crate::workspace::{Profile, Workspace};

/// The target that is no parser but a server: mutated scripts of several connections.
const SESSION: &str = "session";

/// Tells this program, which cargo starts in place of the compiler, to compile.
const INSTRUMENT: &str = "TIM_XTASK_INSTRUMENT";
/// What is instrumented: the packages that are looked at.
const INSTRUMENTED: [&str; 2] = ["tim_server", "tim_protocol"];
/// Counters for every edge, as libFuzzer has them. They are options of LLVM, which the stable compiler passes on.
const COUNTERS: [&str; 3] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=3",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
];

/// The fuzz package, its own workspace because it needs a nightly compiler.
const FOLDER: &str = "protocol/fuzz";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The fuzz target; without one, the targets are listed.
    target: Option<String>,
    /// How long to run, in seconds.
    #[arg(default_value_t = 60)]
    seconds: u32,
    /// The same as a number and its unit: 90s, 30m, 2h.
    #[arg(long, value_parser = seconds_of)]
    time: Option<u32>,
    /// Options for libFuzzer or for the program that feeds sessions, after `--`.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Runs the target, or lists the targets.
pub(crate) fn fuzz(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let seconds = options.time.unwrap_or(options.seconds);
    let mut targets = targets(&workspace.root.join(FOLDER))?;
    targets.push(SESSION.to_owned());
    let Some(target) = &options.target else {
        println!("fuzz targets: {}", targets.join(", "));
        return Ok(ExitCode::SUCCESS);
    };
    if !targets.contains(target) {
        bail!(
            "there is no fuzz target '{target}'; there are: {}",
            targets.join(", ")
        );
    }
    if target == SESSION {
        return session(workspace, seconds, &options.rest);
    }
    if !command::succeeds(Command::new("rustup").args(["run", "nightly", "rustc", "--version"])) {
        bail!(
            "fuzzing instruments the code, which needs a nightly compiler: `rustup toolchain install nightly`. \
             Without one, `cargo xtask test` replays the corpus"
        );
    }
    let program = CARGO_FUZZ.install(workspace)?;
    let tools = program.parent().context("the tool is in no folder")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(tools.to_owned()).chain(std::env::split_paths(&path)))?;
    let found = workspace.target.join("fuzz-corpus").join(target);
    std::fs::create_dir_all(&found).with_context(|| format!("cannot make {}", found.display()))?;
    let corpus = workspace.root.join(FOLDER).join("corpus").join(target);
    let mut run = Command::new("rustup");
    run.args([
        "run",
        "nightly",
        "cargo",
        "fuzz",
        "run",
        "--fuzz-dir",
        FOLDER,
        target,
    ])
    .args([&found, &corpus])
    .arg("--")
    .arg(format!("-max_total_time={seconds}"))
    .args(&options.rest)
    .current_dir(&workspace.root)
    .env_remove("CARGO")
    .env_remove("RUSTUP_TOOLCHAIN");
    run.env("PATH", path);
    command::run(&mut run)?;
    Ok(ExitCode::SUCCESS)
}

/// When cargo has started this program as its compiler: compiles, with counters in the packages that are looked at.
/// Only what is in the workspace comes here, so that dependencies are compiled once for fuzzing and for everything else.
pub(crate) fn compile() -> Option<Result<ExitCode>> {
    std::env::var_os(INSTRUMENT)?;
    let mut words = std::env::args_os().skip(1);
    let compiler = words.next()?;
    let words: Vec<_> = words.collect();
    let is_looked_at = words
        .windows(2)
        .any(|pair| pair[0] == "--crate-name" && INSTRUMENTED.iter().any(|name| pair[1] == *name));
    let mut command = Command::new(compiler);
    command.args(words);
    if is_looked_at {
        command.args(COUNTERS);
    }
    let status = command.status().context("the compiler does not start");
    Some(status.map(|status| {
        if status.success() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }))
}

/// Searches in whole sessions. What is new goes below the target folder; the corpus in the repository is copied there
/// first.
fn session(workspace: &Workspace, seconds: u32, rest: &[String]) -> Result<ExitCode> {
    // Every package of the workspace passes through this program on its way to the compiler, see `compile`.
    let wrapper = std::env::current_exe().context("this program has no path")?;
    let mut build = command::cargo(workspace, ["build", "--locked", "-p", "tim-session-fuzz"]);
    command::run(build.env("RUSTC_WORKSPACE_WRAPPER", wrapper).env(INSTRUMENT, "1"))?;
    let found = workspace.target.join("fuzz-corpus").join(SESSION);
    std::fs::create_dir_all(&found).with_context(|| format!("cannot make {}", found.display()))?;
    let corpus = workspace.root.join("server/fuzz/corpus");
    for entry in std::fs::read_dir(&corpus).with_context(|| format!("cannot read {}", corpus.display()))? {
        let path = entry?.path();
        if let Some(name) = path.file_name() {
            std::fs::copy(&path, found.join(name))
                .with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    let mut search = Command::new(workspace.program(Profile::Dev, "session-fuzz"));
    search
        .args(["search", "--seconds", &seconds.to_string(), "--corpus"])
        .arg(found)
        .arg("--faults")
        .arg(workspace.target.join("fuzz-faults"))
        .args(rest);
    command::run(&mut search)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a time such as 30m.
fn seconds_of(text: &str) -> Result<u32, String> {
    let (number, unit) = text.split_at(text.trim_end_matches(char::is_alphabetic).len());
    let factor = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err("the unit is s, m or h".to_owned()),
    };
    number
        .parse::<u32>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "a number and a unit, such as 30m".to_owned())
}

/// The names of the files in `fuzz_targets`.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let folder = folder.join("fuzz_targets");
    let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if let (Some("rs"), Some(stem)) = (
            path.extension().and_then(|e| e.to_str()),
            path.file_stem().and_then(|s| s.to_str()),
        ) {
            names.push(stem.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::seconds_of;

    #[test]
    fn times_are_read_with_their_unit() {
        assert_eq!(seconds_of("90"), Ok(90));
        assert_eq!(seconds_of("90s"), Ok(90));
        assert_eq!(seconds_of("30m"), Ok(1_800));
        assert_eq!(seconds_of("2h"), Ok(7_200));
        for wrong in ["", "m", "3d", "99999999h", "-1s"] {
            assert!(seconds_of(wrong).is_err(), "{wrong}");
        }
    }
}
