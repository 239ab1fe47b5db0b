-- Partners, enrolments, product keys, reveals and the outbox.
-- Times are milliseconds since 1970 UTC, truth values 0 or 1, bytes lower-case hex: SQL that PostgreSQL takes as well.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE partners (
    partner      TEXT   NOT NULL PRIMARY KEY,
    display_name TEXT   NOT NULL,
    created_ms   BIGINT NOT NULL,
    updated_ms   BIGINT NOT NULL
);

CREATE TABLE enrolments (
    partner        TEXT   NOT NULL REFERENCES partners (partner),
    enrolment      TEXT   NOT NULL,
    offer          TEXT   NOT NULL,
    start_ms       BIGINT NOT NULL,
    end_ms         BIGINT NOT NULL,
    provisioned    BIGINT NOT NULL,
    keys_suspended BIGINT NOT NULL,
    next_change_ms BIGINT,
    revision       BIGINT NOT NULL,
    updated_ms     BIGINT NOT NULL,
    PRIMARY KEY (partner, enrolment)
);
CREATE INDEX enrolments_by_next_change ON enrolments (next_change_ms);

-- One key a benefit, one benefit a key. The key itself is ciphertext; the digest is keyed.
CREATE TABLE product_keys (
    key_id            TEXT   NOT NULL PRIMARY KEY,
    partner           TEXT   NOT NULL,
    enrolment         TEXT   NOT NULL,
    product           TEXT   NOT NULL,
    encryption_key_id TEXT   NOT NULL,
    nonce             TEXT   NOT NULL,
    ciphertext        TEXT   NOT NULL,
    digest            TEXT   NOT NULL UNIQUE,
    issued            BIGINT NOT NULL,
    activation_limit  BIGINT NOT NULL,
    counting_mode     TEXT   NOT NULL,
    platforms         TEXT   NOT NULL,
    operator_handle   BIGINT NOT NULL,
    help_uri          TEXT   NOT NULL,
    first_viewed_ms   BIGINT,
    first_viewed_by   TEXT,
    created_ms        BIGINT NOT NULL,
    UNIQUE (partner, enrolment, product),
    FOREIGN KEY (partner, enrolment) REFERENCES enrolments (partner, enrolment)
);

-- Every reveal for ever, whatever becomes of its key.
CREATE TABLE reveals (
    reveal      TEXT   NOT NULL PRIMARY KEY,
    partner     TEXT   NOT NULL,
    enrolment   TEXT   NOT NULL,
    product     TEXT   NOT NULL,
    key_id      TEXT   NOT NULL,
    subject     TEXT   NOT NULL,
    revealed_ms BIGINT NOT NULL,
    first       BIGINT NOT NULL
);
CREATE INDEX reveals_by_partner ON reveals (partner, revealed_ms, reveal);

-- What the activation service should know of a key (wanted) and what it said it knows (known).
CREATE TABLE outbox (
    key_id            TEXT   NOT NULL PRIMARY KEY REFERENCES product_keys (key_id) ON DELETE CASCADE,
    wanted_generation BIGINT NOT NULL,
    wanted_suspended  BIGINT NOT NULL,
    known_generation  BIGINT NOT NULL,
    known_suspended   BIGINT NOT NULL,
    attempts          BIGINT NOT NULL,
    next_attempt_ms   BIGINT NOT NULL,
    unsent_since_ms   BIGINT,
    stuck             TEXT
);
CREATE INDEX outbox_by_next_attempt ON outbox (next_attempt_ms) WHERE unsent_since_ms IS NOT NULL;
