-- Rooms, their members, the packets in their logs, and profiles.

-- body = compact TimUserBean, sealed.
CREATE TABLE profile (
    slot   INTEGER NOT NULL,
    owner  TEXT    NOT NULL,
    key_id INTEGER NOT NULL,
    body   BLOB    NOT NULL,
    PRIMARY KEY (slot, owner)
) STRICT, WITHOUT ROWID;

-- kind: 1 private, 2 open. profile = compact TimRoomBean, sealed and bound to all columns before
-- it that never change. A dissolved room keeps its row: its id is never used again.
CREATE TABLE room (
    slot         INTEGER NOT NULL,
    id           TEXT    NOT NULL,
    conversation BLOB    NOT NULL,
    domain       TEXT    NOT NULL,
    kind         INTEGER NOT NULL CHECK (kind IN (1, 2)),
    founder      TEXT    NOT NULL,
    created      INTEGER NOT NULL,
    dissolved    INTEGER NOT NULL CHECK (dissolved IN (0, 1)),
    version      INTEGER NOT NULL,
    key_id       INTEGER NOT NULL,
    profile      BLOB    NOT NULL,
    PRIMARY KEY (slot, id)
) STRICT, WITHOUT ROWID;

-- The relation of an account and a room, under the slot of the account: 0 nothing, 1 wants,
-- 2 blocks. For members: since = newest number of the room's log when the account joined;
-- floor = furthest position of its devices that were forgotten.
CREATE TABLE membership (
    slot          INTEGER NOT NULL,
    account       TEXT    NOT NULL,
    room          TEXT    NOT NULL,
    room_state    INTEGER NOT NULL CHECK (room_state BETWEEN 0 AND 2),
    account_state INTEGER NOT NULL CHECK (account_state BETWEEN 0 AND 2),
    conversation  BLOB    NOT NULL,
    since         INTEGER NOT NULL,
    floor         INTEGER NOT NULL,
    PRIMARY KEY (slot, account, room)
) STRICT, WITHOUT ROWID;

-- The lists of a room, under the slot of the room: list 1 its members, 2 whom it blocks, 0 all
-- others it has a relation with. Changed together with the table before.
CREATE TABLE room_member (
    slot    INTEGER NOT NULL,
    room    TEXT    NOT NULL,
    list    INTEGER NOT NULL CHECK (list BETWEEN 0 AND 2),
    account TEXT    NOT NULL,
    manager INTEGER NOT NULL CHECK (manager IN (0, 1)),
    PRIMARY KEY (slot, room, list, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX room_manager ON room_member (slot, room, account) WHERE manager = 1;

-- Positions of devices in logs of rooms, under the slot of the owner. device as in that table. A
-- row exists only while the device is known and its owner a member.
CREATE TABLE room_position (
    slot     INTEGER NOT NULL,
    owner    TEXT    NOT NULL,
    room     TEXT    NOT NULL,
    device   BLOB    NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (slot, owner, room, device)
) STRICT, WITHOUT ROWID;

-- Packets in the log of a conversation. number counts them: 1, 2, 3, …. The message at another
-- position p has the mid p - (number of the last packet before it). body = the packet, sealed.
CREATE TABLE log_notice (
    slot         INTEGER NOT NULL,
    conversation BLOB    NOT NULL,
    position     INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    key_id       INTEGER NOT NULL,
    body         BLOB    NOT NULL,
    PRIMARY KEY (slot, conversation, position)
) STRICT, WITHOUT ROWID;
