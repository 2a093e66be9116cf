use std::collections::HashSet;
use std::io::Write as _;

use super::*;

fn from_file(text: &str) -> Result<Loaded, ConfigError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Loaded::read(&Inputs {
        file: Some(file.path().to_owned()),
        ..Inputs::default()
    })
}

fn from_environment(pairs: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let environment = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Loaded::read(&Inputs {
        environment,
        ..Inputs::default()
    })
}

/// A value other than the default that passes all checks, as text for the environment.
fn other_value(key: &Key) -> &'static str {
    match (key.section, key.name) {
        ("listen", "client") => "127.0.0.1:1",
        ("listen", "origins") => "https://a.example,https://b.example",
        ("listen", "trusted_proxies") => "10.0.0.0/8,::1",
        ("listen", "backlog") => "7",
        ("tls", _) => "",
        ("storage", "kind") => "memory",
        ("storage", "path") => "/somewhere/else",
        ("keys", "master_file") => "/somewhere/key",
        ("keys", "master_command") => "pass,show,tim",
        ("accounts", "registration") | ("messages", "require_friendship") => "false",
        ("admin", "enabled" | "open_metrics") => "true",
        ("admin", "listen") => "127.0.0.1:2",
        ("admin", "session_idle" | "session_lifetime") => "90s",
        ("presence", "to_strangers" | "offline_notices") | ("web", "enabled") | ("directory", "rooms") => {
            "false"
        }
        ("directory", "users") => "true",
        ("web", "directory") => "/somewhere/pages",
        ("files", "storage") => "off",
        ("files", "path" | "s3_secret_key_file") => "/somewhere/files",
        ("files", "max_bytes") => "2MiB",
        ("files", "bytes_per_account") => "20GiB",
        ("files", "unused_lifetime") => "90s",
        ("files", "s3_allow_http" | "s3_bucket_in_host") => "true",
        ("presence", "max_bytes") => "8KiB",
        ("operations", "disabled") => "TIMREGISTER,TIMBIGBINARYSTREAM",
        ("messages", "allow_client_notices") => "true",
        ("limits", "max_packet" | "big_data_bytes") => "2MiB",
        ("limits", "big_data_total_bytes") => "1GiB",
        ("virtual_rooms", "waiting_bytes") => "1MiB",
        ("virtual_rooms", "expire_after")
        | ("delivery", "room_position_interval")
        | ("external", "refresh_rooms") => "90s",
        ("limits", "max_login_packet" | "waiting_bytes" | "outgoing_bytes") => "32KiB",
        ("delivery", "window_bytes" | "outlet_bytes") | ("delivery", "offline_batch_bytes") => "16KiB",
        ("messages", "history_page_bytes") | ("rooms", "list_bytes") => "8MiB",
        ("profiles", "users") => "contacts",
        ("profiles", "rooms") => "members",
        ("profiles", "max_bytes") => "16KiB",
        ("messages", "queue") => "20000",
        ("passwords", "memory_kib") => "4096",
        ("log", "level") => "debug",
        ("log", "format") => "json",
        ("external", "timeout") => "3s",
        (_, name) if name.ends_with("timeout") || name.ends_with("refill") => "90s",
        ("accounts", "relogin_interval" | "token_lifetime") => "90s",
        ("accounts", "forget_devices_after") | ("web", "session_lifetime") => "10d",
        ("delivery", "position_interval" | "backlog_grace") => "90s",
        ("external", "trust_all" | "accept_any") => "true",
        ("external", "remember_answers") => "90s",
        _ => "17",
    }
}

#[test]
fn the_file_in_the_repository_is_the_default_file() {
    let text = include_str!("../../tim.toml");
    assert!(
        text == default_file(),
        "write it again: cargo run -p tim-server -- config --default > server/tim.toml"
    );
}

#[test]
fn the_default_file_explains_every_setting_and_changes_nothing() {
    let text = default_file();
    let loaded = from_file(&text).unwrap();
    assert_eq!(loaded.config, Config::default());
    let active: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => rest,
            _ => line,
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let loaded = from_file(&active).unwrap();
    assert_eq!(
        loaded.config,
        Config::default(),
        "the defaults that the file shows are the defaults"
    );
    for key in KEYS {
        assert!(
            matches!(loaded.source(key), Source::File { .. }),
            "{}.{} is missing in the file",
            key.section,
            key.name
        );
        assert!(key.doc.iter().all(|line| !line.trim().is_empty()));
    }
}

#[test]
fn every_setting_can_be_given_in_the_file_and_in_the_environment() {
    let mut variables = HashSet::new();
    for key in KEYS {
        assert!(
            variables.insert(key.variable()),
            "two settings share {}",
            key.variable()
        );
        let text = other_value(key);
        let by_environment = from_environment(&[(key.variable().as_str(), text)]).unwrap();
        assert_eq!(by_environment.source(key), Source::Environment(key.variable()));
        if key.section != "tls" {
            assert_ne!(
                by_environment.config.show(key),
                Config::default().show(key),
                "{}",
                key.name
            );
        }
        let written = format!(
            "[{}]\n{} = {}\n",
            key.section,
            key.name,
            by_environment.config.show(key)
        );
        let by_file = from_file(&written).unwrap();
        assert_eq!(by_file.config, by_environment.config, "{written}");
        assert!(matches!(by_file.source(key), Source::File { line: 2, .. }));
    }
}

