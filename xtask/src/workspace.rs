//! What cargo knows about this workspace: where it is, where it builds, which test programs it has.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command;

/// The workspace as `cargo metadata` describes it.
pub(crate) struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
    /// The integration tests of all packages.
    pub(crate) tests: Vec<TestProgram>,
}

/// One integration test: a file in the `tests` folder of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TestProgram {
    /// The package that it belongs to.
    pub(crate) package: String,
    /// The name that `cargo test --test` takes.
    pub(crate) name: String,
}

impl Workspace {
    /// Asks cargo. Needs neither the network nor a lock file.
    pub(crate) fn load() -> Result<Self> {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let text = command::output(Command::new(program).args([
            "metadata",
            "--no-deps",
            "--format-version=1",
            "--manifest-path",
            manifest,
        ]))?;
        Self::from_metadata(&text).context("cargo metadata has an unknown form")
    }

    fn from_metadata(text: &str) -> Result<Self> {
        let metadata: Value = serde_json::from_str(text)?;
        let folder = |key: &str| {
            metadata[key]
                .as_str()
                .map(PathBuf::from)
                .with_context(|| format!("no member '{key}'"))
        };
        let mut tests = Vec::new();
        for package in list(&metadata["packages"]) {
            for target in list(&package["targets"]) {
                if list(&target["kind"]).iter().any(|kind| kind == "test") {
                    tests.push(TestProgram {
                        package: name(package)?,
                        name: name(target)?,
                    });
                }
            }
        }
        Ok(Self {
            root: folder("workspace_root")?,
            target: folder("target_directory")?,
            tests,
        })
    }

    /// A program that cargo has built.
    pub(crate) fn program(&self, profile: Profile, name: &str) -> PathBuf {
        self.target
            .join(profile.folder())
            .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}

/// A cargo profile that this project uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build; tests use it.
    Dev,
    /// What people run.
    Release,
}

impl Profile {
    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }

    /// The name that `cargo --profile` takes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
        }
    }
}

/// Whether this runs in continuous integration (`CI=true`), where a step that cannot run is a failure.
pub(crate) fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn name(value: &Value) -> Result<String> {
    Ok(value["name"].as_str().context("no member 'name'")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integration_tests_are_found_and_other_targets_are_not() {
        let text = r#"{"workspace_root": "/w", "target_directory": "/w/target", "packages": [
            {"name": "a", "targets": [{"name": "a", "kind": ["lib"]}, {"name": "wire", "kind": ["test"]}]},
            {"name": "b", "targets": [{"name": "crash", "kind": ["test"]}, {"name": "b", "kind": ["bin"]}]}]}"#;
        let workspace = Workspace::from_metadata(text).unwrap();
        let expected = [("a", "wire"), ("b", "crash")].map(|(package, name)| TestProgram {
            package: package.to_owned(),
            name: name.to_owned(),
        });
        assert_eq!(workspace.tests, expected);
        assert!(
            workspace
                .program(Profile::Dev, "x")
                .starts_with("/w/target/debug")
        );
    }

    #[test]
    fn metadata_without_folders_is_refused() {
        assert!(Workspace::from_metadata("{}").is_err());
    }
}
