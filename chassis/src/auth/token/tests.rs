//! Which tokens are believed.
