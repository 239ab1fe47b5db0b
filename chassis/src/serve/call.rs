//! One call: known method, room for it, identity, role, deadline; only then its message is read.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use tonic::service::Routes;
use tower::Service as _;

use super::body::{CallBody, Record};
use super::deadline::{self, Deadline};
use super::methods::Methods;
use super::{Limits, Peer, late_body, transport_fault};
use crate::auth::{self, Authenticator, Caller};
use crate::status::{Fault, Language};

const GRPC: &str = "application/grpc";

/// What all connections share.
pub(super) struct Server {
    pub(super) methods: Methods,
    pub(super) authenticator: Authenticator,
    pub(super) routes: Routes,
    pub(super) domain: &'static str,
    pub(super) help_base_uri: String,
    pub(super) limits: Limits,
    pub(super) calls: Arc<Semaphore>,
    pub(super) open_calls: Arc<Semaphore>,
    pub(super) draining: watch::Receiver<bool>,
}

/// Answers the calls of one connection.
#[derive(Clone)]
pub(super) struct CallService {
    server: Arc<Server>,
    caller: Arc<Caller>,
    peer: Peer,
    calls: Arc<Semaphore>,
    active: Arc<AtomicUsize>,
}

impl CallService {
    pub(super) fn new(server: Arc<Server>, caller: Caller, peer: Peer) -> Self {
        let calls = Arc::new(Semaphore::new(server.limits.calls_per_connection_max));
        let active = Arc::new(AtomicUsize::new(0));
        Self { server, caller: Arc::new(caller), peer, calls, active }
    }

    /// How many calls of this connection have not ended.
    pub(super) fn active(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.active)
    }

    async fn answer(self, mut request: Request<Incoming>) -> Response<CallBody> {
        let found = self.server.methods.find(request.uri().path());
        self.active.fetch_add(1, Ordering::Relaxed);
        let mut record = Record {
            server: Arc::clone(&self.server),
            active: Arc::clone(&self.active),
            method: Arc::clone(found.unwrap_or(self.server.methods.unknown())),
            language: Language::of_headers(request.headers()),
            started: Instant::now(),
            principal: None,
            permits: [None, None],
            code: None,
        };
        let refusal = if !is_grpc(&request) {
            not_grpc(record)
        } else if found.is_none() {
            refused(transport_fault::unknown_method(), record)
        } else {
            match self.admit(&mut request, &mut record) {
                Ok(deadline) => return self.handle(request, deadline, record).await,
                Err(fault) => refused(fault, record),
            }
        };
        let time_max = Duration::from_millis(self.server.limits.call_timeout_ms_max);
        late_body::take(request.into_body(), time_max);
        refusal
    }

    /// Everything that is decided before the message is read.
    fn admit(
        &self,
        request: &mut Request<Incoming>,
        record: &mut Record,
    ) -> Result<Deadline, Fault> {
        let limits = &self.server.limits;
        let retry_delay = Duration::from_millis(limits.overload_retry_delay_ms);
        let permit = |room: &Arc<Semaphore>| {
            Arc::clone(room)
                .try_acquire_owned()
                .map(Some)
                .map_err(|_| transport_fault::overloaded(retry_delay))
        };
        record.permits = match record.method.is_open() {
            true => [permit(&self.server.open_calls)?, None],
            false => [permit(&self.calls)?, permit(&self.server.calls)?],
        };
        let principal = self.server.authenticator.principal(&self.caller, request.headers())?;
        record.principal = Some(principal.clone());
        if let Some(fault) = auth::refusal(record.method.access, &principal) {
            return Err(fault);
        }
        let server_max = Duration::from_millis(limits.call_timeout_ms_max);
        let deadline = deadline::deadline(request.headers(), record.started, server_max)?;
        let extensions = request.extensions_mut();
        extensions.insert(principal);
        extensions.insert(deadline);
        extensions.insert(self.peer);
        Ok(deadline)
    }

    async fn handle(
        self,
        request: Request<Incoming>,
        deadline: Deadline,
        mut record: Record,
    ) -> Response<CallBody> {
        let mut routes = self.server.routes.clone();
        let answer = AssertUnwindSafe(async move { routes.call(request).await }).catch_unwind();
        let response = match tokio::time::timeout_at(deadline.at(), answer).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Err(_panic)) => {
                // The payload may quote a message, so only the place is told; the hook has it.
                let path = format!("{}/{}", record.method.service, record.method.name);
                tracing::error!(method = path, "the handler panicked");
                return refused(transport_fault::internal(), record);
            }
            Err(_elapsed) => return refused(deadline::exceeded(), record),
        };
        let (mut parts, body) = response.into_parts();
        if parts.headers.contains_key(tonic::Status::GRPC_STATUS) {
            record.complete(&mut parts.headers);
            return Response::from_parts(parts, CallBody::empty(record));
        }
        let stop = record.method.is_open().then(|| self.drained());
        Response::from_parts(parts, CallBody::new(body, record, stop))
    }

    fn drained(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut draining = self.server.draining.clone();
        Box::pin(async move {
            // An error means that the server is gone, which ends the stream as well.
            let _ = draining.wait_for(|draining| *draining).await;
        })
    }
}

impl hyper::service::Service<Request<Incoming>> for CallService {
    type Response = Response<CallBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { Ok(this.answer(request).await) })
    }
}

fn is_grpc(request: &Request<Incoming>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    request.method() == http::Method::POST && kind.starts_with(GRPC.as_bytes())
}

/// The specification's answer to a caller that does not speak gRPC.
fn not_grpc(mut record: Record) -> Response<CallBody> {
    record.code = Some(tonic::Code::InvalidArgument);
    let mut response = Response::new(CallBody::empty(record));
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    response
}

fn refused(fault: Fault, mut record: Record) -> Response<CallBody> {
    let status = record.status(fault);
    let mut response = Response::new(CallBody::empty(record));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(GRPC));
    // A status of our own making always fits a header map.
    let _ = status.add_header(response.headers_mut());
    response
}
