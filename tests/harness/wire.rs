//! Bytes on an HTTP/2 connection, for what no well-meant client sends.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tonic::{Code, Status};

use crate::person::Headers;
use crate::refusal::Refusal;

/// A call as it stands on the wire.
#[derive(Clone, Debug)]
pub struct RawCall {
    /// `/package.Service/Method`.
    pub path: String,
    /// The content type.
    pub content_type: &'static str,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body, frames and all.
    pub body: Bytes,
}

/// What came back.
#[derive(Debug)]
pub struct RawAnswer {
    /// The HTTP status.
    pub http: u16,
    /// The gRPC status, if one came.
    pub status: Option<Status>,
    /// The body.
    pub body: Bytes,
}

impl RawCall {
    /// A call with this message in one frame.
    #[must_use]
    pub fn of(path: &str, message: &[u8]) -> Self {
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let body = [&[0], length.to_be_bytes().as_slice(), message].concat();
        Self {
            path: path.to_owned(),
            content_type: "application/grpc",
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// With another body, unframed.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// With another header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// With the metadata of a person.
    #[must_use]
    pub fn as_person(mut self, headers: &Headers) -> Self {
        for (name, value) in headers.iter() {
            let name = match name {
                "accept-language" => "accept-language",
                "authorization" => "authorization",
                _ => "x-dev-identity",
            };
            self.headers.push((name, value.to_owned()));
        }
        self
    }

    /// With another content type.
    #[must_use]
    pub fn with_content_type(mut self, content_type: &'static str) -> Self {
        self.content_type = content_type;
        self
    }

    /// Sends it on a connection of its own, in plain text.
    ///
    /// # Errors
    /// There is no connection or no answer.
    pub async fn send(self, address: SocketAddr) -> Result<RawAnswer> {
        let body = self.body.clone();
        self.begin(address).await?.end(body).await
    }

    /// Sends the headers and keeps the body back, so that the call stays open until it is ended.
    /// The server has taken it up when this returns, for it has answered a later ping of ours.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn begin(self, address: SocketAddr) -> Result<OpenCall> {
        let stream = TcpStream::connect(address).await.context("a connection")?;
        let (mut sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        let driving = tokio::spawn(connection);
        let mut request = http::Request::post(format!("http://{address}{}", self.path))
            .header("content-type", self.content_type)
            .header("te", "trailers");
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let (body, channel) = Channel::new(1);
        let answer = tokio::spawn(sender.send_request(request.body(channel)?));
        // Streams of one connection are taken up in order: once this later one is answered, the
        // first one is being worked on.
        let (_, nothing) = Channel::new(1);
        let later = http::Request::get(format!("http://{address}/")).body(nothing)?;
        sender.send_request(later).await.context("an answer to a later call")?;
        Ok(OpenCall { body, answer, _sender: sender, driving })
    }
}

type RawBody = Channel<Bytes>;

/// A call whose message has not been sent yet.
pub struct OpenCall {
    body: Sender<Bytes>,
    answer: JoinHandle<hyper::Result<http::Response<hyper::body::Incoming>>>,
    // Held: a connection without a sender closes.
    _sender: http2::SendRequest<RawBody>,
    driving: JoinHandle<hyper::Result<()>>,
}

impl OpenCall {
    /// Sends the message and waits for the answer.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn end(mut self, body: Bytes) -> Result<RawAnswer> {
        // A server that has refused the call by its headers may have closed the stream.
        let _ = self.body.send_data(body).await;
        drop(self.body);
        let (parts, body) = self.answer.await?.context("an answer")?.into_parts();
        let collected = body.collect().await.context("the body of the answer")?;
        let trailers = collected.trailers().cloned();
        self.driving.abort();
        let status = Status::from_header_map(&parts.headers)
            .or_else(|| trailers.as_ref().and_then(Status::from_header_map));
        Ok(RawAnswer { http: parts.status.as_u16(), status, body: collected.to_bytes() })
    }
}

/// The text of a page over HTTP/1, such as `/metrics`.
///
/// # Errors
/// There is no such page.
pub async fn page(address: SocketAddr, path: &str) -> Result<String> {
    let stream = TcpStream::connect(address).await.context("a connection")?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driving = tokio::spawn(connection);
    let request = http::Request::get(path).header("host", address.to_string());
    let answer = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
    let body = answer.into_body().collect().await?.to_bytes();
    driving.abort();
    Ok(String::from_utf8_lossy(&body).into_owned())
}

impl RawAnswer {
    /// The refusal that it must be.
    ///
    /// # Errors
    /// It is none.
    pub fn refusal(&self) -> Result<Refusal> {
        let status = self.status.as_ref().with_context(|| format!("no status: {self:?}"))?;
        anyhow::ensure!(status.code() != Code::Ok, "an answer: {self:?}");
        Refusal::of(status)
    }
}
