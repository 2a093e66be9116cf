//! Text forms of setting values. The file, the environment and the command line all go through
//! [`Value::parse`], so a value means the same wherever it is written.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use tim_protocol::packet::PacketType;

/// A value as it was written, before it is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawValue {
    /// A string, number or boolean.
    One(String),
    /// An array of such.
    Many(Vec<String>),
}

impl fmt::Display for RawValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(text) => write!(f, "{text:?}"),
            Self::Many(items) => write!(f, "{items:?}"),
        }
    }
}

/// A type that a setting may have.
pub trait Value: Sized {
    /// What is allowed, for error messages and documentation.
    const ALLOWED: &'static str;

    /// Understands one word. The error says what is wrong with it.
    fn parse(text: &str) -> Result<Self, String>;

    /// The value in TOML syntax.
    fn to_toml(&self) -> String;

    /// Understands a value as it was written in any source.
    fn parse_raw(raw: &RawValue) -> Result<Self, String> {
        match raw {
            RawValue::One(text) => Self::parse(text.trim()),
            RawValue::Many(_) => Err("a list is not allowed here".to_owned()),
        }
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

impl Value for bool {
    const ALLOWED: &'static str = "true or false";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("not a boolean".to_owned()),
        }
    }

    fn to_toml(&self) -> String {
        self.to_string()
    }
}

macro_rules! whole_number {
    ($($type:ty),*) => {$(
        impl Value for $type {
            const ALLOWED: &'static str = "a whole number, 0 or more";

            fn parse(text: &str) -> Result<Self, String> {
                text.replace('_', "").parse().map_err(|_| "not a whole number in range".to_owned())
            }

            fn to_toml(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
whole_number!(u32, u64, usize);

impl Value for String {
    const ALLOWED: &'static str = "text";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn to_toml(&self) -> String {
        quoted(self)
    }
}

/// A text with something in it that must not be shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() {
            "Secret()"
        } else {
            "Secret(…)"
        })
    }
}

impl Value for Secret {
    const ALLOWED: &'static str = "text, which is not shown by \"tim-server config\"";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }

    fn to_toml(&self) -> String {
        quoted(&self.0)
    }
}

impl Value for PathBuf {
    const ALLOWED: &'static str = "a path, absolute or relative to the working directory";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            Err("an empty path".to_owned())
        } else {
            Ok(Self::from(text))
        }
    }

    fn to_toml(&self) -> String {
        quoted(&self.to_string_lossy())
    }
}

/// A setting that may be left empty.
impl Value for Option<PathBuf> {
    const ALLOWED: &'static str = "a path, or \"\" for none";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            Ok(None)
        } else {
            PathBuf::parse(text).map(Some)
        }
    }

    fn to_toml(&self) -> String {
        self.as_ref().map_or_else(|| quoted(""), Value::to_toml)
    }
}

impl Value for SocketAddr {
    const ALLOWED: &'static str = "an IP address and a port (\"0.0.0.0:20003\", \"[::]:20003\"), or a port for all IPv4 addresses (\":20003\")";

    fn parse(text: &str) -> Result<Self, String> {
        let port = text.strip_prefix(':').unwrap_or(text);
        if let Ok(port) = port.parse::<u16>() {
            return Ok(Self::from((Ipv4Addr::UNSPECIFIED, port)));
        }
        text.parse()
            .map_err(|_| "not an IP address with a port".to_owned())
    }

    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Value for Duration {
    const ALLOWED: &'static str = "a number and a unit: ms, s, m, h, d (\"10s\", \"1h30m\")";

    fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let mut total = Self::ZERO;
        if rest.is_empty() {
            return Err("an empty duration".to_owned());
        }
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let number: u64 = rest[..digits].parse().map_err(|_| "not a duration".to_owned())?;
            rest = &rest[digits..];
            let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
            let millis_per_unit = match &rest[..letters] {
                "ms" => 1,
                "s" => 1_000,
                "m" | "min" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                "" => return Err("the unit is missing".to_owned()),
                unit => return Err(format!("unknown unit {unit:?}")),
            };
            rest = rest[letters..].trim_start();
            total = number
                .checked_mul(millis_per_unit)
                .and_then(|millis| total.checked_add(Self::from_millis(millis)))
                .filter(|total| *total <= Self::from_secs(3_650 * 86_400))
                .ok_or_else(|| "longer than ten years".to_owned())?;
        }
        Ok(total)
    }

    fn to_toml(&self) -> String {
        let millis = self.as_millis();
        for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
            if millis != 0 && millis.is_multiple_of(length) {
                return quoted(&format!("{}{unit}", millis / length));
            }
        }
        if millis == 0 {
            quoted("0s")
        } else {
            quoted(&format!("{millis}ms"))
        }
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub usize);

