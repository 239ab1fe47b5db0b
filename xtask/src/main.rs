//! The two commands of this repository, `dev` and `test`, and their helpers.

fn main() {}
