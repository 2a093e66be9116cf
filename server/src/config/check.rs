//! Bounds of single values and rules between values.

use std::time::Duration;

use super::{ByteSize, Config, FileStorage, StorageKind, find};

/// The first rule a configuration breaks.
pub(super) struct Problem {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    pub(super) reason: String,
}

struct Check(Option<Problem>);

impl Check {
    fn rule(&mut self, holds: bool, section: &'static str, name: &'static str, reason: &str) {
        debug_assert!(
            find(section, name).is_some(),
            "a rule about {section}.{name}, which does not exist"
        );
        if !holds && self.0.is_none() {
            self.0 = Some(Problem {
                section,
                name,
                reason: reason.to_owned(),
            });
        }
    }

    fn at_least<T: PartialOrd + std::fmt::Display>(
        &mut self,
        value: &T,
        least: &T,
        section: &'static str,
        name: &'static str,
    ) {
        self.rule(
            value >= least,
            section,
            name,
            &format!("it must be at least {least}"),
        );
    }

    fn at_most<T: PartialOrd + std::fmt::Display>(
        &mut self,
        value: &T,
        most: &T,
        section: &'static str,
        name: &'static str,
    ) {
        self.rule(
            value <= most,
            section,
            name,
            &format!("it must be at most {most}"),
        );
    }

    fn not_zero(&mut self, value: Duration, section: &'static str, name: &'static str) {
        self.rule(!value.is_zero(), section, name, "it must be longer than 0");
    }
}

/// The first problem of a configuration.
pub(super) fn problem(config: &Config) -> Option<Problem> {
    let mut check = Check(None);
    sockets(&mut check, config);
    accounts(&mut check, config);
    limits(&mut check, config);
    messages(&mut check, config);
    delivery(&mut check, config);
    presence(&mut check, config);
    virtual_rooms(&mut check, config);
    rooms(&mut check, config);
    files(&mut check, config);
    external(&mut check, config);
    admin(&mut check, config);
    check.0
}

fn sockets(check: &mut Check, config: &Config) {
    check.not_zero(config.listen.handshake_timeout, "listen", "handshake_timeout");
    check.at_least(&config.listen.backlog, &1, "listen", "backlog");
    check.at_most(&config.listen.backlog, &65_535, "listen", "backlog");
    let tls = &config.tls;
    check.rule(
        tls.certificate.is_some() || tls.key.is_none(),
        "tls",
        "certificate",
        "tls.key is set, so the certificate is needed as well",
    );
    check.rule(
        tls.key.is_some() || tls.certificate.is_none(),
        "tls",
        "key",
        "tls.certificate is set, so the private key is needed as well",
    );
    check.rule(
        config.keys.master_file.is_none() || config.keys.master_command.is_empty(),
        "keys",
        "master_command",
        "keys.master_file is set too; only one of them can give the master key",
    );
    check.at_most(&config.process.workers, &1_024, "process", "workers");
    check.rule(
        config.log.level.parse::<tracing_subscriber::EnvFilter>().is_ok(),
        "log",
        "level",
        "it is neither a level (error, warn, info, debug, trace) nor a filter such as \"info,tim_server=debug\"",
    );
}

fn admin(check: &mut Check, config: &Config) {
    check.at_least(&config.admin.connections, &1, "admin", "connections");
    check.not_zero(config.admin.session_idle, "admin", "session_idle");
    check.not_zero(config.admin.session_lifetime, "admin", "session_lifetime");
    check.at_least(
        &config.admin.deliveries_per_second,
        &1,
        "admin",
        "deliveries_per_second",
    );
}

