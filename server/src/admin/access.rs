//! Who may do what: roles and scopes, and how far the reach of a caller goes. The table of calls says what each
//! call needs; nothing else decides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Scope {
    /// See accounts and their devices.
    #[serde(rename = "accounts:read")]
    AccountsRead,
    /// Create and suspend accounts, reset passwords, change profiles, log out.
    #[serde(rename = "accounts:write")]
    AccountsWrite,
    /// Log in as any account.
    #[serde(rename = "tokens:issue")]
    TokensIssue,
    /// See friends and blocks.
    #[serde(rename = "contacts:read")]
    ContactsRead,
    /// Change them on behalf of accounts.
    #[serde(rename = "contacts:write")]
    ContactsWrite,
    /// See rooms and members.
    #[serde(rename = "rooms:read")]
    RoomsRead,
    /// Change rooms, virtual ones too, on behalf of accounts.
    #[serde(rename = "rooms:write")]
    RoomsWrite,
    /// Send system messages, messages in the name of accounts, and presence.
    #[serde(rename = "messages:send")]
    MessagesSend,
    /// Read what others wrote to each other.
    #[serde(rename = "history:read")]
    HistoryRead,
    /// Delete it.
    #[serde(rename = "history:delete")]
    HistoryDelete,
    /// See figures and metrics.
    #[serde(rename = "statistics:read")]
    StatisticsRead,
    /// See the configuration.
    #[serde(rename = "configuration:read")]
    ConfigurationRead,
    /// Read certificates again, rotate the data key.
    #[serde(rename = "server:operate")]
    ServerOperate,
    /// Read the audit log.
    #[serde(rename = "audit:read")]
    AuditRead,
    /// See who manages the server and which keys there are.
    #[serde(rename = "operators:read")]
    OperatorsRead,
    /// Change that.
    #[serde(rename = "operators:write")]
    OperatorsWrite,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::AccountsRead,
        Self::AccountsWrite,
        Self::TokensIssue,
        Self::ContactsRead,
        Self::ContactsWrite,
        Self::RoomsRead,
        Self::RoomsWrite,
        Self::MessagesSend,
        Self::HistoryRead,
        Self::HistoryDelete,
        Self::StatisticsRead,
        Self::ConfigurationRead,
        Self::ServerOperate,
        Self::AuditRead,
        Self::OperatorsRead,
        Self::OperatorsWrite,
    ];

    /// Whether an API key may have it. Only people say who manages the server.
    #[must_use]
    pub fn is_for_keys(self) -> bool {
        !matches!(self, Self::OperatorsRead | Self::OperatorsWrite)
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The names are written once, where they are serialized.
        self.serialize(f)
    }
}

/// What somebody who manages the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May do everything.
    Owner,
    /// Runs the server: everything but saying who manages it.
    Operator,
    /// May look, but not change anything, nor read what people write to each other.
    Auditor,
}

impl Role {
    /// Whether the role has a right.
    #[must_use]
    pub fn has(self, scope: Scope) -> bool {
        match self {
            Self::Owner => true,
            Self::Operator => scope != Scope::OperatorsWrite,
            Self::Auditor => matches!(
                scope,
                Scope::AccountsRead
                    | Scope::ContactsRead
                    | Scope::RoomsRead
                    | Scope::StatisticsRead
                    | Scope::ConfigurationRead
                    | Scope::AuditRead
                    | Scope::OperatorsRead
            ),
        }
    }
}

/// How far a call reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It concerns accounts and rooms of one domain: a caller of a domain may make it for that domain.
    Domain,
    /// It concerns the whole server: callers that are limited to a domain may not make it.
    Server,
}

/// What a call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it is how one logs in, or public.
    Nothing,
    /// Somebody who has logged in; the call concerns only the own access.
    Person,
    /// A right.
    Right(Scope, Reach),
}

/// Who calls.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Name for the audit log: `operator:NAME` or `key:ID`.
    pub name: String,
    /// The person, unless it is a key.
    pub operator: Option<String>,
    /// The only domain it may act in; `None`: all.
    pub domain: Option<String>,
    rights: Rights,
}

#[derive(Clone, Debug)]
enum Rights {
    Role(Role),
    Scopes(Vec<Scope>),
}

impl Caller {
    /// A person who has logged in.
    #[must_use]
    pub fn person(name: &str, role: Role, domain: Option<String>) -> Self {
        Self {
            name: format!("operator:{name}"),
            operator: Some(name.to_owned()),
            domain,
            rights: Rights::Role(role),
        }
    }

    /// A program with a key.
    #[must_use]
    pub fn key(id: &str, scopes: Vec<Scope>, domain: Option<String>) -> Self {
        Self {
            name: format!("key:{id}"),
            operator: None,
            domain,
            rights: Rights::Scopes(scopes),
        }
    }

    /// Whether it has a right.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        match &self.rights {
            Rights::Role(role) => role.has(scope),
            Rights::Scopes(scopes) => scope.is_for_keys() && scopes.contains(&scope),
        }
    }

    /// Whether it may make a call.
    #[must_use]
    pub fn may(&self, needs: Needs) -> bool {
        match needs {
            Needs::Nothing => true,
            Needs::Person => self.operator.is_some(),
            Needs::Right(scope, reach) => {
                self.has(scope) && (reach == Reach::Domain || self.domain.is_none())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_has_its_own_name() {
        let mut names: Vec<String> = Scope::ALL.iter().map(Scope::to_string).collect();
        assert_eq!(names[0], "accounts:read");
        names.sort();
        names.dedup();
        assert_eq!(names.len(), Scope::ALL.len());
    }

    #[test]
    fn an_auditor_changes_nothing_and_reads_no_messages() {
        for scope in Scope::ALL {
            let reads = scope.to_string().ends_with(":read") && scope != Scope::HistoryRead;
            assert_eq!(Role::Auditor.has(scope), reads, "{scope}");
        }
    }

    #[test]
    fn only_owners_say_who_manages_the_server() {
        assert!(Role::Owner.has(Scope::OperatorsWrite));
        assert!(!Role::Operator.has(Scope::OperatorsWrite));
        let key = Caller::key("k", Scope::ALL.to_vec(), None);
        assert!(!key.has(Scope::OperatorsWrite) && !key.has(Scope::OperatorsRead));
        assert!(key.has(Scope::AccountsWrite));
    }

    #[test]
    fn a_caller_of_a_domain_does_not_reach_the_whole_server() {
        let caller = Caller::person("ann", Role::Owner, Some("x".to_owned()));
        assert!(caller.may(Needs::Right(Scope::AccountsWrite, Reach::Domain)));
        assert!(!caller.may(Needs::Right(Scope::ConfigurationRead, Reach::Server)));
        let everywhere = Caller::person("ann", Role::Owner, None);
        assert!(everywhere.may(Needs::Right(Scope::ConfigurationRead, Reach::Server)));
        assert!(!Caller::key("k", Scope::ALL.to_vec(), None).may(Needs::Person));
    }
}
