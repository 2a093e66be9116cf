//! What every back end must do: one named test for each statement of the trait [`Store`]. A back
//! end describes how it is opened with a [`Subject`] and runs everything with
//! [`store_conformance!`](crate::store_conformance).

#![allow(missing_docs, reason = "the tests are named by the statement they check")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod accounts;
mod administration;
mod contacts;
mod conversations;
mod directories;
mod files;
mod inboxes;
mod keys;
mod logs;
mod model;
mod profiles;
mod room_model;
mod rooms;
mod web_sessions;

use std::sync::Arc;

use bytes::Bytes;
use tim_protocol::node::wide_account_node;

use super::Store;
use super::ids::{AccountId, ConversationId, DeviceKey, Mid, RoomId, Seq, Timestamp};
use super::record::{Advance, Append, Appended, InboxItem, NewAccount};

pub use self::accounts::*;
pub use self::administration::*;
pub use self::contacts::*;
pub use self::conversations::*;
pub use self::directories::*;
pub use self::files::*;
pub use self::inboxes::*;
pub use self::keys::*;
pub use self::logs::*;
pub use self::model::{Operation, compare, operations};
pub use self::profiles::*;
pub use self::room_model::RoomOperation;
pub use self::rooms::*;
pub use self::web_sessions::*;

/// A back end under test.
pub trait Subject: Send + Sync {
    /// Opens the store. The first call makes an empty one; each later call opens the same data
    /// again, after the store opened before was closed.
    fn open(&self) -> Arc<dyn Store>;

    /// Whether data survives closing. When not, tests do not close the store in between.
    fn durable(&self) -> bool;
}

/// Expands to one `#[tokio::test]` for each statement. The argument is an expression that yields
/// a new [`Subject`](crate::store::conformance::Subject) without data.
#[macro_export]
macro_rules! store_conformance {
    ($subject:expr) => {
        $crate::store_conformance! { @each $subject;
            an_account_reads_back_as_created
            an_account_is_created_once
            two_concurrent_registrations_make_one_account
            an_unknown_account_is_none
            a_password_can_be_replaced
            a_suspension_is_stored_and_lifted
            changes_of_unknown_accounts_are_refused
            a_token_is_taken_once
            two_concurrent_logins_with_a_token_let_one_in
            an_expired_token_is_not_returned_and_is_gone
            a_session_reads_back_and_ends_once
            the_last_use_of_a_session_only_moves_forward
            the_sessions_of_an_account_end_except_some
            the_session_unused_for_longest_makes_room_for_a_new_one
            sessions_long_unused_are_forgotten
            accounts_of_a_domain_are_listed_in_pages
            rooms_of_a_domain_are_listed_in_pages
            the_first_message_that_waits_is_found
            a_record_is_inserted_once_replaced_and_removed
            a_record_that_changed_meanwhile_is_not_replaced
            the_audit_log_is_numbered_and_read_backwards
            accounts_are_listed_in_pages_in_every_order
            lists_of_accounts_are_filtered
            strangers_have_no_relation
            a_relation_is_seen_from_both_sides
            a_relation_that_changed_meanwhile_is_not_overwritten
            two_concurrent_changes_of_a_relation_let_one_through
            a_relation_can_be_deleted
            both_sides_can_block_each_other_independently
            a_change_of_a_relation_puts_notices_into_inboxes
            contact_lists_are_sorted_and_apart
            messages_get_dense_numbers_in_batch_order
            conversations_are_numbered_independently
            a_repeated_message_is_stored_once
            a_repeat_inside_one_batch_is_recognised
            the_same_client_number_of_two_authors_is_no_repeat
            the_same_client_number_in_two_conversations_is_no_repeat
            messages_without_client_number_are_never_repeats
            a_repeat_of_a_recalled_message_has_no_body
            a_repeat_puts_nothing_into_inboxes
            one_message_can_go_to_many_inboxes
            a_page_of_history_is_bounded_by_bytes_but_never_empty
            the_device_unseen_for_longest_makes_room_for_a_new_one
            concurrent_batches_leave_no_gap
            an_empty_batch_is_fine
            large_bodies_survive
            history_is_newest_first_and_limited
            history_starts_at_a_number_inclusive
            history_starts_at_a_time_inclusive
            history_by_time_works_when_the_clock_went_backwards
            history_of_an_unknown_conversation_is_empty
            history_leaves_recalled_messages_out
            only_the_author_can_recall
            a_recall_happens_once
            a_recall_puts_notices_into_inboxes
            a_recalled_number_is_not_used_again
            inboxes_are_numbered_densely_and_independently
            packets_and_references_read_back_in_order
            a_reference_tells_the_number_its_author_gave
            a_reference_to_a_recalled_message_has_no_body
            a_reference_to_nothing_has_no_body
            reading_is_limited_by_number
            reading_is_limited_by_bytes_after_the_first
            an_unused_inbox_is_empty
            a_new_device_starts_where_no_other_has_acknowledged
            positions_only_move_forward
            a_position_beyond_the_end_is_the_end
            entries_passed_by_all_devices_are_gone
            entries_wait_for_the_slowest_device
            an_emptied_inbox_goes_on_counting
            a_forgotten_device_no_longer_holds_entries
            forgetting_devices_keeps_the_start_of_new_ones
            a_seen_device_is_not_forgotten
            a_forgotten_device_can_come_back
            devices_of_two_accounts_are_independent
            device_names_are_told_apart_exactly
            a_profile_reads_back_as_set
            profiles_come_in_the_order_asked_for
            an_account_that_does_not_exist_gets_no_profile
            a_room_reads_back_as_created
            a_room_id_is_used_once
            a_founder_is_the_first_member
            a_room_changes_only_from_the_version_that_was_seen
            of_two_concurrent_changes_of_a_room_one_goes_through
            managers_are_members_and_not_the_founder
            a_manager_who_leaves_is_none_any_more
            a_relation_to_a_room_is_stored_and_deleted
            a_membership_that_changed_meanwhile_is_not_overwritten
            of_two_concurrent_changes_of_a_membership_one_goes_through
            a_room_that_is_not_there_has_no_members
            a_change_of_a_membership_puts_notices_into_inboxes
            a_new_member_is_told_where_the_log_is
            members_are_listed_in_pages_sorted_by_id
            blocks_of_a_room_are_listed_in_pages_sorted_by_id
            rooms_of_an_account_are_sorted_and_apart
            a_room_with_other_members_is_not_dissolved
            a_dissolved_room_stays_readable_and_unchangeable
            a_dissolved_room_has_relations_to_nobody
            a_log_holds_messages_and_packets_in_order
            a_log_can_be_read_from_everywhere
            reading_a_log_is_limited_by_bytes_after_the_first
            packets_in_a_log_are_not_in_the_history
            a_log_tells_the_number_the_author_gave
            a_repeat_takes_no_place_in_the_log
            packets_go_into_a_log_on_their_own
            a_recall_that_fails_leaves_no_packet
            a_member_starts_where_it_joined
            positions_in_rooms_only_move_forward
            devices_have_positions_of_their_own
            a_new_device_starts_where_the_furthest_is_and_stays_there
            a_device_starts_in_a_new_room_where_its_owner_joined
            only_members_have_positions
            unknown_devices_get_no_positions
            whoever_leaves_a_room_loses_its_positions
            a_forgotten_device_never_moves_a_new_one_back
            a_device_that_made_room_never_moves_a_new_one_back
            many_positions_are_moved_at_once
            a_file_reads_back_once_it_has_arrived
            a_file_is_named_by_one_message_of_its_uploader_in_its_conversation
            a_message_that_may_not_name_its_file_is_not_stored
            a_repeat_of_a_message_with_a_file_is_a_repeat
            a_file_goes_with_its_message
            a_file_nobody_names_can_be_deleted_by_its_uploader
            old_files_that_nobody_names_expire
            a_deleted_file_is_remembered_until_its_bytes_are_gone
            files_that_were_arriving_are_abandoned
            an_uploader_has_no_more_than_its_quota
            a_new_picture_replaces_the_one_before
            a_message_names_no_picture
            a_file_stays_readable_under_a_new_key
            key_rotation_keeps_everything_readable
            reencryption_ends_and_keeps_everything_readable
            a_closed_store_is_unavailable
            what_was_answered_is_there_after_reopening
        }
    };
    (@each $subject:expr; $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                $crate::store::conformance::$name(&$subject).await;
            }
        )*
    };
}

