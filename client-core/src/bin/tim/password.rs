//! Where passwords come from. Never from the command line, which every user of the machine can read.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;

use zeroize::Zeroizing;

use crate::failure::Failure;

/// The password of an existing account: from the file, the environment, the settings, or a question.
pub(crate) fn existing(
    file: Option<&Path>,
    saved: Option<&str>,
    name: &str,
) -> Result<Zeroizing<String>, Failure> {
    if let Some(password) = given(file, "TIM_PASSWORD")? {
        return Ok(password);
    }
    if let Some(saved) = saved {
        return Ok(Zeroizing::new(saved.to_owned()));
    }
    ask(&format!("Password of {}: ", name.escape_debug()))
}

/// A password to be set: from the file, the environment, or two equal answers.
pub(crate) fn fresh(file: Option<&Path>, variable: &str, prompt: &str) -> Result<Zeroizing<String>, Failure> {
    if let Some(password) = given(file, variable)? {
        return Ok(password);
    }
    let first = ask(prompt)?;
    if *first != *ask("Once more: ")? {
        return Err(Failure::usage("the two passwords differ"));
    }
    Ok(first)
}

fn given(file: Option<&Path>, variable: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    if let Some(file) = file {
        let text = fs::read_to_string(file)
            .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
        let text = Zeroizing::new(text);
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            return Err(Failure::usage(format!(
                "{}: the first line is empty",
                file.display()
            )));
        }
        return Ok(Some(Zeroizing::new(line.to_owned())));
    }
    match std::env::var(variable) {
        Ok(password) if !password.is_empty() => Ok(Some(Zeroizing::new(password))),
        Ok(_) | Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Failure::usage(format!("{variable} is not valid UTF-8")))
        }
    }
}

fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    // Asked on the terminal itself, so that standard input stays free for messages.
    if !io::stderr().is_terminal() && !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "no password: set TIM_PASSWORD, use --password-file, or save it at login",
        ));
    }
    let password = rpassword::prompt_password(prompt)
        .map_err(|error| Failure::usage(format!("the password cannot be read: {error}")))?;
    Ok(Zeroizing::new(password))
}
