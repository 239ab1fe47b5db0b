//! A plain HTTP/2 connection that tonic's client calls over.
//!
//! A channel of tonic's would put a queue and a task between each caller and the connection; what
//! the generator spends is taken from both services on the same machine.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataKey, MetadataValue};
use tonic::{Request, Status};
use tower::Service;

use crate::raw::RawCodec;

/// Where a method is called, and as whom.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where the service listens.
    pub address: SocketAddr,
    /// `/package.Service/Method`.
    pub path: http::uri::PathAndQuery,
    /// Further headers of each caller: call number n is made by the caller at n modulo their
    /// number. None for calls without further headers.
    pub callers: Vec<Headers>,
}

/// Names and values.
pub type Headers = Vec<(String, String)>;

/// One connection; clones share it.
#[derive(Clone)]
pub struct Connection {
    client: Grpc<Wire>,
    path: http::uri::PathAndQuery,
    callers: Arc<[Vec<Header>]>,
}

type Header = (MetadataKey<Ascii>, MetadataValue<Ascii>);

#[derive(Clone)]
struct Wire(SendRequest<Body>);

type Answering =
    Pin<Box<dyn Future<Output = Result<http::Response<Incoming>, hyper::Error>> + Send>>;

impl Connection {
    /// Connects; the connection ends with its last clone.
    ///
    /// # Errors
    /// Nobody listens there, or a header cannot be sent.
    pub async fn open(target: &Target) -> Result<Self> {
        let stream = TcpStream::connect(target.address).await.context("a connection")?;
        stream.set_nodelay(true)?;
        let io = TokioIo::new(stream);
        let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
        // It ends when nobody sends any more, or with the service; whoever calls is told then.
        tokio::spawn(connection);
        let origin = format!("http://{}", target.address).parse()?;
        let client = Grpc::with_origin(Wire(sender), origin);
        let read = |(name, value): &(String, String)| anyhow::Ok((name.parse()?, value.parse()?));
        let all = |headers: &Headers| headers.iter().map(read).collect::<Result<Vec<Header>>>();
        let callers = target.callers.iter().map(all).collect::<Result<_>>()?;
        Ok(Self { client, path: target.path.clone(), callers })
    }

    /// Calls once.
    ///
    /// # Errors
    /// What the service refuses with, or what became of the connection.
    pub async fn call(&mut self, number: u64, message: Bytes) -> Result<Bytes, Status> {
        let lost = |error: hyper::Error| Status::unavailable(error.to_string());
        self.client.ready().await.map_err(lost)?;
        let mut request = Request::new(message);
        let turn = number as usize % self.callers.len().max(1);
        for (name, value) in self.callers.get(turn).into_iter().flatten() {
            request.metadata_mut().insert(name.clone(), value.clone());
        }
        let answer = self.client.unary(request, self.path.clone(), RawCodec).await?;
        Ok(answer.into_inner())
    }
}

impl Service<http::Request<Body>> for Wire {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Answering {
        Box::pin(self.0.send_request(request))
    }
}