/// An account id for tests.
#[must_use]
pub fn account_id(name: &str) -> AccountId {
    AccountId::new(wide_account_node(&[1; 32], "", name))
}

/// A conversation for tests.
#[must_use]
pub fn conversation(number: u8) -> ConversationId {
    ConversationId([number; 16])
}

/// A room for tests.
#[must_use]
pub fn room_id(number: u8) -> RoomId {
    RoomId::new(wide_account_node(&[2; 32], "", &format!("room {number}")))
}

/// A device for tests.
#[must_use]
pub fn device(name: &str) -> DeviceKey {
    DeviceKey(name.into())
}

/// Closes and opens a durable store; answers another one unchanged.
async fn reopen(subject: &dyn Subject, store: Arc<dyn Store>) -> Arc<dyn Store> {
    if !subject.durable() {
        return store;
    }
    store.close().await;
    drop(store);
    subject.open()
}

fn new_account(name: &str) -> NewAccount {
    NewAccount {
        id: account_id(name),
        domain: "example".to_owned(),
        password_hash: format!("$argon2id$v=19$of-{name}"),
        created: Timestamp(1_000),
    }
}

/// A message from `a` in a conversation, to nobody's inbox.
fn message(conversation_number: u8, client_id: Option<i64>, text: &str) -> Append {
    Append {
        conversation: conversation(conversation_number),
        sender: account_id("a"),
        client_id,
        timestamp: Timestamp(100),
        body: Bytes::copy_from_slice(text.as_bytes()),
        inboxes: Vec::new(),
        file: None,
    }
}

fn packet(owner: &str, text: &str) -> InboxItem {
    InboxItem::Packet {
        owner: account_id(owner),
        body: Bytes::copy_from_slice(text.as_bytes()),
    }
}

fn advance(owner: &str, name: &str, position: i64, seen: i64) -> Advance {
    Advance {
        owner: account_id(owner),
        device: device(name),
        position: Seq(position),
        seen: Timestamp(seen),
    }
}

/// The number of a message that was stored.
fn stored(outcome: &Appended) -> (Mid, Vec<Seq>) {
    match outcome {
        Appended::Stored { mid, seqs, .. } => (*mid, seqs.clone()),
        Appended::Duplicate(original) => panic!("taken for a repeat of {original:?}"),
        Appended::FileRefused => panic!("refused for its file"),
    }
}
