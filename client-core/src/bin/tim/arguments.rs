//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const EXAMPLES: &str = "\
A first chat, in two terminals:
  tim register alice                    tim register bob
                                        tim -n bob whoami
  tim -n alice add BOBS_NODE            tim -n bob accept ALICES_NODE
  tim -n alice chat BOBS_NODE           tim -n bob chat ALICES_NODE

A room:
  tim -n alice room create Lunch --open       prints the room's node
  tim -n bob room join ROOM
  tim -n bob chat --room ROOM

From scripts:
  echo \"build finished\" | tim -n bot send NODE
  tim -n bot listen --count 1 | jq -r .text

People are addressed by node, the id that `tim whoami` prints. `tim alias bob NODE` gives
a node a name of your own.

Exit codes: 0 done; 1 the server refused; 2 wrong usage; 3 cannot connect, or the
connection was lost for good; 4 it did not happen in time.";

/// Terminal client for tim instant-messaging servers.
#[derive(Debug, Parser)]
#[command(name = "tim", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of all commands.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Server: ws://HOST:PORT, wss://HOST, or HOST:PORT [default: ws://127.0.0.1:20003]
    #[arg(short, long, global = true, env = "TIM_SERVER", hide_env_values = true)]
    pub(crate) server: Option<String>,
    /// Account to use [default: the one registered or logged in last]
    #[arg(short, long, global = true, env = "TIM_NAME", hide_env_values = true)]
    pub(crate) name: Option<String>,
    /// Tenant of the account, on servers that have several
    #[arg(long, global = true, env = "TIM_DOMAIN", hide_env_values = true)]
    pub(crate) domain: Option<String>,
    /// Stored settings to use [default: those named like the account]
    #[arg(long, global = true, env = "TIM_PROFILE", hide_env_values = true)]
    pub(crate) profile: Option<String>,
    /// File whose first line is the password (otherwise TIM_PASSWORD, the saved one, or a question)
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "TIM_PASSWORD_FILE",
        hide_env_values = true
    )]
    pub(crate) password_file: Option<PathBuf>,
    /// Name of this device; the server keeps a place in the inbox for each
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "TIM_RESOURCE",
        hide_env_values = true
    )]
    pub(crate) resource: Option<String>,
    /// PEM file with a certificate to trust besides those of the system
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "TIM_CA",
        hide_env_values = true
    )]
    pub(crate) ca: Option<PathBuf>,
    /// Accept any certificate (for tests: everybody on the way can read everything)
    #[arg(long, global = true)]
    pub(crate) insecure: bool,
    /// Print results as JSON, one object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Encoding on the wire
    #[arg(long, global = true, value_enum, default_value_t = Wire::Compact, hide = true)]
    pub(crate) encoding: Wire,
}