fn accounts(check: &mut Check, config: &Config) {
    let passwords = &config.passwords;
    check.at_least(&passwords.iterations, &1, "passwords", "iterations");
    check.at_most(&passwords.iterations, &1_000, "passwords", "iterations");
    check.at_least(&passwords.parallelism, &1, "passwords", "parallelism");
    check.at_most(&passwords.parallelism, &64, "passwords", "parallelism");
    check.at_least(
        &passwords.memory_kib,
        &passwords.parallelism.saturating_mul(8),
        "passwords",
        "memory_kib",
    );
    check.at_most(&passwords.memory_kib, &4_194_304, "passwords", "memory_kib");
    check.at_most(&passwords.threads, &256, "passwords", "threads");
    check.at_least(&passwords.queue, &1, "passwords", "queue");
    check.at_most(&passwords.queue, &1_000_000, "passwords", "queue");

    let accounts = &config.accounts;
    check.at_least(&accounts.max_name_bytes, &1, "accounts", "max_name_bytes");
    check.at_most(&accounts.max_name_bytes, &4_096, "accounts", "max_name_bytes");
    check.at_least(&accounts.max_password_bytes, &1, "accounts", "max_password_bytes");
    check.at_most(
        &accounts.max_password_bytes,
        &4_096,
        "accounts",
        "max_password_bytes",
    );
    check.at_least(&accounts.device_limit, &1, "accounts", "device_limit");
    check.at_most(&accounts.device_limit, &1_000, "accounts", "device_limit");
    check.at_least(&accounts.device_type_limit, &1, "accounts", "device_type_limit");
    check.not_zero(accounts.token_lifetime, "accounts", "token_lifetime");
    check.rule(
        config.web.session_lifetime >= Duration::from_secs(7_200),
        "web",
        "session_lifetime",
        "it must be at least \"2h\", because the last use is noted once an hour",
    );
    check.rule(
        accounts.forget_devices_after >= Duration::from_secs(3_600),
        "accounts",
        "forget_devices_after",
        "it must be at least \"1h\", or devices lose messages that wait for them",
    );
}

fn limits(check: &mut Check, config: &Config) {
    let limits = &config.limits;
    check.at_least(&limits.connections, &1, "limits", "connections");
    check.at_least(
        &limits.unauthenticated_per_address,
        &1,
        "limits",
        "unauthenticated_per_address",
    );
    check.not_zero(limits.login_timeout, "limits", "login_timeout");
    check.not_zero(limits.ping_timeout, "limits", "ping_timeout");
    check.not_zero(limits.write_timeout, "limits", "write_timeout");
    check.at_least(
        &limits.max_login_packet,
        &ByteSize::kib(1),
        "limits",
        "max_login_packet",
    );
    check.at_least(
        &limits.max_packet,
        &limits.max_login_packet,
        "limits",
        "max_packet",
    );
    check.rule(
        limits.max_packet <= ByteSize(32 << 20),
        "limits",
        "max_packet",
        "published clients cannot handle packets above \"32MiB\"",
    );
    check.at_least(
        &limits.big_data_bytes,
        &limits.max_packet,
        "limits",
        "big_data_bytes",
    );
    check.rule(
        limits.big_data_bytes <= ByteSize(256 << 20),
        "limits",
        "big_data_bytes",
        "it must be at most \"256MiB\"",
    );
    check.at_least(
        &limits.big_data_total_bytes,
        &limits.big_data_bytes,
        "limits",
        "big_data_total_bytes",
    );
    check.at_least(&limits.waiting_packets, &1, "limits", "waiting_packets");
    check.at_least(
        &limits.waiting_bytes,
        &ByteSize::kib(1),
        "limits",
        "waiting_bytes",
    );
    check.at_least(
        &limits.outgoing_bytes,
        &ByteSize::kib(1),
        "limits",
        "outgoing_bytes",
    );
    check.at_least(&limits.unanswered_sends, &1, "limits", "unanswered_sends");
    check.not_zero(
        limits.failures_per_account_refill,
        "limits",
        "failures_per_account_refill",
    );
    check.not_zero(
        limits.failures_per_address_refill,
        "limits",
        "failures_per_address_refill",
    );
    check.not_zero(
        limits.registrations_per_address_refill,
        "limits",
        "registrations_per_address_refill",
    );
}

