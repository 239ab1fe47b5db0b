-- The counts of product keys and computers, as a row-lock transaction of PostgreSQL keeps them.
CREATE TABLE product_keys (id integer PRIMARY KEY, used integer NOT NULL, activation_limit integer NOT NULL);
CREATE TABLE activations (
    id bigserial PRIMARY KEY,
    key_id integer NOT NULL,
    anchor bytea NOT NULL,
    evidence bytea NOT NULL,
    request_id bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (key_id, request_id)
);
CREATE INDEX activations_by_anchor ON activations (key_id, anchor);