impl ByteSize {
    /// So many times 1024 bytes.
    #[must_use]
    pub const fn kib(count: usize) -> Self {
        Self(count * 1024)
    }
}

impl Value for ByteSize {
    const ALLOWED: &'static str = "a number and a unit: B, KiB, MiB, GiB (\"64KiB\", \"1MiB\")";

    fn parse(text: &str) -> Result<Self, String> {
        let digits = text.len()
            - text
                .trim_start_matches(|c: char| c.is_ascii_digit() || c == '_')
                .len();
        let number: usize = text[..digits]
            .replace('_', "")
            .parse()
            .map_err(|_| "not a number of bytes".to_owned())?;
        let unit = match text[digits..].trim_start() {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "" => return Err("the unit is missing".to_owned()),
            unit => return Err(format!("unknown unit {unit:?}")),
        };
        number
            .checked_mul(unit)
            .map(Self)
            .ok_or_else(|| "too large".to_owned())
    }

    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, size) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
            if self.0 != 0 && self.0.is_multiple_of(size) {
                return write!(f, "{}{unit}", self.0 / size);
            }
        }
        write!(f, "{}B", self.0)
    }
}

/// One network of addresses, written as `10.0.0.0/8` or as a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(pub IpNet);

impl Network {
    /// Whether the address belongs to it. IPv4 addresses mapped into IPv6 count as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl Value for Network {
    const ALLOWED: &'static str = "an IP address or a network such as \"10.0.0.0/8\"";

    fn parse(text: &str) -> Result<Self, String> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => text
                .parse::<IpNet>()
                .map_err(|_| "not an address or network".to_owned())?,
        };
        Ok(Self(network))
    }

    fn to_toml(&self) -> String {
        let whole = self.0.prefix_len() == self.0.max_prefix_len();
        quoted(&if whole {
            self.0.addr().to_string()
        } else {
            self.0.to_string()
        })
    }
}

/// A web origin that may open connections: scheme, host and port if it is not the usual one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(pub String);

impl Origin {
    /// Takes the origin apart and brings scheme and host to lower case. `None` when it is not an
    /// absolute origin (`null`, a path, no scheme).
    #[must_use]
    pub fn from_header(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let plain = !scheme.is_empty()
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
            && !authority.is_empty()
            && authority.chars().all(|c| c.is_ascii_graphic() && c != '@');
        plain.then(|| Self(format!("{scheme}://{authority}").to_ascii_lowercase()))
    }
}

impl Value for Origin {
    const ALLOWED: &'static str = "an origin such as \"https://chat.example.org\"";

    fn parse(text: &str) -> Result<Self, String> {
        Self::from_header(text).ok_or_else(|| "not an absolute origin".to_owned())
    }

    fn to_toml(&self) -> String {
        quoted(&self.0)
    }
}

/// A kind of packet that clients send, by its name in the settings of the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation(pub PacketType);

