-- Every table begins with the shard slot of its records. Sealed columns hold
-- nonce || ciphertext || tag (see store/encryption.rs); key_id names the data key.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Data keys wrapped by the master key. Exactly one is current.
CREATE TABLE data_key (
    id      INTEGER NOT NULL PRIMARY KEY,
    wrapped BLOB    NOT NULL,
    created INTEGER NOT NULL,
    current INTEGER NOT NULL CHECK (current IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX data_key_current ON data_key (current) WHERE current = 1;

CREATE TABLE account (
    slot            INTEGER NOT NULL,
    id              TEXT    NOT NULL,
    domain          TEXT    NOT NULL,
    created         INTEGER NOT NULL,
    suspended_until INTEGER,
    key_id          INTEGER NOT NULL,
    secret          BLOB    NOT NULL, -- sealed password hash
    PRIMARY KEY (slot, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
    slot    INTEGER NOT NULL,
    hash    BLOB    NOT NULL,
    account TEXT    NOT NULL,
    expires INTEGER NOT NULL,
    key_id  INTEGER NOT NULL,
    extend  BLOB    NOT NULL, -- sealed application fields
    PRIMARY KEY (slot, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX token_expires ON token (expires);

-- Two rows for each relation, one seen from either side: 0 nothing, 1 wants, 2 blocks.
CREATE TABLE contact (
    slot       INTEGER NOT NULL,
    owner      TEXT    NOT NULL,
    peer       TEXT    NOT NULL,
    own        INTEGER NOT NULL CHECK (own BETWEEN 0 AND 2),
    peer_state INTEGER NOT NULL CHECK (peer_state BETWEEN 0 AND 2),
    PRIMARY KEY (slot, owner, peer)
) STRICT, WITHOUT ROWID;

-- timestamp never falls with rising mid. origin = keyed tag of the author (8 bytes) || client id.
-- body holds the author, the exact time and the message, sealed; NULL when recalled.
CREATE TABLE message (
    slot         INTEGER NOT NULL,
    conversation BLOB    NOT NULL,
    mid          INTEGER NOT NULL,
    timestamp    INTEGER NOT NULL,
    origin       BLOB,
    key_id       INTEGER NOT NULL,
    body         BLOB,
    PRIMARY KEY (slot, conversation, mid)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX message_origin ON message (slot, conversation, origin) WHERE origin IS NOT NULL;

-- body holds a packet or the reference to a message, sealed: a row does not tell who talks to whom.
CREATE TABLE inbox (
    slot   INTEGER NOT NULL,
    owner  TEXT    NOT NULL,
    seq    INTEGER NOT NULL,
    key_id INTEGER NOT NULL,
    body   BLOB    NOT NULL,
    PRIMARY KEY (slot, owner, seq)
) STRICT, WITHOUT ROWID;

-- device = keyed hash of owner and device name; name = sealed device name.
CREATE TABLE device (
    slot     INTEGER NOT NULL,
    owner    TEXT    NOT NULL,
    device   BLOB    NOT NULL,
    position INTEGER NOT NULL,
    seen     INTEGER NOT NULL,
    key_id   INTEGER NOT NULL,
    name     BLOB    NOT NULL,
    PRIMARY KEY (slot, owner, device)
) STRICT, WITHOUT ROWID;

-- Furthest position of the devices that were forgotten. Together with the devices it is where a
-- new device starts, and it keeps the numbers of an emptied inbox from starting again.
CREATE TABLE inbox_base (
    slot  INTEGER NOT NULL,
    owner TEXT    NOT NULL,
    floor INTEGER NOT NULL,
    PRIMARY KEY (slot, owner)
) STRICT, WITHOUT ROWID;
