//! Identifiers and stored forms of tim 2 (`wire-protocol 10`), bit for bit, for taking over an existing
//! database. New accounts and rooms do not use them.

use crc::{CRC_8_SMBUS, CRC_64_XZ, Crc};

use super::Node;

const CRC64: Crc<u64> = Crc::<u64>::new(&CRC_64_XZ);
const CRC8: Crc<u8> = Crc::<u8>::new(&CRC_8_SMBUS);

/// The salt of an installation that did not configure one.
pub const DEFAULT_SALT: &[u8] = br"#@*=+-<>?:|$&()%$#{]aQkLIPM79643028U'TRKF_}";

/// The seed of an installation without `maskseed`.
const DEFAULT_SEED: [u8; 8] = (1_u64 << 60).to_be_bytes();

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// CRC-64/XZ.
pub fn crc64(bytes: &[u8]) -> u64 {
    CRC64.checksum(bytes)
}

/// CRC-8/SMBUS.
pub fn crc8(bytes: &[u8]) -> u8 {
    CRC8.checksum(bytes)
}

/// FNV-1a of 32 bits.
pub fn fnv32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811C_9DC5, |hash, &byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// FNV-1a of 64 bits.
pub fn fnv64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// Number as base58 without leading-zero handling: 0 is the empty text.
pub fn base58_encode(mut number: u64) -> String {
    // 58^11 > 2^64.
    let mut digits = [0_u8; 11];
    let mut start = digits.len();
    for digit in digits.iter_mut().rev() {
        if number == 0 {
            break;
        }
        *digit = usize::try_from(number % 58)
            .ok()
            .and_then(|index| ALPHABET.get(index))
            .map_or(b'1', |d| *d);
        number /= 58;
        start -= 1;
    }
    digits
        .iter()
        .skip(start)
        .map(|&digit| char::from(digit))
        .collect()
}

/// Base58 as number. Unknown characters count as 0 and overflow wraps, as the original does.
pub fn base58_decode(text: &str) -> u64 {
    text.bytes().fold(0_u64, |number, byte| {
        let digit = ALPHABET
            .iter()
            .zip(0_u64..)
            .find_map(|(&d, value)| (d == byte).then_some(value));
        number.wrapping_mul(58).wrapping_add(digit.unwrap_or(0))
    })
}

/// The number of a login token, which two clients read from `TimAck.t` (`wire-protocol 11.1`, note 7).
pub fn token_number(token: &str) -> i64 {
    base58_decode(token).cast_signed()
}

/// The token that [`token_number`] was made of.
pub fn token_from_number(number: i64) -> String {
    base58_encode(number.cast_unsigned())
}

/// Author stamp of a stored message.
pub fn author_stamp(node: &str) -> i32 {
    fnv32(node.as_bytes()).cast_signed()
}

/// The server tag in `t` of the login answer.
pub fn server_tag(server_number: u64) -> i32 {
    fnv32(&server_number.to_be_bytes()).cast_signed()
}

/// The shard number of a key, before it is compared with the configured ranges: 20 bits.
pub fn shard(key: &[u8]) -> u32 {
    u32::try_from(fnv64(key) & 0xF_FFFF).unwrap_or(0)
}

/// Exclusive or with a repeated key of 8 bytes. Key byte 0 is used for the first two bytes.
fn xor(bytes: &mut [u8], key: [u8; 8]) {
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte ^= key[index.saturating_sub(1) % 8];
    }
}

/// The two configuration values that all identifiers of an installation depend on.
#[derive(Clone, PartialEq, Eq)]
pub struct Scheme {
    salt: Vec<u8>,
    seed: [u8; 8],
}

impl std::fmt::Debug for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scheme(<hidden>)")
    }
}

impl Default for Scheme {
    fn default() -> Self {
        Self::new(None, None)
    }
}

impl Scheme {
    /// The scheme with the values of the keys `salt` and `maskseed`; `None` and empty mean the defaults.
    pub fn new(salt: Option<&[u8]>, maskseed: Option<&str>) -> Self {
        let salt = salt
            .filter(|salt| !salt.is_empty())
            .unwrap_or(DEFAULT_SALT)
            .to_vec();
        let seed = maskseed
            .filter(|seed| !seed.is_empty())
            .map_or(DEFAULT_SEED, |seed| fnv64(seed.as_bytes()).to_be_bytes());
        Self { salt, seed }
    }

    /// Hides or shows a stored body; its own inverse. Not encryption.
    pub fn mask(&self, bytes: &mut [u8]) {
        xor(bytes, self.seed);
    }

    /// The check byte of a number. Its last byte is not looked at.
    fn check_byte(&self, number: u64) -> u8 {
        let mut key = self.seed;
        xor(&mut key, self.seed);
        let mut masked = number.to_be_bytes();
        xor(&mut masked, key);
        crc8(&masked[..7])
    }

    fn number(&self, parts: &[&[u8]]) -> u64 {
        let mut digest = CRC64.digest();
        for part in parts {
            digest.update(part);
        }
        let number = digest.finalize();
        number & !0xFF | u64::from(self.check_byte(number))
    }

    /// The number of a user from login name and domain (which may be empty).
    pub fn user_number(&self, name: &str, domain: &str) -> u64 {
        self.number(&[name.as_bytes(), &self.salt, domain.as_bytes()])
    }

    /// The node of a user. `None` for the one name in 2^56 whose number is 0.
    pub fn user_node(&self, name: &str, domain: &str) -> Option<Node> {
        Node::new(&base58_encode(self.user_number(name, domain))).ok()
    }

    /// Whether a text is a node (or token) of this installation, as far as the check byte tells.
    pub fn is_well_formed(&self, text: &str) -> bool {
        let number = base58_decode(text);
        text.len() <= super::MAX_LENGTH && number != 0 && number.to_be_bytes()[7] == self.check_byte(number)
    }

    /// The key of the conversation, and of the relation, of two nodes. The order does not matter.
    pub fn pair_key(&self, one: &str, other: &str, domain: &str) -> [u8; 16] {
        let (one, other) = (self.user_number(one, domain), self.user_number(other, domain));
        concatenate(one.max(other), one.min(other))
    }

    /// The key of the conversation of a room.
    pub fn room_key(&self, room: &str, domain: &str) -> [u8; 16] {
        concatenate(self.user_number(room, domain), 0)
    }

    /// What a stored password hash (bcrypt) was computed over: number of the user, salt, domain, password.
    pub fn password_input(&self, user_number: u64, domain: &str, password: &str) -> Vec<u8> {
        [
            &user_number.to_be_bytes(),
            self.salt.as_slice(),
            domain.as_bytes(),
            password.as_bytes(),
        ]
        .concat()
    }

    /// The connection tag in `n2` of the login answer.
    pub fn connection_tag(&self, connection_number: u64) -> String {
        let mut bytes = connection_number.to_be_bytes();
        self.mask(&mut bytes);
        base58_encode(u64::from_be_bytes(bytes))
    }
}

fn concatenate(high: u64, low: u64) -> [u8; 16] {
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}
