//! Old programs go on: nothing that v1 of a schema once had is taken away or used anew, and old
//! bytes keep their meaning.

mod bytes;
mod promises;
