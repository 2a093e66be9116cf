//! Configuration: `tim.toml`, environment variables and command line, in that rising order of
//! precedence. Every error names the place, the setting, the value and what is allowed.

mod check;
mod file;
mod fill;
mod render;
mod schema;
mod value;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

pub use render::{default_file, effective};
pub use schema::{
    Accounts, Admin, Config, Delivery, Directory, External, Files, KEYS, Key, Keys, Limits, Listen, Log,
    Messages, Operations, Passwords, Presence, Process, SECTIONS, Section, Storage, Tls, VirtualRooms, Web,
};
pub use value::{
    ByteSize, FileStorage, LogFormat, Network, Operation, Origin, RawValue, Secret, StorageKind, Value,
};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// A line of the configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// An option of the command line.
    Option(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Environment(variable) => write!(f, "environment variable {variable}"),
            Self::Option(option) => write!(f, "option {option}"),
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration file {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{}, line {line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser said.
        message: String,
    },
    /// A table or key that does not exist.
    #[error("{place}: there is no setting \"{name}\"{}", suggestion(similar))]
    Unknown {
        /// Where it stands.
        place: Source,
        /// Its name.
        name: String,
        /// A name that looks like it.
        similar: Option<String>,
    },
    /// A value that cannot be understood.
    #[error(
        "{place}: {}.{} = {value} is not valid: {reason}. Allowed: {}",
        key.section, key.name, key.allowed
    )]
    Value {
        /// Where it stands.
        place: Source,
        /// The setting.
        key: &'static Key,
        /// What was written.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Values that are out of bounds or do not fit together.
    #[error("{place}: {}.{} = {value} is not valid: {reason}", key.section, key.name)]
    Combination {
        /// Where it stands.
        place: Source,
        /// The setting.
        key: &'static Key,
        /// Its value.
        value: String,
        /// What is wrong with it and what to do.
        reason: String,
    },
}

fn suggestion(similar: &Option<String>) -> String {
    similar
        .as_ref()
        .map(|name| format!("; did you mean \"{name}\"?"))
        .unwrap_or_default()
}

/// What a configuration is read from.
#[derive(Debug, Default)]
pub struct Inputs {
    /// The file; it must exist.
    pub file: Option<PathBuf>,
    /// Environment variables. Those that do not begin with `TIM_` are ignored.
    pub environment: Vec<(String, String)>,
    /// Options of the command line: table, key, option, value.
    pub options: Vec<(&'static str, &'static str, &'static str, String)>,
}

/// A checked configuration and where its values come from.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// Environment variables that look like settings and are none.
    pub ignored_variables: Vec<String>,
    sources: HashMap<(&'static str, &'static str), Source>,
}

impl Loaded {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// The first problem found; nothing is used then.
    pub fn read(inputs: &Inputs) -> Result<Self, ConfigError> {
        let mut loaded = Self::default();
        if let Some(path) = &inputs.file {
            loaded.apply_file(path)?;
        }
        loaded.apply_environment(&inputs.environment)?;
        for (section, name, option, value) in &inputs.options {
            if let Some(key) = find(section, name) {
                loaded.apply(key, Source::Option(option), &RawValue::One(value.clone()))?;
            }
        }
        loaded.check()?;
        Ok(loaded)
    }

    /// Where a value comes from.
    #[must_use]
    pub fn source(&self, key: &Key) -> Source {
        self.sources
            .get(&(key.section, key.name))
            .cloned()
            .unwrap_or(Source::Default)
    }

    fn apply_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Read {
            path: path.to_owned(),
            error,
        })?;
        for entry in file::entries(path, &text)? {
            self.apply(entry.key, entry.source, &entry.value)?;
        }
        Ok(())
    }

    fn apply_environment(&mut self, variables: &[(String, String)]) -> Result<(), ConfigError> {
        let by_variable: HashMap<String, &'static Key> =
            KEYS.iter().map(|key| (key.variable(), key)).collect();
        for (variable, value) in variables {
            if let Some(key) = by_variable.get(variable) {
                self.apply(
                    key,
                    Source::Environment(variable.clone()),
                    &RawValue::One(value.clone()),
                )?;
            } else if SECTIONS
                .iter()
                .any(|section| variable.starts_with(&format!("TIM_{}_", section.name).to_ascii_uppercase()))
            {
                self.ignored_variables.push(variable.clone());
            }
        }
        Ok(())
    }

    fn apply(&mut self, key: &'static Key, place: Source, raw: &RawValue) -> Result<(), ConfigError> {
        match self.config.set(key, raw) {
            Ok(()) => {
                self.sources.insert((key.section, key.name), place);
                Ok(())
            }
            Err(reason) => Err(ConfigError::Value {
                place,
                key,
                value: raw.to_string(),
                reason,
            }),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let problem = check::problem(&self.config)
            .and_then(|problem| Some((find(problem.section, problem.name)?, problem.reason)));
        match problem {
            None => Ok(()),
            Some((key, reason)) => Err(ConfigError::Combination {
                place: self.source(key),
                key,
                value: self.config.show(key),
                reason,
            }),
        }
    }
}

fn find(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

#[cfg(test)]
mod tests;
