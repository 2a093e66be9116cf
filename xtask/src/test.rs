//! `cargo xtask test` and `cargo xtask crash`. Everything is compiled once, in the dev profile and with one choice of
//! packages (so cargo finds one set of features), and all steps use those same programs: the suites that need a real
//! server find it in `TIM_SERVER_BIN`. The pages are built before, because the server carries them.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::command;
use crate::package;
use crate::steps::{Outcome, Steps};
use crate::tools;
use crate::web;
use crate::workspace::{Profile, TestProgram, Workspace, in_ci};

/// The package whose tests drive real servers over sockets.
const SUITES: &str = "tim-tests";
/// The package whose tests drive real browsers.
const BROWSERS: &str = "tim-e2e";
/// Their program.
const PAGES: &str = "pages";
/// The test that compares the statements about the protocol with the tests, and the name of its part that writes
/// `docs/conformance.md` when it is asked to.
const CONFORMANCE: [&str; 2] = ["conformance", "coverage::the_table_is_up_to_date"];
/// What runs in browsers, and how it is selected.
const IN_BROWSERS: [&[&str]; 3] = [
    &["tim-client", "--no-default-features", "--features", "browser"],
    &["tim-client-wasm"],
    &["webtim"],
];
/// The test that kills servers.
const CRASH: &str = "crash";
/// Kills per run in continuous integration.
const SEEDS: u32 = 100;
/// Kills per run when somebody is waiting.
const FEW_SEEDS: u32 = 5;

#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Leave out what takes long: browsers, documentation tests, WebAssembly, packages, and most of the crash suite.
    #[arg(long)]
    fast: bool,
    /// Only tests with this in their name; leaves out everything that is not a test.
    #[arg(long)]
    filter: Option<String>,
}

#[derive(clap::Args)]
pub(crate) struct CrashOptions {
    /// How many times the server is killed.
    #[arg(long, default_value_t = 1000)]
    seeds: u32,
    /// Options for the test program, after `--`.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Runs the tests and prints how each step went.
pub(crate) fn test(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let mut steps = Steps::new(in_ci());
    add(&mut steps, workspace, options);
    Ok(steps.finish())
}

/// Kills the server `seeds` times.
pub(crate) fn crash(workspace: &Workspace, options: &CrashOptions) -> Result<ExitCode> {
    let programs = Programs::without_pages(workspace);
    programs.build()?;
    let mut test = programs.test(options.seeds);
    test.args(["--test", CRASH, "--", "--nocapture"])
        .args(&options.rest);
    command::run(&mut test)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the table of statements and tests.
pub(crate) fn write_conformance(workspace: &Workspace) -> Result<()> {
    let [suite, part] = CONFORMANCE;
    let mut test = Programs::without_pages(workspace).test(0);
    test.env("TIM_GENERATE", "1")
        .args(["--test", suite, "--", "--exact", part]);
    command::run(&mut test)
}

/// Adds the steps of `cargo xtask test`; what they build and use.
pub(crate) fn add<'a>(steps: &mut Steps, workspace: &'a Workspace, options: &Options) -> Programs<'a> {
    let seeds = if options.fast { FEW_SEEDS } else { SEEDS };
    let groups = groups(&workspace.tests);
    steps.run("databases that the tests start", || match tools::databases() {
        Ok(()) => Ok(Outcome::Passed),
        Err(error) => Ok(Outcome::Skipped(format!("{error:#}"))),
    });
    let mut programs = Programs::without_pages(workspace);
    if !options.fast {
        steps.run("pages for browsers", || {
            programs.pages = Some(web::build(workspace, &web::Options::default())?);
            Ok(Outcome::Passed)
        });
        if programs.pages.is_some() {
            steps.run("weight of the pages", || {
                web::light_enough(workspace).map(|()| Outcome::Passed)
            });
        }
        steps.run("npm package", || {
            package::build(workspace, &package::Options::default())?;
            match tools::node() {
                Ok(()) => Ok(Outcome::Passed),
                Err(error) => Ok(Outcome::Skipped(format!("{error:#}"))),
            }
        });
    }
    let built = steps.run("build of all tests", || programs.build());
    for (name, arguments) in &groups {
        if built {
            steps.run(name, || {
                if arguments.is_empty() {
                    return Ok(Outcome::Skipped("no test of this kind exists".to_owned()));
                }
                passed(programs.test(seeds).args(arguments).args(&options.filter))
            });
        } else {
            steps.not_run(name, "the build");
        }
    }
    if !options.fast {
        if built && programs.pages.is_some() {
            steps.run("browsers", || browsers(&programs, options));
            steps.run("documentation tests", || {
                passed(programs.test(seeds).arg("--doc").args(&options.filter))
            });
        } else {
            steps.not_run("browsers", "the build");
        }
    }
    if !options.fast && options.filter.is_none() {
        steps.run("WebAssembly", || wasm(workspace));
        steps.run("packages for crates.io", || pack(workspace));
    }
    programs
}

