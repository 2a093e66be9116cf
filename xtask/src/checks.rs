//! `cargo xtask ci` and the checks that are not tests: formatting, lints, documentation, dependencies, generated files.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::command;
use crate::documents;
use crate::steps::{Outcome, Steps};
use crate::test::{self, Programs};
use crate::tools::CARGO_DENY;
use crate::workspace::{Profile, Workspace, in_ci};

/// Packages outside the workspace that are formatted like the rest.
const OTHER_PACKAGES: [&str; 2] = ["protocol/fuzz/Cargo.toml", "bench/sqlite-binding/Cargo.toml"];
/// The default configuration, printed by the server itself.
const CONFIGURATION: &str = "server/tim.toml";

/// Everything that has to be in order before a change lands.
pub(crate) fn ci(workspace: &Workspace) -> Result<ExitCode> {
    let mut steps = Steps::new(in_ci());
    steps.run("formatting", || format(workspace, true).map(|()| Outcome::Passed));
    steps.run("documents", || documents::check(workspace));
    steps.run("lints", || lints(workspace));
    steps.run("documentation of the code", || documentation(workspace));
    steps.run("licences, bans, sources", || dependencies(workspace));
    steps.run("security advisories", || advisories(workspace));
    let programs = test::add(&mut steps, workspace, &test::Options::default());
    steps.run("generated files", || generated(workspace, &programs));
    Ok(steps.finish())
}

/// Formats the workspace and the packages beside it, or only checks.
pub(crate) fn format(workspace: &Workspace, check: bool) -> Result<()> {
    let check: &[&str] = if check { &["--check"] } else { &[] };
    command::run(command::cargo(workspace, ["fmt", "--all"]).args(check))?;
    for manifest in OTHER_PACKAGES {
        if workspace.root.join(manifest).exists() {
            command::run(command::cargo(workspace, ["fmt", "--manifest-path", manifest]).args(check))?;
        }
    }
    Ok(())
}

fn lints(workspace: &Workspace) -> Result<Outcome> {
    let arguments = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    command::run(&mut command::cargo(workspace, arguments)).map(|()| Outcome::Passed)
}

fn documentation(workspace: &Workspace) -> Result<Outcome> {
    let mut doc = command::cargo(
        workspace,
        ["doc", "--workspace", "--no-deps", "--locked", "--keep-going"],
    );
    doc.env("RUSTDOCFLAGS", "-D warnings");
    command::run(&mut doc).map(|()| Outcome::Passed)
}

fn dependencies(workspace: &Workspace) -> Result<Outcome> {
    let deny = CARGO_DENY.install(workspace)?;
    let mut check = Command::new(deny);
    // Which versions come twice is a warning of many pages; `cargo deny check bans` shows it.
    check.args([
        "--locked",
        "check",
        "--hide-inclusion-graph",
        "--allow",
        "duplicate",
        "licenses",
        "bans",
        "sources",
    ]);
    command::run(check.current_dir(&workspace.root)).map(|()| Outcome::Passed)
}

/// The advisory database is a git repository on the internet, which not every machine may reach; where it cannot be
/// had, the step is skipped, also in continuous integration, and the closing table says so.
fn advisories(workspace: &Workspace) -> Result<Outcome> {
    let deny = CARGO_DENY.install(workspace)?;
    let fetched = command::run(
        Command::new(&deny)
            .args(["fetch", "db"])
            .current_dir(&workspace.root),
    );
    if fetched.is_err() {
        let reason = "the RustSec advisory database cannot be reached; known vulnerabilities are NOT checked";
        return Ok(Outcome::SkippedEverywhere(reason.to_owned()));
    }
    let mut check = Command::new(&deny);
    check
        .args(["--locked", "check", "--disable-fetch", "advisories"])
        .current_dir(&workspace.root);
    command::run(&mut check).map(|()| Outcome::Passed)
}

fn generated(workspace: &Workspace, programs: &Programs<'_>) -> Result<Outcome> {
    let expected = default_configuration(workspace, programs)?;
    let path = workspace.root.join(CONFIGURATION);
    let found = std::fs::read_to_string(&path).with_context(|| format!("cannot read {CONFIGURATION}"))?;
    if found != expected {
        bail!("{CONFIGURATION} is not what `tim-server config --default` prints; run `cargo xtask generate`");
    }
    Ok(Outcome::Passed)
}

/// Writes the generated files.
pub(crate) fn generate(workspace: &Workspace) -> Result<()> {
    let text = default_configuration(workspace, &Programs::without_pages(workspace))?;
    let path = workspace.root.join(CONFIGURATION);
    std::fs::write(&path, text).with_context(|| format!("cannot write {CONFIGURATION}"))?;
    println!("wrote {CONFIGURATION}");
    write_openapi(workspace)?;
    test::write_conformance(workspace)
}

/// The document of the management API, which a test of the server compares or writes.
fn write_openapi(workspace: &Workspace) -> Result<()> {
    const TEST: &str = "the_document_that_is_checked_in_is_current";
    let mut test = command::cargo(workspace, ["test", "-p", "tim-server", "--lib", "--locked", TEST]);
    test.env("TIM_GENERATE", "1");
    command::run(&mut test)
}

fn default_configuration(workspace: &Workspace, programs: &Programs<'_>) -> Result<String> {
    // The same selection as the tests, so that nothing is compiled again.
    programs.build()?;
    let mut server = Command::new(workspace.program(Profile::Dev, "tim-server"));
    command::output(server.args(["config", "--default"]))
}
