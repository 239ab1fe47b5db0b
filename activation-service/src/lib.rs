//! Decides whether an installation counts and owns the ledger of key and hardware counts.
