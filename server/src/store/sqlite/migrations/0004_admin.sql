-- Records of the management API: kind 1 people, 2 API keys. body = JSON, sealed under a key of its own that
-- is derived from the installation key.
CREATE TABLE admin_record (
    kind INTEGER NOT NULL,
    name TEXT    NOT NULL,
    body BLOB    NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

-- Changes made by those who manage the server; only ever appended to. body = JSON, sealed.
CREATE TABLE audit (
    number INTEGER NOT NULL PRIMARY KEY,
    at     INTEGER NOT NULL,
    body   BLOB    NOT NULL
) STRICT;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;

-- Orders in which accounts are listed.
CREATE INDEX account_id ON account (id);
CREATE INDEX account_created ON account (created, id);