/// Encoding on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wire {
    Compact,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create an account and remember it
    Register {
        /// Login name
        #[arg(value_name = "NAME")]
        account: String,
        #[command(flatten)]
        saving: Saving,
    },
    /// Check name and password and remember the account
    Login {
        /// Login name
        #[arg(value_name = "NAME")]
        account: String,
        #[command(flatten)]
        saving: Saving,
    },
    /// Print the own node
    Whoami,
    /// Change the password
    Passwd {
        /// File whose first line is the new password (otherwise TIM_NEW_PASSWORD, or a question)
        #[arg(long, value_name = "FILE")]
        new_password_file: Option<PathBuf>,
    },
    /// List the friends
    Friends,
    /// Ask somebody for friendship
    Add {
        /// Node or alias
        node: String,
        /// Greeting
        #[arg(short, long, default_value = "")]
        text: String,
    },
    /// Accept somebody's request for friendship
    Accept {
        /// Node or alias
        node: String,
    },
    /// End a friendship, or decline a request
    Remove {
        /// Node or alias
        node: String,
    },
    /// Block somebody
    Block {
        /// Node or alias
        node: String,
    },
    /// Lift a block
    Unblock {
        /// Node or alias
        node: String,
    },
    /// List the blocked people
    Blocked,
    /// Name a node, or list the names
    Alias {
        /// The name
        #[arg(value_name = "NAME")]
        alias: Option<String>,
        /// The node; without it the name's node is printed
        node: Option<String>,
        /// Forget the name
        #[arg(long, requires = "alias", conflicts_with = "node")]
        remove: bool,
    },
    /// Rooms: create, join, members, staff
    Room {
        #[command(subcommand)]
        command: RoomCommand,
    },
    /// Chat: type lines, see answers; /help lists what else can be typed
    Chat {
        /// Node or alias
        node: String,
        /// It is a room
        #[arg(short, long)]
        room: bool,
        /// Earlier messages to show first
        #[arg(long, value_name = "N", default_value_t = 10)]
        history: u16,
    },
    /// Show earlier messages, oldest first
    History {
        /// Node or alias
        node: String,
        /// It is a room
        #[arg(short, long)]
        room: bool,
        /// Only messages before that number
        #[arg(long, value_name = "MID")]
        before: Option<i64>,
        /// At most so many
        #[arg(short, long, value_name = "N", default_value_t = 20)]
        limit: usize,
    },
    /// Send a message and wait until the server has stored it
    Send {
        /// Node or alias
        node: String,
        /// It is a room
        #[arg(short, long)]
        room: bool,
        /// The text; without it standard input is sent as one message
        text: Vec<String>,
        /// Send every line of standard input as a message of its own
        #[arg(long, conflicts_with = "text")]
        lines: bool,
        /// Give up when nothing was confirmed for so many seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        timeout: u64,
    },
    /// Print what arrives as JSON, one object per line
    Listen {
        /// Stop after so many messages
        #[arg(long, value_name = "N")]
        count: Option<u64>,
        /// Stop after so many seconds; exit code 4 when --count was not reached
        #[arg(long, value_name = "SECONDS")]
        timeout: Option<f64>,
        /// Stop when everything that had waited was printed
        #[arg(long)]
        drain: bool,
        /// Print presence too: who comes, goes, and what they say of themselves
        #[arg(long)]
        presence: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RoomCommand {
    /// Create a room and print its node; joining needs approval unless it is open
    Create {
        /// Title
        topic: String,
        /// Anybody may join
        #[arg(long)]
        open: bool,
    },
    /// List the rooms you are in
    List,
    /// List the rooms you block
    Blocked,
    /// Show topic, founder and managers
    Info {
        /// Room node or alias
        room: String,
    },
    /// Change the topic (staff)
    Topic {
        /// Room node or alias
        room: String,
        /// The new topic
        #[arg(required = true)]
        topic: Vec<String>,
    },
    /// Name the managers, all of them (founder)
    Managers {
        /// Room node or alias
        room: String,
        /// Members; none takes the office from all
        users: Vec<String>,
    },
    /// List the members
    Members {
        /// Room node or alias
        room: String,
    },
    /// List whom the room blocks (staff)
    BlockedMembers {
        /// Room node or alias
        room: String,
    },
    /// Join an open room, or ask to join a private one
    Join {
        /// Room node or alias
        room: String,
        /// What the staff is told
        #[arg(short, long, default_value = "")]
        text: String,
    },
    /// Add somebody
    Invite {
        /// Room node or alias
        room: String,
        /// Node or alias
        node: String,
    },
    /// Let somebody in who asked (staff)
    Approve {
        /// Room node or alias
        room: String,
        /// Node or alias
        node: String,
    },
    /// Refuse somebody who asked (staff)
    Reject {
        /// Room node or alias
        room: String,
        /// Node or alias
        node: String,
        /// The reason
        #[arg(short, long, default_value = "")]
        text: String,
    },
    /// Remove a member (staff)
    Kick {
        /// Room node or alias
        room: String,
        /// Node or alias
        node: String,
    },
    /// Remove a member who may not ask to come back (staff)
    BlockMember {
        /// Room node or alias
        room: String,
        /// Node or alias
        node: String,
    },
    /// Lift that (staff)
    UnblockMember {
        /// Room node or alias
        room: String,
        /// Node or alias
        node: String,
    },
    /// Leave a room, or withdraw a request
    Leave {
        /// Room node or alias
        room: String,
    },
    /// End a room that has no other members (founder)
    Dissolve {
        /// Room node or alias
        room: String,
    },
    /// Leave a room and do not let anybody add you again
    Block {
        /// Room node or alias
        room: String,
    },
    /// Lift that
    Unblock {
        /// Room node or alias
        room: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Saving {
    /// Keep the password in the settings, readable by you only
    #[arg(long)]
    pub(crate) save_password: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_account_option_is_not_mistaken_for_an_argument() {
        let arguments = Arguments::parse_from(["tim", "-n", "alice", "alias", "bob", "NODE"]);
        assert_eq!(arguments.options.name.as_deref(), Some("alice"));
        assert!(matches!(
            arguments.command,
            Command::Alias { alias: Some(alias), node: Some(node), remove: false } if alias == "bob" && node == "NODE"
        ));
        let arguments = Arguments::parse_from(["tim", "register", "bob", "-n", "alice"]);
        assert_eq!(arguments.options.name.as_deref(), Some("alice"));
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
