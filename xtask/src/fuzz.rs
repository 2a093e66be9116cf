//! `cargo xtask fuzz`: runs one fuzz target of the protocol with libFuzzer. An input that breaks something goes to the
//! artifacts folder of the fuzz package. New inputs that merely reach new code are kept below the target folder for the
//! next run; the corpus in the repository, which the ordinary tests replay, is only read.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::command;
use crate::tools::CARGO_FUZZ;
use crate::workspace::Workspace;

/// The fuzz package, its own workspace because it needs a nightly compiler.
const FOLDER: &str = "protocol/fuzz";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The fuzz target; without one, the targets are listed.
    target: Option<String>,
    /// How long to run, in seconds.
    #[arg(default_value_t = 60)]
    seconds: u32,
    /// Options for libFuzzer, after `--`.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Runs the target, or lists the targets.
pub(crate) fn fuzz(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let targets = targets(&workspace.root.join(FOLDER))?;
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
    .arg(format!("-max_total_time={}", options.seconds))
    .args(&options.rest)
    .current_dir(&workspace.root)
    .env_remove("CARGO")
    .env_remove("RUSTUP_TOOLCHAIN");
    run.env("PATH", path);
    command::run(&mut run)?;
    Ok(ExitCode::SUCCESS)
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
