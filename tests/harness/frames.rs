//! Frames of HTTP/2 as they stand on the wire, for clients that a library would not let be: slow to
//! hear what they are told, or ill-meant.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::waiting::PATIENCE;

/// What a client says first, with empty SETTINGS.
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// The code of a client that wants an answer no more.
const CANCEL: u32 = 8;

/// Kinds of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// Bytes of a message.
    Data,
    /// Headers or trailers.
    Headers,
    /// A stream is given up.
    Reset,
    /// The connection ends.
    GoAway,
    /// Whatever else.
    Other,
}

/// A frame from the server.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What it is.
    pub kind: FrameKind,
    /// Whether the server sends nothing more on its stream.
    pub is_end: bool,
    /// Its stream.
    pub stream: u32,
    /// What it carries.
    pub payload: Vec<u8>,
}

/// A connection of frames.
pub struct Frames {
    tcp: TcpStream,
    streams: u32,
    path: String,
    address: SocketAddr,
}

impl Frames {
    /// Connects and greets, to call this path of a service in plain text.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn open(address: SocketAddr, path: &str) -> Result<Self> {
        let mut tcp = TcpStream::connect(address).await.context("a connection")?;
        tcp.write_all(GREETING).await?;
        Ok(Self { tcp, streams: 0, path: path.to_owned(), address })
    }

    /// The headers of a call on the next stream, with further ones, and its number.
    pub fn headers(&mut self, further: &[(&str, &str)]) -> (u32, Vec<u8>) {
        let stream = self.streams * 2 + 1;
        self.streams += 1;
        let authority = self.address.to_string();
        let usual = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", &self.path),
            (":authority", &authority),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ];
        let mut block = Vec::new();
        for (name, value) in usual.iter().chain(further) {
            // A literal that is not indexed; lengths below 127 are one byte.
            block.push(0);
            for text in [name, value] {
                block.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
                block.extend_from_slice(text.as_bytes());
            }
        }
        (stream, frame(1, END_HEADERS, stream, &block))
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The server has closed the connection.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.tcp.write_all(bytes).await.context("the server has closed the connection")
    }

    /// The next frame; none once the server has closed the connection.
    ///
    /// # Errors
    /// Nothing came for a long time.
    pub async fn next(&mut self) -> Result<Option<Frame>> {
        self.next_within(PATIENCE).await
    }

    async fn next_within(&mut self, patience: Duration) -> Result<Option<Frame>> {
        let mut head = [0; 9];
        let read = tokio::time::timeout(patience, self.tcp.read_exact(&mut head)).await;
        if read.context("no frame came")?.is_err() {
            return Ok(None);
        }
        let [a, b, c, kind, flags, d, e, f, g] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        if self.tcp.read_exact(&mut payload).await.is_err() {
            return Ok(None);
        }
        let kind = match kind {
            0 => FrameKind::Data,
            1 => FrameKind::Headers,
            3 => FrameKind::Reset,
            7 => FrameKind::GoAway,
            _ => FrameKind::Other,
        };
        let ends = matches!(kind, FrameKind::Data | FrameKind::Headers);
        let is_end = ends && flags & END_STREAM != 0;
        Ok(Some(Frame { kind, is_end, stream: u32::from_be_bytes([d, e, f, g]), payload }))
    }
}

impl Frame {
    /// Code and text with which the server ends the connection; none if it is another frame.
    #[must_use]
    pub fn go_away(&self) -> Option<(u32, String)> {
        let code = self.payload.get(4..8)?.try_into().ok()?;
        let text = String::from_utf8_lossy(self.payload.get(8..)?).into_owned();
        (self.kind == FrameKind::GoAway).then(|| (u32::from_be_bytes(code), text))
    }
}

/// The last bytes of a stream.
#[must_use]
pub fn last_data(stream: u32, bytes: &[u8]) -> Vec<u8> {
    frame(0, END_STREAM, stream, bytes)
}

/// A client gives a stream up.
#[must_use]
pub fn cancel(stream: u32) -> Vec<u8> {
    frame(3, 0, stream, &CANCEL.to_be_bytes())
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [head.as_slice(), payload].concat()
}
