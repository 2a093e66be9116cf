//! What a person needs for a first chat: two accounts that are friends, and the two commands, one per terminal, that
//! let them talk. The accounts are made with the terminal client, exactly as a person would; what the client remembers
//! of them is kept beside the database, so that the person's own settings stay untouched.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use rand::distr::{Alphanumeric, SampleString};

use crate::command;

/// Who chats.
const PEOPLE: [&str; 2] = ["alice", "bob"];

/// The running server and the client for it.
pub(crate) struct Setting {
    /// The terminal client `tim`.
    pub(crate) client: PathBuf,
    /// Address of the server, as the client takes it.
    pub(crate) server: String,
    /// Address of the pages, when the server has them.
    pub(crate) page: Option<String>,
    /// The server's data folder.
    pub(crate) data: PathBuf,
}

impl Setting {
    /// Prints what to type; makes the two accounts first when `accounts` is set and they do not exist.
    pub(crate) fn present(&self, accounts: bool) -> Result<()> {
        println!("\nThe server is ready; Ctrl-C stops it.");
        if let Some(page) = &self.page {
            println!("\nIn a browser, and a second one beside it (register there):\n\n  {page}");
        }
        if !accounts {
            println!("\nIn a terminal, an account is made with:\n");
            println!("  {} --server {} register NAME\n", self.program(), self.server);
            return Ok(());
        }
        if !self.are_friends() {
            self.make_friends()?;
        }
        println!("\nIn two more terminals:\n");
        for (person, friend) in [(PEOPLE[0], PEOPLE[1]), (PEOPLE[1], PEOPLE[0])] {
            println!("  {}", self.chat_line(person, friend));
        }
        println!();
        Ok(())
    }

    /// Whether an earlier run has done everything, on this very database.
    fn are_friends(&self) -> bool {
        let mut tim = self.tim(PEOPLE[0], &["friends"]);
        // It prints the friends line by line, each with the alias that was given.
        let alias = format!(" {}", PEOPLE[1]);
        tim.output().is_ok_and(|output| {
            let friends = String::from_utf8_lossy(&output.stdout);
            output.status.success() && friends.lines().any(|line| line.ends_with(&alias))
        })
    }

    fn make_friends(&self) -> Result<()> {
        let home = self.home();
        if home.exists() {
            std::fs::remove_dir_all(&home).with_context(|| format!("cannot remove {}", home.display()))?;
        }
        let mut nodes = Vec::new();
        for person in PEOPLE {
            let password = Alphanumeric.sample_string(&mut rand::rng(), 24);
            let arguments = [
                "--server",
                &self.server,
                "--name",
                person,
                "register",
                person,
                "--save-password",
            ];
            let mut register = self.tim(person, &arguments);
            command::output(register.env("TIM_PASSWORD", password)).with_context(|| {
                format!("{person} cannot be registered (does the account exist already?)")
            })?;
            nodes.push(
                command::output(&mut self.tim(person, &["whoami"]))?
                    .trim()
                    .to_owned(),
            );
        }
        for (person, friend, node) in [
            (PEOPLE[0], PEOPLE[1], &nodes[1]),
            (PEOPLE[1], PEOPLE[0], &nodes[0]),
        ] {
            command::output(&mut self.tim(person, &["alias", friend, node]))?;
        }
        command::output(&mut self.tim(PEOPLE[0], &["add", PEOPLE[1]]))?;
        command::output(&mut self.tim(PEOPLE[1], &["accept", PEOPLE[0]]))?;
        Ok(())
    }

    fn tim(&self, person: &str, arguments: &[&str]) -> Command {
        let mut tim = Command::new(&self.client);
        tim.env("TIM_HOME", self.home())
            .args(["--profile", person])
            .args(arguments);
        for variable in [
            "TIM_SERVER",
            "TIM_NAME",
            "TIM_DOMAIN",
            "TIM_PASSWORD",
            "TIM_PASSWORD_FILE",
            "TIM_RESOURCE",
        ] {
            tim.env_remove(variable);
        }
        tim
    }

    /// Where the client keeps its settings of the two people.
    fn home(&self) -> PathBuf {
        self.data.join("first-chat")
    }

    fn chat_line(&self, person: &str, friend: &str) -> String {
        let home = command::quoted(&self.home().to_string_lossy());
        format!("TIM_HOME={home} {} -n {person} chat {friend}", self.program())
    }

    fn program(&self) -> String {
        command::quoted(&self.client.to_string_lossy())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_can_be_pasted_whatever_the_folder_is_called() {
        let setting = Setting {
            client: "/home/my projects/tim".into(),
            server: "ws://127.0.0.1:1".to_owned(),
            page: None,
            data: "/data".into(),
        };
        assert_eq!(
            setting.chat_line("alice", "bob"),
            "TIM_HOME=/data/first-chat '/home/my projects/tim' -n alice chat bob"
        );
    }
}
