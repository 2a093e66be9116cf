//! Fills the settings of the engine and of the sessions from the configuration.

use super::Config;
use super::value::{RoomReaders, UserReaders};
use crate::engine::Settings;
use crate::engine::settings::{
    AccountSettings, AttemptLimit, DeliverySettings, FileSettings, GuessingSettings, ListingSettings,
    MessageSettings, PasswordSettings, PresenceSettings, ProfileSettings, RoomSettings, VirtualRoomSettings,
};
use crate::gateway::session::SessionLimits;

impl Config {
    /// Whether ids of accounts and rooms come from elsewhere.
    fn has_foreign_ids(&self) -> bool {
        let Self { external, .. } = self;
        external.trust_all
            || external.accept_any
            || !external.api_url.is_empty()
            || !external.database_url.0.is_empty()
    }

    /// The settings of the engine.
    #[must_use]
    pub fn engine_settings(&self) -> Settings {
        let Self {
            accounts,
            passwords,
            limits,
            messages,
            delivery,
            presence,
            virtual_rooms,
            rooms,
            profiles,
            web,
            directory,
            files,
            ..
        } = self;
        Settings {
            accounts: AccountSettings {
                registration: accounts.registration,
                device_limit: accounts.device_limit,
                device_type_limit: accounts.device_type_limit,
                relogin_interval: accounts.relogin_interval,
                token_lifetime: accounts.token_lifetime,
                forget_devices_after: accounts.forget_devices_after,
                session_lifetime: web.session_lifetime,
                max_name_bytes: accounts.max_name_bytes,
                max_password_bytes: accounts.max_password_bytes,
            },
            passwords: PasswordSettings {
                memory_kib: passwords.memory_kib,
                iterations: passwords.iterations,
                parallelism: passwords.parallelism,
                threads: passwords.threads,
                queue: passwords.queue,
            },
            guessing: GuessingSettings {
                failures_per_address: AttemptLimit {
                    burst: limits.failures_per_address,
                    refill: limits.failures_per_address_refill,
                },
                failures_per_account: AttemptLimit {
                    burst: limits.failures_per_account,
                    refill: limits.failures_per_account_refill,
                },
                registrations_per_address: AttemptLimit {
                    burst: limits.registrations_per_address,
                    refill: limits.registrations_per_address_refill,
                },
            },
            messages: MessageSettings {
                require_friendship: messages.require_friendship,
                allow_client_notices: messages.allow_client_notices,
                foreign_ids: self.has_foreign_ids(),
                queue: messages.queue,
                batch: messages.batch,
                history_page: messages.history_page,
                history_page_bytes: messages.history_page_bytes.0,
            },
            delivery: DeliverySettings {
                ack_timeout: delivery.ack_timeout,
                // The range was checked when the configuration was read.
                attempts: u8::try_from(delivery.attempts).unwrap_or(u8::MAX),
                window: delivery.window,
                window_bytes: delivery.window_bytes.0,
                offline_batch: delivery.offline_batch,
                offline_batch_bytes: delivery.offline_batch_bytes.0,
                offline_window: delivery.offline_window,
                backlog_grace: delivery.backlog_grace,
                outlet_packets: delivery.outlet_packets,
                outlet_bytes: delivery.outlet_bytes.0,
                position_interval: delivery.position_interval,
                room_position_interval: delivery.room_position_interval,
            },
            virtual_rooms: VirtualRoomSettings {
                per_account: virtual_rooms.per_account,
                subscriptions_per_session: virtual_rooms.subscriptions_per_session,
                expire_after: virtual_rooms.expire_after,
                waiting_bytes: virtual_rooms.waiting_bytes.0,
                deliveries_per_second: virtual_rooms.deliveries_per_second,
            },
            presence: PresenceSettings {
                to_strangers: presence.to_strangers,
                offline_notices: presence.offline_notices,
                max_list: presence.max_list,
                max_bytes: presence.max_bytes.0,
                deliveries_per_second: presence.deliveries_per_second,
                queue: presence.queue,
            },
            rooms: RoomSettings {
                rooms_per_account: rooms.per_account,
                creations: AttemptLimit {
                    burst: rooms.creations,
                    refill: rooms.creations_refill,
                },
                list_bytes: rooms.list_bytes.0,
            },
            files: FileSettings {
                max_bytes: files.max_bytes.0 as u64,
                bytes_per_account: files.bytes_per_account.0 as u64,
                uploads: files.uploads,
                uploads_per_account: files.uploads_per_account,
                unused_lifetime: files.unused_lifetime,
            },
            listing: ListingSettings {
                users: directory.users,
                rooms: directory.rooms,
            },
            profiles: ProfileSettings {
                users_for_contacts_only: profiles.users == UserReaders::Contacts,
                rooms_for_members_only: profiles.rooms == RoomReaders::Members,
                max_bytes: profiles.max_bytes.0,
            },
        }
    }

    /// The limits of one session.
    #[must_use]
    pub fn session_limits(&self) -> SessionLimits {
        let limits = &self.limits;
        SessionLimits {
            login_timeout: limits.login_timeout,
            silence_timeout: limits.ping_timeout,
            packet_bytes_before_login: limits.max_login_packet.0,
            packet_bytes: limits.max_packet.0,
            disabled: self
                .operations
                .disabled
                .iter()
                .map(|operation| operation.0)
                .collect(),
            big_data_bytes: limits.big_data_bytes.0,
            big_data_total_bytes: limits.big_data_total_bytes.0,
            packets_per_second: limits.packets_per_second,
            packets_per_second_per_account: limits.packets_per_second_per_account,
            waiting_packets: limits.waiting_packets,
            waiting_bytes: limits.waiting_bytes.0,
            outgoing_bytes: limits.outgoing_bytes.0,
            unanswered_sends: limits.unanswered_sends,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_file_are_those_of_the_engine_and_the_sessions() {
        let config = Config::default();
        assert_eq!(
            format!("{:?}", config.engine_settings()),
            format!("{:?}", Settings::default())
        );
        assert_eq!(
            format!("{:?}", config.session_limits()),
            format!("{:?}", SessionLimits::default())
        );
    }
}
