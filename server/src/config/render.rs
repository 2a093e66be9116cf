//! Writes configurations as commented TOML.

use std::fmt::Write as _;

use super::{Config, KEYS, Key, Loaded, SECTIONS};

const HEAD: &str = "\
# Configuration of the tim server. Every setting is shown with its default value; remove the \"#\"
# in front of a setting to change it.
#
# Each setting is also an environment variable, for example listen.client is TIM_LISTEN_CLIENT.
# Precedence: command line, environment, this file, default. \"tim-server config\" shows the result.
";

/// The default file: every setting explained and commented out.
#[must_use]
pub fn default_file() -> String {
    let config = Config::default();
    let mut text = HEAD.to_owned();
    write_all(&mut text, |text, key| {
        push(text, format_args!(""));
        for line in key.doc {
            push(text, format_args!("#{line}"));
        }
        push(text, format_args!("# Allowed: {}.", key.allowed));
        push(text, format_args!("#{} = {}", key.name, config.show(key)));
    });
    text
}

/// The configuration in force, with the source of every value. Programs that print keys are
/// not shown, because their arguments may be secret, nor are addresses with passwords.
#[must_use]
pub fn effective(loaded: &Loaded) -> String {
    let mut text = "# The configuration in force.\n".to_owned();
    write_all(&mut text, |text, key| {
        let source = loaded.source(key);
        let value = loaded.config.shown(key);
        push(text, format_args!("{} = {value}  # {source}", key.name));
    });
    text
}

impl Config {
    /// A value as it would stand in the file, if it may be shown.
    #[must_use]
    pub fn shown(&self, key: &Key) -> String {
        let has_secret = match key.name {
            "master_command" => !self.keys.master_command.is_empty(),
            "http_secret" => !self.external.http_secret.0.is_empty(),
            "database_url" => !self.external.database_url.0.is_empty(),
            "s3_secret_key" => !self.files.s3_secret_key.0.is_empty(),
            _ => false,
        };
        if has_secret && key.name == "master_command" {
            "[\"(not shown)\"]".to_owned()
        } else if has_secret {
            "\"(not shown)\"".to_owned()
        } else {
            self.show(key)
        }
    }
}

fn write_all(text: &mut String, mut write_key: impl FnMut(&mut String, &Key)) {
    for section in SECTIONS {
        push(text, format_args!(""));
        for line in section.doc {
            push(text, format_args!("#{line}"));
        }
        push(text, format_args!("[{}]", section.name));
        for key in KEYS.iter().filter(|key| key.section == section.name) {
            write_key(text, key);
        }
    }
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    if text.write_fmt(line).is_ok() {
        text.push('\n');
    }
}