#[test]
fn the_command_line_beats_the_environment_which_beats_the_file() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(
        b"[listen]\nclient = \"127.0.0.1:1\"\n[storage]\npath = \"file\"\n[log]\nlevel = \"warn\"\n",
    )
    .unwrap();
    let inputs = Inputs {
        file: Some(file.path().to_owned()),
        environment: vec![
            ("TIM_LISTEN_CLIENT".to_owned(), "127.0.0.1:2".to_owned()),
            ("TIM_STORAGE_PATH".to_owned(), "environment".to_owned()),
        ],
        options: vec![("listen", "client", "--listen", "127.0.0.1:3".to_owned())],
    };
    let loaded = Loaded::read(&inputs).unwrap();
    assert_eq!(loaded.config.listen.client.port(), 3);
    assert_eq!(loaded.config.storage.path, PathBuf::from("environment"));
    assert_eq!(loaded.config.log.level, "warn");
    let shown = effective(&loaded);
    assert!(
        shown.contains("client = \"127.0.0.1:3\"  # option --listen"),
        "{shown}"
    );
    assert!(shown.contains("path = \"environment\"  # environment variable TIM_STORAGE_PATH"));
    assert!(shown.contains(&format!("level = \"warn\"  # {}, line 6", file.path().display())));
    assert!(shown.contains("kind = \"sqlite\"  # default"));
    assert_eq!(
        from_file(&shown).unwrap().config,
        loaded.config,
        "what is shown can be used as a file"
    );
}

#[test]
fn the_program_that_prints_the_key_is_not_shown() {
    let loaded = from_environment(&[("TIM_KEYS_MASTER_COMMAND", "vault,read,s3cret")]).unwrap();
    assert!(!effective(&loaded).contains("s3cret"));
}

#[test]
fn mistakes_are_named_with_place_value_and_what_is_allowed() {
    let error = |text: &str| from_file(text).unwrap_err().to_string();
    let unknown = error("[limits]\n\nconections = 5\n");
    assert!(
        unknown.contains("line 3") && unknown.contains("\"conections\""),
        "{unknown}"
    );
    assert!(unknown.contains("did you mean \"connections\""), "{unknown}");
    let table = error("[limit]\n");
    assert!(
        table.contains("line 1") && table.contains("did you mean \"limits\""),
        "{table}"
    );
    assert!(error("listen = 5").contains("[listen]"));
    let value = error("[delivery]\nack_timeout = 10\n");
    assert!(
        value.contains("line 2") && value.contains("delivery.ack_timeout = \"10\""),
        "{value}"
    );
    assert!(
        value.contains("unit is missing") && value.contains("Allowed: a number and a unit"),
        "{value}"
    );
    assert!(error("[log]\nformat = \"xml\"").contains("\"human\" or \"json\""));
    assert!(error("[log]\nlevel = { a = 1 }").contains("table"));
    assert!(error("[listen]\norigins = [\"https://a.example\", \"null\"]").contains("\"null\""));
    let syntax = error("[listen]\nclient = \n");
    assert!(syntax.contains("line 2"), "{syntax}");
    let environment = from_environment(&[("TIM_LIMITS_CONNECTIONS", "many")])
        .unwrap_err()
        .to_string();
    assert!(
        environment.starts_with("environment variable TIM_LIMITS_CONNECTIONS: "),
        "{environment}"
    );
    let missing = Loaded::read(&Inputs {
        file: Some("/no/such/file.toml".into()),
        ..Inputs::default()
    });
    assert!(missing.unwrap_err().to_string().contains("/no/such/file.toml"));
}

#[test]
fn values_that_do_not_fit_together_are_refused() {
    for (variable, value, part) in [
        ("TIM_TLS_CERTIFICATE", "a.pem", "tls.key"),
        ("TIM_TLS_KEY", "a.pem", "tls.certificate"),
        ("TIM_LIMITS_CONNECTIONS", "0", "at least 1"),
        ("TIM_LIMITS_MAX_PACKET", "1KiB", "at least 64KiB"),
        ("TIM_LIMITS_MAX_PACKET", "64MiB", "32MiB"),
        ("TIM_LIMITS_UNANSWERED_SENDS", "0", "at least 1"),
        ("TIM_LIMITS_LOGIN_TIMEOUT", "0s", "longer than 0"),
        ("TIM_DELIVERY_WINDOW", "0", "at least 1"),
        ("TIM_DELIVERY_ATTEMPTS", "256", "at most 255"),
        ("TIM_DELIVERY_OFFLINE_BATCH_BYTES", "2MiB", "at most 1MiB"),
        ("TIM_PASSWORDS_ITERATIONS", "0", "at least 1"),
        ("TIM_PASSWORDS_MEMORY_KIB", "1", "at least 8"),
        ("TIM_MESSAGES_BATCH", "20000", "messages.queue"),
        ("TIM_ACCOUNTS_FORGET_DEVICES_AFTER", "1s", "1h"),
        ("TIM_LOG_LEVEL", "=,=", "level"),
    ] {
        let error = from_environment(&[(variable, value)]).unwrap_err().to_string();
        assert!(error.contains(part), "{variable}={value}: {error}");
        assert!(error.contains("is not valid"), "{error}");
    }
}

#[test]
fn variables_of_other_programs_are_ignored_but_misspelt_ones_are_reported() {
    let loaded = from_environment(&[
        ("TIM_PORT", "tcp://10.0.0.1:20003"),
        ("TIM_MASTER_KEY", "secret"),
        ("HOME", "/"),
        ("TIM_LIMITS_CONECTIONS", "5"),
    ])
    .unwrap();
    assert_eq!(loaded.ignored_variables, ["TIM_LIMITS_CONECTIONS"]);
    assert_eq!(loaded.config, Config::default());
}
