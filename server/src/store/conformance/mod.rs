//! What every back end must do, as one named test for each statement of the trait.

use tim_protocol::node::wide_account_node;

use super::ids::AccountId;

/// An account id for tests.
#[must_use]
pub fn account_id(name: &str) -> AccountId {
    AccountId::new(wide_account_node(&[1; 32], "", name))
}
