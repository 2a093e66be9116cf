//! Builds, runs, tests and packages tim: every build script of this repository is a subcommand of this program.
//!
//! It installs what a command needs, runs ordinary cargo commands that it prints first, and never hides a failure:
//! each command ends with a table of its steps and fails when one of them failed.
// A program for people at a terminal: what it has to say goes to standard output.
#![allow(clippy::print_stdout)]

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

mod bench;
mod checks;
mod command;
mod documents;
mod first_chat;
mod fuzz;
mod package;
mod run;
mod steps;
mod test;
mod tools;
mod wasm;
mod web;
mod workspace;

/// Builds, runs, tests and packages tim.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build and start a server on this computer and say how to chat with it; Ctrl-C stops it.
    Run(run::Options),
    /// Build the pages for browsers into `target/web/web.bundle`.
    Web(web::Options),
    /// Build the npm package of the JavaScript SDK into `dist/npm`.
    Package(package::Options),
    /// Run all tests, after installing what they need.
    Test(test::Options),
    /// Run exactly what continuous integration runs: formatting, lints, documentation, dependencies, tests.
    Ci,
    /// Take pictures of every screen of the pages, in two widths, themes and languages, into `target/screenshots`.
    Screenshots,
    /// Kill the real server under load at random moments and look for lost or doubled messages.
    Crash(test::CrashOptions),
    /// Measure: build in release mode and run `tim-bench`.
    Bench(bench::Options),
    /// Measure the pages in a real browser: how soon they can be used, how evenly they scroll.
    WebBench,
    /// Fuzz one parser of the protocol, or whole sessions of a server.
    Fuzz(fuzz::Options),
    /// Format all Rust code.
    Fmt {
        /// Change nothing; fail when something is not formatted.
        #[arg(long)]
        check: bool,
    },
    /// Write the files that are generated from the code (`server/tim.toml`, `docs/conformance.md`, `docs/openapi.json`).
    Generate,
}

fn main() -> ExitCode {
    match fuzz::compile().unwrap_or_else(|| perform(Arguments::parse().command)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    match task {
        Task::Run(options) => run::run(&workspace, &options),
        Task::Web(options) => web::build(&workspace, &options).map(|_| ExitCode::SUCCESS),
        Task::Package(options) => package::build(&workspace, &options).map(|_| ExitCode::SUCCESS),
        Task::Test(options) => test::test(&workspace, &options),
        Task::Ci => checks::ci(&workspace),
        Task::Screenshots => test::screenshots(&workspace),
        Task::Crash(options) => test::crash(&workspace, &options),
        Task::Bench(options) => bench::bench(&workspace, &options),
        Task::WebBench => bench::web_bench(&workspace),
        Task::Fuzz(options) => fuzz::fuzz(&workspace, &options),
        Task::Fmt { check } => checks::format(&workspace, check).map(|()| ExitCode::SUCCESS),
        Task::Generate => checks::generate(&workspace).map(|()| ExitCode::SUCCESS),
    }
}
