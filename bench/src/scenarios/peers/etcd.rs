//! etcd with one member: the count is read, and a transaction records the activation unless count,
//! request or computer changed meanwhile. Debian has no load generator for it, so ours calls.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use http::uri::PathAndQuery;
use prost::Message;
use tempfile::TempDir;
use tokio::task::JoinSet;
use xtask::process::root;

use super::ensure_program;
use crate::connection::{Connection, Target};
use crate::load::CONNECTIONS;

/// Longest wait for it to answer.
const START_TIME_MAX: Duration = Duration::from_secs(30);
const START_PERIOD: Duration = Duration::from_millis(50);
/// Most times that a transaction finds its key changed.
const TRIES_MAX: usize = 100;
const EVIDENCE_BYTES: usize = 200;
const RANGE: PathAndQuery = PathAndQuery::from_static("/etcdserverpb.KV/Range");
const TXN: PathAndQuery = PathAndQuery::from_static("/etcdserverpb.KV/Txn");
/// What a comparison looks at, as etcd numbers it.
const VERSION: i32 = 0;
const MODIFIED: i32 = 2;

/// A member in a folder of its own; it is killed when this is dropped.
pub(super) struct Etcd {
    _folder: TempDir,
    server: Child,
    address: SocketAddr,
}

/// As much of etcd's messages as is used.
#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(int64, tag = "3")]
    modified: i64,
    #[prost(bytes = "vec", tag = "5")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct RangeRequest {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct RangeResponse {
    #[prost(message, repeated, tag = "2")]
    found: Vec<KeyValue>,
}

/// Equal, or the transaction fails.
#[derive(Clone, PartialEq, Message)]
struct Compare {
    #[prost(int32, tag = "2")]
    target: i32,
    #[prost(bytes = "vec", tag = "3")]
    key: Vec<u8>,
    #[prost(int64, optional, tag = "4")]
    version: Option<i64>,
    #[prost(int64, optional, tag = "6")]
    modified: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Put {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Operation {
    #[prost(message, optional, tag = "2")]
    put: Option<Put>,
}

#[derive(Clone, PartialEq, Message)]
struct TxnRequest {
    #[prost(message, repeated, tag = "1")]
    compare: Vec<Compare>,
    #[prost(message, repeated, tag = "2")]
    success: Vec<Operation>,
}

#[derive(Clone, PartialEq, Message)]
struct TxnResponse {
    #[prost(bool, tag = "2")]
    succeeded: bool,
}

/// A connection for each of the two methods.
#[derive(Clone)]
struct Caller {
    range: Connection,
    txn: Connection,
}

impl Etcd {
    pub(super) async fn start() -> Result<Self> {
        ensure_program("etcd", "etcd-server")?;
        let folder = tempfile::tempdir_in(root().join("target").join("bench"))?;
        let (clients, peers) = (free_address()?, free_address()?);
        let uri = |address: SocketAddr| format!("http://{address}");
        let mut server = Command::new("etcd");
        server.arg("--data-dir").arg(folder.path());
        server.args(["--listen-client-urls", &uri(clients)]);
        server.args(["--advertise-client-urls", &uri(clients)]);
        server.args(["--listen-peer-urls", &uri(peers)]);
        server.args(["--initial-advertise-peer-urls", &uri(peers)]);
        server.args(["--initial-cluster", &format!("default={}", uri(peers))]);
        let server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let this = Self { _folder: folder, server, address: clients };
        let begun = Instant::now();
        let mut again = tokio::time::interval(START_PERIOD);
        loop {
            again.tick().await;
            if let Ok(mut caller) = this.caller().await
                && caller.activate(0, "first").await.is_ok()
            {
                return Ok(this);
            }
            ensure!(begun.elapsed() < START_TIME_MAX, "etcd does not answer");
        }
    }

    async fn caller(&self) -> Result<Caller> {
        let target = |path| Target { address: self.address, path, callers: Vec::new() };
        let range = Connection::open(&target(RANGE)).await?;
        Ok(Caller { range, txn: Connection::open(&target(TXN)).await? })
    }

    /// Activations a second.
    pub(super) async fn measure(&self, keys: usize, callers: u32, length: Duration) -> Result<f64> {
        let mut lanes = Vec::new();
        for _ in 0..CONNECTIONS.min(callers as usize) {
            lanes.push(self.caller().await?);
        }
        let begun = Instant::now();
        let mut calling = JoinSet::new();
        for (number, lane) in (0..callers as usize).zip(lanes.iter().cycle()) {
            let mut lane = lane.clone();
            calling.spawn(async move {
                let mut done = 0_u64;
                while begun.elapsed() < length {
                    // Keys far from each other, all of them in turn.
                    let key = (number * (keys / callers as usize + 1) + done as usize) % keys;
                    lane.activate(key, &format!("{callers}/{number}/{done}")).await?;
                    done += 1;
                }
                anyhow::Ok(done)
            });
        }
        let mut all = 0;
        while let Some(done) = calling.join_next().await {
            all += done.context("a caller")??;
        }
        Ok(all as f64 / begun.elapsed().as_secs_f64())
    }
}

impl Caller {
    /// One activation of a computer that is new.
    async fn activate(&mut self, key: usize, computer: &str) -> Result<()> {
        let key = format!("used/{key}").into_bytes();
        let of = |what: &str| format!("{what}/{computer}").into_bytes();
        for _ in 0..TRIES_MAX {
            let asked = RangeRequest { key: key.clone() }.encode_to_vec();
            let found = RangeResponse::decode(self.range.call(0, asked.into()).await?)?.found.pop();
            let found = found.unwrap_or_default();
            let used: u32 = match found.value.is_empty() {
                true => 0,
                false => std::str::from_utf8(&found.value)?.parse()?,
            };
            let modified = Some(found.modified);
            let is_new = |key| Compare { target: VERSION, key, version: Some(0), modified: None };
            let unchanged = Compare { target: MODIFIED, key: key.clone(), version: None, modified };
            let put = |key, value| Operation { put: Some(Put { key, value }) };
            let used = (used + 1).to_string().into_bytes();
            let txn = TxnRequest {
                compare: vec![unchanged, is_new(of("request")), is_new(of("computer"))],
                success: vec![
                    put(key.clone(), used.clone()),
                    put(of("request"), used),
                    put(of("computer"), vec![b'e'; EVIDENCE_BYTES]),
                ],
            };
            let answer = self.txn.call(0, txn.encode_to_vec().into()).await?;
            if TxnResponse::decode(answer)?.succeeded {
                return Ok(());
            }
        }
        bail!("a key was changed by others {TRIES_MAX} times")
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// An address that nobody listens on.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
