//! The laws of the house as tests; each of them fails with file, line, law and remedy.

mod code;
mod house;
mod lockfile;
mod manifests;
mod names;
mod papers;
mod paths;
mod patience;
mod ports;
mod proto;
mod proto_names;
mod report;
mod rooms;
mod rpcs;
mod sizes;
mod words;
