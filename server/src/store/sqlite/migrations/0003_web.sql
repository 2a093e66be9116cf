-- Sessions of browsers, and lists of a domain.

-- hash = SHA-256 of the secret, which is kept nowhere. The slot is that of
-- the hash; an index leads from the account to its sessions.
CREATE TABLE web_session (
    slot       INTEGER NOT NULL,
    hash       BLOB    NOT NULL,
    account    TEXT    NOT NULL,
    remembered INTEGER NOT NULL CHECK (remembered IN (0, 1)),
    created    INTEGER NOT NULL,
    used       INTEGER NOT NULL,
    PRIMARY KEY (slot, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX web_session_account ON web_session (account, used);
CREATE INDEX web_session_used ON web_session (used);

CREATE INDEX account_domain ON account (domain, id);
CREATE INDEX room_domain ON room (domain, id) WHERE dissolved = 0;