fn messages(check: &mut Check, config: &Config) {
    let messages = &config.messages;
    check.at_least(&messages.queue, &1, "messages", "queue");
    check.at_most(&messages.queue, &10_000_000, "messages", "queue");
    check.at_least(&messages.batch, &1, "messages", "batch");
    check.at_most(&messages.batch, &65_536, "messages", "batch");
    check.rule(
        messages.batch <= messages.queue,
        "messages",
        "batch",
        "it must be at most messages.queue, or no batch can ever be full",
    );
    check.at_least(&messages.history_page, &1, "messages", "history_page");
    check.at_most(&messages.history_page, &10_000, "messages", "history_page");
    check.at_least(
        &messages.history_page_bytes,
        &ByteSize::kib(1),
        "messages",
        "history_page_bytes",
    );
    check.rule(
        messages.history_page_bytes <= ByteSize(32 << 20),
        "messages",
        "history_page_bytes",
        "published clients cannot handle packets above \"32MiB\"",
    );
}

fn delivery(check: &mut Check, config: &Config) {
    let delivery = &config.delivery;
    check.not_zero(delivery.ack_timeout, "delivery", "ack_timeout");
    check.at_least(&delivery.attempts, &1, "delivery", "attempts");
    check.at_most(&delivery.attempts, &255, "delivery", "attempts");
    check.at_least(&delivery.window, &1, "delivery", "window");
    check.at_most(&delivery.window, &65_536, "delivery", "window");
    check.at_least(
        &delivery.window_bytes,
        &ByteSize::kib(1),
        "delivery",
        "window_bytes",
    );
    check.at_least(&delivery.offline_batch, &1, "delivery", "offline_batch");
    check.at_most(&delivery.offline_batch, &1_000, "delivery", "offline_batch");
    check.at_least(
        &delivery.offline_batch_bytes,
        &ByteSize::kib(1),
        "delivery",
        "offline_batch_bytes",
    );
    check.at_most(
        &delivery.offline_batch_bytes,
        &config.limits.max_packet,
        "delivery",
        "offline_batch_bytes",
    );
    check.at_least(&delivery.offline_window, &1, "delivery", "offline_window");
    check.at_most(&delivery.offline_window, &1_024, "delivery", "offline_window");
    check.at_least(&delivery.outlet_packets, &1, "delivery", "outlet_packets");
    check.at_most(&delivery.outlet_packets, &1_000_000, "delivery", "outlet_packets");
    check.at_least(
        &delivery.outlet_bytes,
        &ByteSize::kib(1),
        "delivery",
        "outlet_bytes",
    );
    check.not_zero(delivery.position_interval, "delivery", "position_interval");
    check.not_zero(
        delivery.room_position_interval,
        "delivery",
        "room_position_interval",
    );
}

fn presence(check: &mut Check, config: &Config) {
    let presence = &config.presence;
    check.at_most(&presence.max_list, &100_000, "presence", "max_list");
    check.at_least(&presence.max_bytes, &ByteSize::kib(1), "presence", "max_bytes");
    check.at_most(
        &presence.max_bytes,
        &config.limits.max_packet,
        "presence",
        "max_bytes",
    );
    check.at_least(
        &presence.deliveries_per_second,
        &1,
        "presence",
        "deliveries_per_second",
    );
    check.at_least(&presence.queue, &1, "presence", "queue");
    check.at_most(&presence.queue, &10_000_000, "presence", "queue");
}

fn rooms(check: &mut Check, config: &Config) {
    let rooms = &config.rooms;
    check.at_least(&rooms.per_account, &1, "rooms", "per_account");
    check.at_most(&rooms.per_account, &100_000, "rooms", "per_account");
    check.not_zero(rooms.creations_refill, "rooms", "creations_refill");
    check.at_least(&rooms.list_bytes, &ByteSize::kib(1), "rooms", "list_bytes");
    check.rule(
        rooms.list_bytes <= ByteSize(32 << 20),
        "rooms",
        "list_bytes",
        "published clients cannot handle packets above \"32MiB\"",
    );
    check.at_least(
        &config.profiles.max_bytes,
        &ByteSize::kib(1),
        "profiles",
        "max_bytes",
    );
    check.rule(
        config.profiles.max_bytes <= ByteSize(1 << 20),
        "profiles",
        "max_bytes",
        "a list of profiles would not fit a packet; it must be at most \"1MiB\"",
    );
}