impl Operation {
    const NAMES: [(&str, PacketType); 19] = [
        ("TIMREGISTER", PacketType::Register),
        ("TIMTOKEN", PacketType::Token),
        ("TIMAUTH", PacketType::Auth),
        ("TIMOFFLINEMSG", PacketType::OfflineMsg),
        ("TIMOFFLINEMSGEND", PacketType::OfflineMsgEnd),
        ("TIMBROADPRESENCE", PacketType::BroadPresence),
        ("TIMLOGOUT", PacketType::Logout),
        ("TIMPULLMESSAGE", PacketType::PullMessage),
        ("TIMVROOM", PacketType::VRoom),
        ("TIMBUSINESS", PacketType::Business),
        ("TIMNODES", PacketType::Nodes),
        ("TIMMESSAGE", PacketType::Message),
        ("TIMPRESENCE", PacketType::Presence),
        ("TIMREVOKEMESSAGE", PacketType::RevokeMessage),
        ("TIMBURNMESSAGE", PacketType::BurnMessage),
        ("TIMSTREAM", PacketType::Stream),
        ("TIMBIGSTRING", PacketType::BigString),
        ("TIMBIGBINARY", PacketType::BigBinary),
        ("TIMBIGBINARYSTREAM", PacketType::BigBinaryStream),
    ];
}

impl Value for Operation {
    const ALLOWED: &'static str = "the name of an operation such as \"TIMREGISTER\"";

    fn parse(text: &str) -> Result<Self, String> {
        let known = Self::NAMES.iter().find(|(name, _)| *name == text);
        let unknown = || "there is no such operation".to_owned();
        known.map(|(_, kind)| Self(*kind)).ok_or_else(unknown)
    }

    fn to_toml(&self) -> String {
        let known = Self::NAMES.iter().find(|(_, kind)| *kind == self.0);
        quoted(known.map_or("", |(name, _)| name))
    }
}

macro_rules! list_of {
    ($($item:ty => $allowed:literal),*) => {$(
        impl Value for Vec<$item> {
            const ALLOWED: &'static str = $allowed;

            fn parse(text: &str) -> Result<Self, String> {
                text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(<$item>::parse).collect()
            }

            fn parse_raw(raw: &RawValue) -> Result<Self, String> {
                match raw {
                    RawValue::One(text) => Self::parse(text),
                    RawValue::Many(items) => items
                        .iter()
                        .map(|item| <$item>::parse(item.trim()).map_err(|reason| format!("{item:?}: {reason}")))
                        .collect(),
                }
            }

            fn to_toml(&self) -> String {
                format!("[{}]", self.iter().map(Value::to_toml).collect::<Vec<_>>().join(", "))
            }
        }
    )*};
}
list_of! {
    Network => "a list of IP addresses or networks; in the environment separated by commas",
    Origin => "a list of origins such as \"https://chat.example.org\"; in the environment separated by commas",
    Operation => "a list of operations: TIMREGISTER, TIMTOKEN, TIMAUTH, TIMOFFLINEMSG, TIMOFFLINEMSGEND, \
        TIMBROADPRESENCE, TIMLOGOUT, TIMPULLMESSAGE, TIMVROOM, TIMBUSINESS, TIMNODES, TIMMESSAGE, TIMPRESENCE, \
        TIMREVOKEMESSAGE, TIMBURNMESSAGE, TIMSTREAM, TIMBIGSTRING, TIMBIGBINARY, TIMBIGBINARYSTREAM; in the \
        environment separated by commas",
    String => "a list of words; in the environment separated by commas"
}

macro_rules! word_choice {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ } $allowed:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $crate::config::value::Value for $name {
            const ALLOWED: &'static str = $allowed;

            fn parse(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err("not one of the allowed words".to_owned()),
                }
            }

            fn to_toml(&self) -> String {
                match self { $(Self::$variant => concat!("\"", $word, "\"").to_owned()),+ }
            }
        }
    };
}

word_choice! {
    /// Where the bytes of files are kept.
    FileStorage {
        /// In a folder.
        Directory = "directory",
        /// In a service that speaks S3.
        S3 = "s3",
        /// In memory.
        Memory = "memory",
        /// Nowhere: there are no files.
        Off = "off"
    }
    "\"directory\", \"s3\", \"memory\" or \"off\""
}

