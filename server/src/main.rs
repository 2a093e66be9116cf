//! The server program.
//!
//! Exit codes: 0 stopped as asked; 1 failed while running, or stopped at once by a second signal;
//! 2 wrong usage or configuration; 3 cannot listen; 4 database or keys cannot be used.

mod command;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use tim_server::config::{Inputs, Loaded};

use command::Failure;

/// Instant-messaging server that speaks the tim 2 protocol.
#[derive(Debug, Parser)]
#[command(name = "tim-server", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(flatten)]
    settings: SettingOptions,
    #[command(flatten)]
    run: RunOptions,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXIT_CODES: &str = "\
Exit codes: 0 stopped as asked; 1 failed while running, or stopped at once by a second signal;
2 wrong usage or configuration; 3 cannot listen; 4 database or keys cannot be used.";

#[derive(Debug, Args)]
struct SettingOptions {
    /// Configuration file. Without it tim.toml in the working directory is used if it exists.
    #[arg(short, long, global = true, env = "TIM_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data directory (storage.path).
    #[arg(long, global = true, value_name = "DIRECTORY")]
    data: Option<String>,
    /// Address and port for clients (listen.client).
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,
}

#[derive(Debug, Args)]
struct RunOptions {
    /// File that is written with the client address when the server is ready, and with that of the
    /// management listener on a second line.
    #[arg(long, global = true, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server; also what happens without a command.
    Run,
    /// Show the configuration in force and where every value comes from.
    Config {
        /// Show the default configuration file instead.
        #[arg(long)]
        default: bool,
    },
    /// Work with the keys that encrypt the database.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Suspend accounts and let them in again. A running server is asked to do it.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Say who manages the server. A running server is asked to do it.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Show the version.
    Version,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Let somebody manage the server. The password is asked for, or read as the first line of the
    /// standard input.
    Create {
        /// Name to log in with.
        #[arg(long)]
        name: String,
        /// What it may do.
        #[arg(long, value_enum, default_value = "owner")]
        role: RoleName,
        /// The only domain it may act in. Without it: all.
        #[arg(long)]
        domain: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum RoleName {
    /// May do everything.
    Owner,
    /// Everything but saying who manages the server.
    Operator,
    /// May only look.
    Auditor,
}

impl From<RoleName> for tim_server::admin::access::Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Owner => Self::Owner,
            RoleName::Operator => Self::Operator,
            RoleName::Auditor => Self::Auditor,
        }
    }
}

#[derive(Debug, Subcommand)]
enum AccountCommand {
    /// End all sessions of an account and let nobody log in to it.
    Suspend {
        #[command(flatten)]
        who: Who,
        /// For how long: a number and a unit (30m, 1h, 7d). Without it, until it is allowed again.
        #[arg(long = "for", value_name = "TIME", value_parser = duration)]
        time: Option<Duration>,
    },
    /// Let an account log in again.
    Allow {
        #[command(flatten)]
        who: Who,
    },
}

#[derive(Debug, Args)]
struct Who {
    /// Login name of the account.
    #[arg(long, required_unless_present = "node", conflicts_with = "node")]
    name: Option<String>,
    /// Its domain.
    #[arg(long, requires = "name", default_value = "")]
    domain: String,
    /// Its public address, instead of name and domain.
    #[arg(long)]
    node: Option<String>,
}

impl From<&Who> for command::account::Who {
    fn from(who: &Who) -> Self {
        match &who.node {
            Some(node) => Self::Node(node.clone()),
            None => Self::Name {
                name: who.name.clone().unwrap_or_default(),
                domain: who.domain.clone(),
            },
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    <Duration as tim_server::config::Value>::parse(text)
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Show where the master key comes from and which data keys there are. Shows no secrets.
    Show,
    /// Make a new data key and encrypt all records with it. A running server is asked to do it.
    Rotate {
        /// Make a new master key instead; data keys and records stay. The server must not be running.
        #[arg(long)]
        master: bool,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match perform(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            command::print_error(&failure);
            ExitCode::from(failure.code)
        }
    }
}

fn perform(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Some(Command::Version) => command::print(&format!("tim-server {}\n", env!("CARGO_PKG_VERSION"))),
        Some(Command::Config { default: true }) => command::print(&tim_server::config::default_file()),
        Some(Command::Config { default: false }) => {
            command::print(&tim_server::config::effective(&load(&arguments.settings)?))
        }
        Some(Command::Keys(KeysCommand::Show)) => command::keys::show(&load(&arguments.settings)?.config),
        Some(Command::Keys(KeysCommand::Rotate { master: false })) => {
            command::keys::rotate(&load(&arguments.settings)?.config)
        }
        Some(Command::Keys(KeysCommand::Rotate { master: true })) => {
            command::keys::rotate_master(&load(&arguments.settings)?.config)
        }
        Some(Command::Account(AccountCommand::Suspend { who, time })) => {
            let config = load(&arguments.settings)?.config;
            command::account::suspend(&config, who.into(), *time)
        }
        Some(Command::Account(AccountCommand::Allow { who })) => {
            command::account::allow(&load(&arguments.settings)?.config, who.into())
        }
        Some(Command::Admin(AdminCommand::Create { name, role, domain })) => {
            let config = load(&arguments.settings)?.config;
            command::admin::create(&config, name, (*role).into(), domain.clone())
        }
        Some(Command::Run) | None => {
            command::run::run(load(&arguments.settings)?, arguments.run.ready_file.as_deref())
        }
    }
}

fn load(options: &SettingOptions) -> Result<Loaded, Failure> {
    let usual = PathBuf::from("tim.toml");
    let file = options.config.clone().or_else(|| usual.exists().then_some(usual));
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let data = options
        .data
        .clone()
        .map(|value| ("storage", "path", "--data", value));
    let listen = options
        .listen
        .clone()
        .map(|value| ("listen", "client", "--listen", value));
    let inputs = Inputs {
        file,
        environment,
        options: data.into_iter().chain(listen).collect(),
    };
    Loaded::read(&inputs).map_err(|error| Failure::new(2, error))
}