fn virtual_rooms(check: &mut Check, config: &Config) {
    let rooms = &config.virtual_rooms;
    check.at_most(&rooms.per_account, &100_000, "virtual_rooms", "per_account");
    check.at_most(
        &rooms.subscriptions_per_session,
        &100_000,
        "virtual_rooms",
        "subscriptions_per_session",
    );
    check.not_zero(rooms.expire_after, "virtual_rooms", "expire_after");
    check.at_least(
        &rooms.waiting_bytes,
        &ByteSize::kib(1),
        "virtual_rooms",
        "waiting_bytes",
    );
    check.at_least(
        &rooms.deliveries_per_second,
        &1,
        "virtual_rooms",
        "deliveries_per_second",
    );
}

fn files(check: &mut Check, config: &Config) {
    let files = &config.files;
    check.at_least(&files.max_bytes, &ByteSize(1), "files", "max_bytes");
    check.at_least(
        &files.bytes_per_account,
        &files.max_bytes,
        "files",
        "bytes_per_account",
    );
    check.at_least(&files.uploads, &1, "files", "uploads");
    check.at_most(&files.uploads, &10_000, "files", "uploads");
    check.at_least(&files.uploads_per_account, &1, "files", "uploads_per_account");
    check.not_zero(files.unused_lifetime, "files", "unused_lifetime");
    check.rule(
        files.storage != FileStorage::Memory || config.storage.kind == StorageKind::Memory,
        "files",
        "storage",
        "\"memory\" would forget the files that the database remembers; it goes only with storage.kind = \"memory\"",
    );
    let is_remote = files.storage == FileStorage::S3;
    check.rule(
        !is_remote || config.storage.kind != StorageKind::Memory,
        "files",
        "storage",
        "with storage.kind = \"memory\" nobody could read the files after a restart; \"memory\" and \"off\" are possible",
    );
    let has_scheme = files.s3_endpoint.starts_with("https://") || files.s3_endpoint.starts_with("http://");
    check.rule(
        !is_remote || has_scheme,
        "files",
        "s3_endpoint",
        "it must begin with https://, or with http:// and s3_allow_http = true",
    );
    check.rule(
        !is_remote || files.s3_allow_http || !files.s3_endpoint.starts_with("http://"),
        "files",
        "s3_endpoint",
        "it begins with http://, which has to be allowed by s3_allow_http",
    );
    check.rule(
        !is_remote || !files.s3_bucket.is_empty(),
        "files",
        "s3_bucket",
        "files.storage = \"s3\" needs a bucket",
    );
    check.rule(
        !is_remote || !files.s3_access_key.is_empty(),
        "files",
        "s3_access_key",
        "files.storage = \"s3\" needs an access key",
    );
    let has_key = !files.s3_secret_key.0.is_empty();
    check.rule(
        !is_remote || has_key != files.s3_secret_key_file.is_some(),
        "files",
        "s3_secret_key",
        "files.storage = \"s3\" needs exactly one of s3_secret_key and s3_secret_key_file",
    );
}

/// What the settings mean together is checked when the server starts.
fn external(check: &mut Check, config: &Config) {
    let external = &config.external;
    check.not_zero(external.timeout, "external", "timeout");
    check.rule(
        external.timeout <= Duration::from_secs(60),
        "external",
        "timeout",
        "it must be at most \"60s\": sessions wait for the answer",
    );
    check.rule(
        external.remember_answers <= Duration::from_secs(3_600),
        "external",
        "remember_answers",
        "it must be at most \"1h\", or nobody notices that a permission is withdrawn",
    );
    check.at_least(&external.connections, &1, "external", "connections");
    check.at_most(&external.connections, &1_024, "external", "connections");
    check.at_least(&external.list_limit, &1, "external", "list_limit");
    check.at_most(&external.list_limit, &1_000_000, "external", "list_limit");
}