word_choice! {
    /// Where durable state is kept.
    StorageKind {
        /// A SQLite database in the data directory.
        Sqlite = "sqlite",
        /// In memory: everything is gone when the server stops.
        Memory = "memory"
    }
    "\"sqlite\" or \"memory\""
}

word_choice! {
    /// How log lines look.
    LogFormat {
        /// For people.
        Human = "human",
        /// One JSON object per line.
        Json = "json"
    }
    "\"human\" or \"json\""
}

word_choice! {
    /// Who may read profiles of users.
    UserReaders {
        /// Everybody of the same domain.
        Anyone = "anyone",
        /// Friends.
        Contacts = "contacts"
    }
    "\"anyone\" or \"contacts\""
}

word_choice! {
    /// Who may read profiles of rooms.
    RoomReaders {
        /// Everybody of the same domain.
        Anyone = "anyone",
        /// Members.
        Members = "members"
    }
    "\"anyone\" or \"members\""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<T: Value + PartialEq + fmt::Debug>(text: &str, value: &T) {
        assert_eq!(&T::parse(text).unwrap(), value, "{text}");
        let toml = format!("v = {}", value.to_toml());
        let table: toml::Table = toml.parse().unwrap();
        let written = match &table["v"] {
            toml::Value::String(text) => RawValue::One(text.clone()),
            toml::Value::Array(items) => RawValue::Many(
                items
                    .iter()
                    .map(|item| item.as_str().unwrap().to_owned())
                    .collect(),
            ),
            other => RawValue::One(other.to_string()),
        };
        assert_eq!(&T::parse_raw(&written).unwrap(), value, "{toml}");
    }

    #[test]
    fn durations_need_a_unit_and_stay_below_ten_years() {
        round_trip("10s", &Duration::from_secs(10));
        round_trip("1h30m", &Duration::from_secs(5_400));
        round_trip("250ms", &Duration::from_millis(250));
        round_trip("90d", &Duration::from_secs(90 * 86_400));
        for wrong in [
            "",
            "10",
            "s",
            "-1s",
            "10 parsecs",
            "9999999999d",
            "99999999999999999999s",
            "1s2",
        ] {
            assert!(Duration::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_need_a_unit_and_do_not_overflow() {
        round_trip("1MiB", &ByteSize(1 << 20));
        round_trip("64 KiB", &ByteSize::kib(64));
        round_trip("1_000B", &ByteSize(1000));
        for wrong in [
            "",
            "1",
            "MiB",
            "1MB",
            "99999999999999999999B",
            "18446744073709551615GiB",
        ] {
            assert!(ByteSize::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_may_be_a_port_alone() {
        round_trip("127.0.0.1:1", &SocketAddr::from(([127, 0, 0, 1], 1)));
        round_trip(":20003", &SocketAddr::from(([0, 0, 0, 0], 20003)));
        round_trip("20003", &SocketAddr::from(([0, 0, 0, 0], 20003)));
        for wrong in ["", "localhost:1", "1.2.3.4", "1.2.3.4:99999"] {
            assert!(SocketAddr::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lists_come_from_arrays_and_from_commas() {
        let two = vec![
            Network::parse("10.0.0.0/8").unwrap(),
            Network::parse("::1").unwrap(),
        ];
        round_trip("10.0.0.0/8, ::1", &two);
        round_trip("", &Vec::<Network>::new());
        assert!(two[0].contains("::ffff:10.1.2.3".parse().unwrap()));
        assert!(!two[0].contains("11.1.2.3".parse().unwrap()));
        assert!(Vec::<Network>::parse("10.0.0.0/33").is_err());
    }

    #[test]
    fn origins_are_absolute_and_compared_without_case() {
        assert_eq!(
            Origin::from_header("HTTPS://Chat.Example.org/x").unwrap().0,
            "https://chat.example.org"
        );
        for wrong in [
            "null",
            "",
            "/path",
            "https://",
            "://x",
            "https://user@host",
            "ht tp://x",
        ] {
            assert!(Origin::from_header(wrong).is_none(), "{wrong}");
        }
    }
}
