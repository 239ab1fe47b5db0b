//! One connection from accept to close: socket options, handshake, first bytes, age, drain.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

use super::call::{CallService, Server};
use super::{Limits, Peer};

/// The HTTP/2 preface and the header of the frame that must follow it.
const GREETING_BYTES: usize = 24 + 9;
/// An age limit is shortened by up to this part of it, so that clients do not all come back at
/// once.
const AGE_JITTER_DIVISOR: u64 = 10;

/// How often a draining connection is looked at, to close it when its client does not.
const DRAIN_CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// Counts open connections, in all and by address.
#[derive(Debug)]
pub(super) struct Admission {
    room: Arc<Semaphore>,
    per_address_max: usize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

impl Admission {
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            room: Arc::new(Semaphore::new(limits.connections_max)),
            per_address_max: limits.connections_per_address_max,
            by_address: Mutex::new(HashMap::new()),
        })
    }

    /// A ticket for one connection, unless there are too many.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Ticket> {
        let room = Arc::clone(&self.room).try_acquire_owned().ok()?;
        let network = network(address);
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let open = by_address.entry(network).or_insert(0);
        if *open >= self.per_address_max {
            return None;
        }
        *open += 1;
        Some(Ticket { admission: Arc::clone(self), network, _room: room })
    }
}

/// Holds a connection's place until it is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    admission: Arc<Admission>,
    network: IpAddr,
    _room: OwnedSemaphorePermit,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let by_address = &self.admission.by_address;
        let mut by_address = by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = by_address.get_mut(&self.network) {
            *open -= 1;
            if *open == 0 {
                by_address.remove(&self.network);
            }
        }
    }
}

/// One IPv6 customer holds a /64, so that counts as one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX))),
    }
}

/// Serves one connection to its end.
pub(super) async fn serve(
    tcp: TcpStream,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    server: Arc<Server>,
    ticket: Ticket,
) {
    let limits = &server.limits;
    if let Err(error) = prepare(&tcp, limits) {
        tracing::debug!(%address, %error, "socket options");
    }
    let peer = Peer { address };
    let Some(tls) = tls else {
        let caller = server.authenticator.caller(None);
        drive(tcp, CallService::new(Arc::clone(&server), caller, peer), &server).await;
        return drop(ticket);
    };
    let mut draining = server.draining.clone();
    let handshake = tokio::select! {
        result = tokio::time::timeout(ms(limits.handshake_timeout_ms), tls.accept(tcp)) => result,
        _ = draining.wait_for(|draining| *draining) => return,
    };
    match handshake {
        Ok(Ok(stream)) => {
            let certificates = stream.get_ref().1.peer_certificates();
            let certificate = certificates.and_then(|chain| chain.first()).map(AsRef::as_ref);
            let caller = server.authenticator.caller(certificate);
            drive(stream, CallService::new(Arc::clone(&server), caller, peer), &server).await;
        }
        Ok(Err(error)) => tracing::debug!(%address, %error, "TLS handshake"),
        Err(_elapsed) => tracing::debug!(%address, "TLS handshake took too long"),
    }
}

async fn drive<I>(io: I, service: CallService, server: &Server)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &server.limits;
    let received = Arc::new(AtomicUsize::new(0));
    let io = TokioIo::new(Counted { io, received: Arc::clone(&received) });
    let active = service.active();
    let mut connection = std::pin::pin!(builder(limits).serve_connection(io, service));
    let mut greeting = std::pin::pin!(tokio::time::sleep(ms(limits.first_bytes_timeout_ms)));
    let mut end = std::pin::pin!(tokio::time::sleep(age(limits)));
    let mut draining = server.draining.clone();
    let greeted = || received.load(Ordering::Relaxed) >= GREETING_BYTES;
    let mut check = tokio::time::interval(DRAIN_CHECK_INTERVAL);
    let (mut waiting, mut ending, mut told, mut quiet) = (true, false, false, false);
    loop {
        tokio::select! {
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(%error, "connection");
                }
                return;
            }
            () = greeting.as_mut(), if waiting => {
                waiting = false;
                if !greeted() {
                    return;
                }
            }
            // First the age, which asks the client to go; then the grace, which closes.
            () = end.as_mut() => {
                if ending {
                    return;
                }
                ending = true;
                connection.as_mut().graceful_shutdown();
                let grace = ms(limits.connection_age_grace_ms);
                end.as_mut().reset(tokio::time::Instant::now() + grace);
            }
            _ = draining.wait_for(|draining| *draining), if !told => {
                told = true;
                if !greeted() {
                    return;
                }
                connection.as_mut().graceful_shutdown();
                check.reset();
            }
            // A client that never answers GOAWAY, or keeps its side of an ended stream open, would
            // hold up the drain; two looks without a call leave time for the last answer to be
            // sent.
            _ = check.tick(), if told => {
                let idle = active.load(Ordering::Relaxed) == 0;
                if idle && quiet {
                    return;
                }
                quiet = idle;
            }
        }
    }
}

fn builder(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_per_connection_max)
        .max_local_error_reset_streams(limits.local_error_reset_streams_max)
        .max_pending_accept_reset_streams(limits.pending_accept_reset_streams_max)
        .max_header_list_size(limits.header_list_bytes_max)
        .initial_stream_window_size(limits.stream_window_bytes)
        .initial_connection_window_size(limits.connection_window_bytes)
        .keep_alive_interval(ms(limits.keepalive_interval_ms))
        .keep_alive_timeout(ms(limits.keepalive_timeout_ms));
    builder
}

fn prepare(tcp: &TcpStream, limits: &Limits) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let keepalive = socket2::TcpKeepalive::new().with_time(ms(limits.tcp_keepalive_ms));
    socket2::SockRef::from(tcp).set_tcp_keepalive(&keepalive)
}

fn age(limits: &Limits) -> Duration {
    let max = limits.connection_age_ms_max;
    // Any spread will do here, so the standard library's random hash state is enough.
    let jitter = RandomState::new().hash_one(max) % (max / AGE_JITTER_DIVISOR).max(1);
    ms(max - jitter)
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Counts what the peer has sent, to tell a slow greeting from a quiet client.
struct Counted<I> {
    io: I,
    received: Arc<AtomicUsize>,
}

impl<I: AsyncRead + Unpin> AsyncRead for Counted<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.io).poll_read(context, buffer);
        self.received.fetch_add(buffer.filled().len().saturating_sub(before), Ordering::Relaxed);
        result
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Counted<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_bounded_in_all_and_by_address() {
        let limits =
            Limits { connections_max: 3, connections_per_address_max: 2, ..Limits::default() };
        let admission = Admission::new(&limits);
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        let one = admission.admit(address("2001:db8::1")).expect("first of its /64");
        let _two = admission.admit(address("2001:db8::2")).expect("second of its /64");
        assert!(admission.admit(address("2001:db8::3")).is_none(), "third of its /64");
        let _three = admission.admit(address("10.0.0.1")).expect("another address");
        assert!(admission.admit(address("10.0.0.2")).is_none(), "fourth in all");
        drop(one);
        assert!(admission.admit(address("::ffff:10.0.0.1")).is_some(), "a place came free");
    }
}
