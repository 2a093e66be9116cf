//! What a person needs for a first chat: two accounts that are friends, and the two commands, one per terminal, that
//! let them talk. The accounts are made with the terminal client, exactly as a person would.

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
    /// The server's folder; the profiles of the two accounts are kept beside its database.
    pub(crate) data: PathBuf,
}

impl Setting {
    /// Makes the two accounts when they do not exist, and prints what to type.
    pub(crate) fn present(&self, accounts: bool) -> Result<()> {
        if accounts {
            self.befriend()?;
        }
        println!("\nThe server is ready; Ctrl-C stops it.");
        if accounts {
            println!("For a first chat, open two more terminals and type one of these in each:\n");
            for (person, friend) in [(PEOPLE[0], PEOPLE[1]), (PEOPLE[1], PEOPLE[0])] {
                println!("  {} chat {friend}", self.client_line(person));
            }
        } else {
            println!(
                "Register an account with: {} --server {} register NAME",
                self.program(),
                self.server
            );
        }
        println!();
        Ok(())
    }

    fn befriend(&self) -> Result<()> {
        if self.profiles().join("ready").exists() {
            return Ok(());
        }
        for person in PEOPLE {
            let password = Alphanumeric.sample_string(&mut rand::rng(), 24);
            self.tim(
                person,
                &["--server", &self.server, "register", person, "--save-password"],
                &password,
            )?;
        }
        let nodes = [self.node(PEOPLE[0])?, self.node(PEOPLE[1])?];
        for (person, friend, node) in [
            (PEOPLE[0], PEOPLE[1], &nodes[1]),
            (PEOPLE[1], PEOPLE[0], &nodes[0]),
        ] {
            self.tim(person, &["alias", friend, node], "")?;
            self.tim(person, &["add", friend], "")?;
        }
        std::fs::write(self.profiles().join("ready"), "").context("cannot remember the accounts")
    }

    fn node(&self, person: &str) -> Result<String> {
        Ok(self.tim(person, &["whoami"], "")?.trim().to_owned())
    }

    fn tim(&self, person: &str, arguments: &[&str], password: &str) -> Result<String> {
        let mut tim = Command::new(&self.client);
        tim.env("TIM_CONFIG_DIR", self.profiles())
            .args(["--profile", person])
            .args(arguments);
        if !password.is_empty() {
            tim.env("TIM_PASSWORD", password);
        }
        command::output(&mut tim)
    }

    fn profiles(&self) -> PathBuf {
        self.data.join("first-chat")
    }

    fn client_line(&self, person: &str) -> String {
        format!("{} --profile {person}", self.program())
    }

    fn program(&self) -> String {
        command::quoted(&self.client.to_string_lossy())
    }
}