/// Takes pictures of every screen of the pages.
pub(crate) fn screenshots(workspace: &Workspace) -> Result<ExitCode> {
    let mut programs = Programs::without_pages(workspace);
    programs.pages = Some(web::build(workspace, &web::Options::default())?);
    programs.build()?;
    let options = Options {
        filter: Some("screens::".to_owned()),
        ..Options::default()
    };
    if let Outcome::Skipped(reason) = browsers(&programs, &options)? {
        bail!("{reason}");
    }
    println!(
        "the pictures are in {}",
        workspace.target.join("screenshots").display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Drives real browsers, which are installed when there is none.
fn browsers(programs: &Programs<'_>, options: &Options) -> Result<Outcome> {
    let mut test = programs.test(0);
    test.args(["--test", PAGES]).args(&options.filter);
    match tools::chromium() {
        Ok(browser) => test.env("TIM_CHROMIUM", browser),
        Err(error) => return Ok(Outcome::Skipped(format!("{error:#}"))),
    };
    match tools::npm_install(programs.workspace, "e2e/axe", "axe") {
        Ok(folder) => test.env("TIM_AXE", folder.join("node_modules/axe-core/axe.min.js")),
        Err(error) => return Ok(Outcome::Skipped(format!("{error:#}"))),
    };
    passed(&mut test)
}

/// What `cargo test` is told to select, by the name of the step.
fn groups(tests: &[TestProgram]) -> [(&'static str, Vec<String>); 4] {
    let select = |wanted: &dyn Fn(&TestProgram) -> bool| -> Vec<String> {
        tests
            .iter()
            .filter(|test| wanted(test))
            .flat_map(|test| ["--test".to_owned(), test.name.clone()])
            .collect()
    };
    [
        ("unit tests", vec!["--lib".to_owned(), "--bins".to_owned()]),
        // Vectors of the wire protocol, properties, the corpus of the fuzz targets, the SDK against a scripted peer.
        (
            "integration tests of the crates",
            select(&|test| test.package != SUITES && test.package != BROWSERS),
        ),
        (
            "suites over sockets",
            select(&|test| test.package == SUITES && test.name != CRASH),
        ),
        (
            "crash suite",
            select(&|test| test.package == SUITES && test.name == CRASH),
        ),
    ]
}

/// What the tests run: built once, with one selection of packages and features.
pub(crate) struct Programs<'a> {
    workspace: &'a Workspace,
    /// The bundle that the server carries.
    pages: Option<PathBuf>,
}

impl<'a> Programs<'a> {
    /// Programs for everything but browsers.
    pub(crate) fn without_pages(workspace: &'a Workspace) -> Self {
        Self {
            workspace,
            pages: None,
        }
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = command::cargo(self.workspace, arguments);
        if let Some(bundle) = &self.pages {
            web::embed(&mut cargo, bundle);
        }
        cargo
    }

    /// Builds all of it.
    pub(crate) fn build(&self) -> Result<Outcome> {
        passed(&mut self.cargo(&[
            "build",
            "--workspace",
            "--lib",
            "--bins",
            "--tests",
            "--examples",
            "--locked",
        ]))
    }

    /// `cargo test` for tests that find the programs.
    fn test(&self, seeds: u32) -> Command {
        let mut test = self.cargo(&["test", "--workspace", "--no-fail-fast", "--locked"]);
        test.env(
            "TIM_SERVER_BIN",
            self.workspace.program(Profile::Dev, "tim-server"),
        );
        test.env("TIM_CLIENT_BIN", self.workspace.program(Profile::Dev, "tim"));
        test.env("TIM_CRASH_SEEDS", seeds.to_string());
        test
    }
}

fn wasm(workspace: &Workspace) -> Result<Outcome> {
    if let Err(error) = tools::wasm_target(workspace) {
        return Ok(Outcome::Skipped(format!("{error:#}")));
    }
    let target = ["build", "--locked", "--target", tools::WASM, "-p"];
    command::run(command::cargo(workspace, target).arg("tim-protocol"))?;
    command::run(command::cargo(workspace, target).args(["tim-client", "--no-default-features"]))?;
    // What only browsers compile is linted only here.
    for package in IN_BROWSERS {
        let mut clippy = command::cargo(workspace, ["clippy", "--locked", "--target", tools::WASM, "-p"]);
        clippy.args(package).args(["--", "-D", "warnings"]);
        command::run(&mut clippy)?;
    }
    // What of it needs no browser.
    let [client, features @ ..] = IN_BROWSERS[0] else {
        return Ok(Outcome::Passed);
    };
    let mut test = command::cargo(workspace, ["test", "--locked", "--lib", "-p", client]);
    passed(test.args(features).arg("web::"))
}

/// Packs the two published crates and compiles what was packed. `tim-client` needs a `tim-protocol` that is not
/// published yet; cargo finds it when both are packed by one command.
fn pack(workspace: &Workspace) -> Result<Outcome> {
    let mut package = command::cargo(
        workspace,
        ["package", "--locked", "-p", "tim-protocol", "-p", "tim-client"],
    );
    // The packed manifests know nothing of the profiles of this workspace; without debug information of the
    // dependencies it is quicker.
    package.env("CARGO_PROFILE_DEV_DEBUG", "0");
    if in_ci() {
        return passed(&mut package);
    }
    passed(package.arg("--allow-dirty"))
}

fn passed(command: &mut Command) -> Result<Outcome> {
    command::run(command).map(|()| Outcome::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_integration_test_is_in_exactly_one_step() {
        let program = |package: &str, name: &str| TestProgram {
            package: package.into(),
            name: name.into(),
        };
        let tests = [
            program("tim-protocol", "vectors"),
            program("tim-tests", "messages"),
            program("tim-tests", "crash"),
            program("tim-client", "resume"),
            program("tim-e2e", "pages"),
        ];
        let groups = groups(&tests);
        let mut selected: Vec<&str> = groups
            .iter()
            .flat_map(|(_, words)| words)
            .filter(|w| !w.starts_with("--"))
            .map(String::as_str)
            .collect();
        selected.sort_unstable();
        assert_eq!(selected, ["crash", "messages", "resume", "vectors"]);
        assert_eq!(groups[3].1, ["--test", "crash"]);
    }
}
