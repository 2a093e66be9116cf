-- Files and pictures. Their bytes are kept beside the database.

-- conversation: the one a file is for; for the picture of an account that with itself. owner: keyed
-- hash of the uploader. state: 0 it arrives, 1 no message names it yet, 2 the message mid names it,
-- 3 picture in use, 4 deleted while its bytes may still be there. size: bytes of content. body: uploader,
-- purpose, type, hash and the key of its bytes, sealed; NULL from the moment it is deleted.
CREATE TABLE file (
    slot         INTEGER NOT NULL,
    id           BLOB    NOT NULL,
    conversation BLOB    NOT NULL,
    owner        BLOB    NOT NULL,
    state        INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
    mid          INTEGER CHECK ((mid IS NOT NULL) = (state = 2)),
    size         INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    key_id       INTEGER NOT NULL,
    body         BLOB CHECK ((body IS NULL) = (state = 4)),
    PRIMARY KEY (slot, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX file_message ON file (slot, conversation, mid) WHERE mid IS NOT NULL;
CREATE INDEX file_picture ON file (slot, conversation) WHERE state = 3;
CREATE INDEX file_owner ON file (owner, size) WHERE state <> 4;
CREATE INDEX file_waiting ON file (state, created) WHERE state IN (0, 1, 4);
