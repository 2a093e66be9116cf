//! The rows that both bindings write: messages of one-to-one conversations with one inbox
//! entry each. Rows are made before the clock starts, so that only the binding and SQLite
//! are measured.

/// Pragmas of every database; `synchronous=FULL` makes each commit one `fsync` of the log.
pub const PRAGMAS: [&str; 2] = ["PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"];

/// Tables of every database.
pub const TABLES: [&str; 2] = [
    "CREATE TABLE message(slot INTEGER NOT NULL, conversation BLOB NOT NULL, mid INTEGER NOT NULL, \
     key_id INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY(slot, conversation, mid)) WITHOUT ROWID",
    "CREATE TABLE inbox(slot INTEGER NOT NULL, owner TEXT NOT NULL, seq INTEGER NOT NULL, \
     conversation BLOB NOT NULL, mid INTEGER NOT NULL, PRIMARY KEY(slot, owner, seq)) WITHOUT ROWID",
];

/// One row of `message`.
pub const INSERT_MESSAGE: &str =
    "INSERT INTO message(slot, conversation, mid, key_id, body) VALUES(?, ?, ?, ?, ?)";
/// One row of `inbox`.
pub const INSERT_INBOX: &str = "INSERT INTO inbox(slot, owner, seq, conversation, mid) VALUES(?, ?, ?, ?, ?)";

/// The single-row statement `sql` extended to `rows` rows; both statements have five columns.
pub fn multi_row(sql: &str, rows: usize) -> String {
    format!("{sql}{}", ", (?, ?, ?, ?, ?)".repeat(rows - 1))
}

const CONVERSATIONS: usize = 100;
const BODY_BYTES: usize = 200;

/// One message with its inbox entry.
pub struct Row {
    pub slot: i64,
    pub conversation: [u8; 16],
    pub mid: i64,
    pub key_id: i64,
    pub body: Vec<u8>,
    pub inbox_slot: i64,
    pub owner: String,
    pub seq: i64,
}

/// Endless source of rows over a fixed set of conversations, the same for every trial.
pub struct Rows {
    state: u64,
    next_mid: Vec<i64>,
}

impl Rows {
    pub fn new() -> Self {
        Self {
            state: 0x9e37_79b9_7f4a_7c15,
            next_mid: vec![0; CONVERSATIONS],
        }
    }

    /// The next `count` rows; conversations are hit at random, as group commits mix them.
    pub fn batch(&mut self, count: usize) -> Vec<Row> {
        (0..count).map(|_| self.row()).collect()
    }

    fn row(&mut self) -> Row {
        let pick = self.random() as usize % CONVERSATIONS;
        self.next_mid[pick] += 1;
        let mid = self.next_mid[pick];
        let seed = mix(pick as u64);
        let mut conversation = [0; 16];
        conversation[..8].copy_from_slice(&seed.to_be_bytes());
        conversation[8..].copy_from_slice(&mix(seed).to_be_bytes());
        let body = (0..BODY_BYTES / 8)
            .flat_map(|_| self.random().to_le_bytes())
            .collect();
        Row {
            slot: (seed >> 44) as i64,
            conversation,
            mid,
            key_id: 1,
            body,
            inbox_slot: (mix(seed ^ 1) >> 44) as i64,
            owner: format!("{:022}", mix(seed ^ 2)),
            seq: mid,
        }
    }

    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }
}

/// The finalizer of splitmix64.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
