//! Typed identifiers and numbers of the stored world. They carry no behaviour beyond being
//! told apart by the compiler and formatted.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use smol_str::SmolStr;
use tim_protocol::node::Node;

/// The public address of a user.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(Node);

impl AccountId {
    /// Takes a well-formed node as the id of an account.
    #[must_use]
    pub fn new(node: Node) -> Self {
        Self(node)
    }

    /// The text form that travels on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The public address of a room.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(Node);

impl RoomId {
    /// Takes a well-formed node as the id of a room.
    #[must_use]
    pub fn new(node: Node) -> Self {
        Self(node)
    }

    /// The text form that travels on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Key of one conversation: 16 bytes, derived with the installation key, so that a database row
/// does not tell who talks to whom without it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId(pub [u8; 16]);

impl fmt::Debug for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in &self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// Number of a message inside one conversation: 1, 2, 3, … without gaps, below 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mid(pub i64);

/// Number of an entry inside one inbox or inside the log of one room: 1, 2, 3, … without gaps.
/// 0 is "before the first".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub i64);

impl Seq {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Shard slot of a record, `0..2^20`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u32);

impl Slot {
    /// Number of slots.
    pub const COUNT: u32 = 1 << 20;

    /// The slot a 64-bit hash falls into.
    #[must_use]
    pub fn from_hash(hash: u64) -> Self {
        #[allow(clippy::cast_possible_truncation, reason = "masked to 20 bits")]
        Self((hash & u64::from(Self::COUNT - 1)) as u32)
    }

    /// The number of the slot.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

/// Nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Converts from the system clock; times outside the range of the type are clamped.
    #[must_use]
    pub fn from_system(time: SystemTime) -> Self {
        let nanos = time
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO)
            .as_nanos();
        Self(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    /// This time plus a duration, clamped.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)),
        )
    }

    /// This time minus a duration, clamped.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)),
        )
    }
}

/// Tells the devices of one account apart: the `resource` given at login, else `termtyp`.
/// At most 64 bytes: longer resources are replaced by their hash before they get here.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceKey(pub SmolStr);

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
/// Names a [`WebSession`](super::WebSession): the SHA-256 of its secret, so that reading the database does not
/// give anybody a session.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionHash(pub [u8; 32]);

impl fmt::Debug for SessionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionHash(…)")
    }
}
