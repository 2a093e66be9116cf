//! `cargo xtask bench`: builds the server and the load generator in release mode and runs the latter.
//! `cargo xtask web-bench`: the same for the pages, which a real browser loads and scrolls.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::command;
use crate::tools;
use crate::web;
use crate::workspace::{Profile, Workspace};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// What `tim-bench` is told to do; `--help` lists its scenarios.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds and runs `tim-bench` with the given arguments.
pub(crate) fn bench(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let build = [
        "build",
        "--release",
        "--locked",
        "-p",
        "tim-server",
        "-p",
        "tim-bench",
        "--bins",
    ];
    command::run(&mut command::cargo(workspace, build))?;
    let server = workspace.program(Profile::Release, "tim-server");
    let mut bench = Command::new(workspace.program(Profile::Release, "tim-bench"));
    bench.current_dir(&workspace.root);
    if !options
        .arguments
        .iter()
        .any(|argument| argument.starts_with("--server-bin"))
    {
        bench.arg("--server-bin").arg(server);
    }
    bench.args(&options.arguments);
    command::run(&mut bench)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds pages, server and measurement as people get them, and measures the pages in a browser.
pub(crate) fn web_bench(workspace: &Workspace) -> Result<ExitCode> {
    let browser = tools::chromium()?;
    let pages = web::build(workspace, &web::Options::default())?;
    let build = [
        "build",
        "--release",
        "--locked",
        "-p",
        "tim-server",
        "-p",
        "tim-e2e",
        "--bins",
    ];
    let mut build = command::cargo(workspace, build);
    web::embed(&mut build, &pages);
    command::run(&mut build)?;
    let mut bench = Command::new(workspace.program(Profile::Release, "tim-web-bench"));
    bench
        .current_dir(&workspace.root)
        .env(
            "TIM_SERVER_BIN",
            workspace.program(Profile::Release, "tim-server"),
        )
        .env("TIM_CHROMIUM", browser);
    command::run(&mut bench)?;
    Ok(ExitCode::SUCCESS)
}
