//! The body of an answer: completes the details of its trailers, and reports the call when it ends.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tonic::{Code, Status};

use super::call::Server;
use super::methods::Method;
use super::transport_fault;
use crate::auth::Principal;
use crate::status::{Fault, Language};

type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What is known of a call; written to log and metrics when it is dropped, however the call ended.
pub(super) struct Record {
    pub(super) server: Arc<Server>,
    /// Calls of the same connection that have not ended.
    pub(super) active: Arc<AtomicUsize>,
    pub(super) method: Arc<Method>,
    pub(super) language: Language,
    pub(super) started: Instant,
    pub(super) principal: Option<Principal>,
    pub(super) permits: [Option<OwnedSemaphorePermit>; 2],
    /// Unset until the status is known: a call that ends without one was cancelled by its caller.
    pub(super) code: Option<Code>,
}

impl Record {
    /// The status of a fault of ours, noted as the end of the call.
    pub(super) fn status(&mut self, fault: Fault) -> Status {
        self.code = Some(fault.code());
        let (label, base) = match self.language {
            Language::En => ("Support", &self.server.help_base_uri),
            Language::Nl => ("Ondersteuning", &self.server.help_base_uri),
        };
        fault
            .help(label, format!("{base}/support-incidents"))
            .into_status(self.server.domain, self.language)
    }

    /// Notes the status in headers or trailers and gives it details when it is an error without
    /// any.
    pub(super) fn complete(&mut self, headers: &mut HeaderMap) {
        let code = headers.get(Status::GRPC_STATUS).map(|value| Code::from_bytes(value.as_bytes()));
        self.code = code;
        let bare = !headers.contains_key(Status::GRPC_STATUS_DETAILS);
        if bare
            && code.is_some_and(|code| code != Code::Ok)
            && let Some(status) = Status::from_header_map(headers)
        {
            if matches!(status.code(), Code::Internal | Code::Unknown | Code::DataLoss) {
                let path = format!("{}/{}", self.method.service, self.method.name);
                tracing::warn!(method = path, message = status.message(), "bare error status");
            }
            let full = self.status(transport_fault::of_bare(status.code(), status.message()));
            // A status of our own making always fits a header map.
            let _ = full.add_header(headers);
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.active.fetch_sub(1, Ordering::Relaxed);
        let code = self.code.unwrap_or(Code::Cancelled);
        let took = self.started.elapsed();
        self.method.count(code, took);
        if self.method.is_open() {
            return;
        }
        let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let subject = self.principal.as_ref().map_or("unknown", Principal::subject);
        let (service, method) = (self.method.service.as_str(), self.method.name.as_str());
        let code_name = transport_fault::name(code);
        match code {
            Code::Ok => {
                tracing::debug!(service, method, code = code_name, duration_us, subject, "call");
            }
            Code::Internal | Code::Unknown | Code::DataLoss => {
                tracing::warn!(service, method, code = code_name, duration_us, subject, "call");
            }
            _ => tracing::info!(service, method, code = code_name, duration_us, subject, "call"),
        }
    }
}

/// The body that goes to the connection.
pub(super) struct CallBody {
    inner: Option<tonic::body::Body>,
    record: Record,
    /// Ends a stream that would otherwise outlive the server.
    stop: Option<Stop>,
}

impl CallBody {
    pub(super) fn new(inner: tonic::body::Body, record: Record, stop: Option<Stop>) -> Self {
        Self { inner: Some(inner), record, stop }
    }

    /// The body of an answer whose status is in its headers.
    pub(super) fn empty(record: Record) -> Self {
        Self { inner: None, record, stop: None }
    }

    fn end_with(&mut self, fault: Fault) -> Frame<Bytes> {
        self.inner = None;
        let mut trailers = HeaderMap::new();
        let _ = self.record.status(fault).add_header(&mut trailers);
        Frame::trailers(trailers)
    }
}

impl Body for CallBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let Some(inner) = this.inner.as_mut() else { return Poll::Ready(None) };
        match Pin::new(inner).poll_frame(context) {
            Poll::Ready(Some(Ok(mut frame))) => {
                if let Some(trailers) = frame.trailers_mut() {
                    this.record.complete(trailers);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(status))) => {
                let fault = transport_fault::of_bare(status.code(), status.message());
                Poll::Ready(Some(Ok(this.end_with(fault))))
            }
            Poll::Ready(None) => {
                this.inner = None;
                Poll::Ready(None)
            }
            Poll::Pending => match this.stop.as_mut().map(|stop| stop.as_mut().poll(context)) {
                Some(Poll::Ready(())) => {
                    Poll::Ready(Some(Ok(this.end_with(transport_fault::draining()))))
                }
                Some(Poll::Pending) | None => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
