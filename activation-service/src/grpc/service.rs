//! The service with its message sizes: small where everyone may call, large where keys are
//! registered.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use proto::activation::v1::activation_service_server::ActivationServiceServer;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;

use super::ActivationRpcs;

/// Largest request; one with 32 components of 16 digests each is a sixth of it.
const REQUEST_BYTES_MAX: usize = 64 * 1024;
/// Largest batch of registrations: 500 of them with every text at its bound.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Largest answer; a page of 200 events stays below it.
const RESPONSE_BYTES_MAX: usize = 1024 * 1024;
/// The one method with large requests; its callers have proved a role before their message is read.
const BATCH_METHOD: &str = "/benefits.activation.v1.ActivationService/BatchRegisterKeys";

/// The RPCs as a route of the server.
#[derive(Clone)]
pub struct ActivationRoute {
    small: ActivationServiceServer<ActivationRpcs>,
    large: ActivationServiceServer<ActivationRpcs>,
}

impl ActivationRoute {
    /// Serves the RPCs.
    #[must_use]
    pub fn new(rpcs: ActivationRpcs) -> Self {
        let rpcs = Arc::new(rpcs);
        let server = |request_bytes_max| {
            ActivationServiceServer::from_arc(Arc::clone(&rpcs))
                .max_decoding_message_size(request_bytes_max)
                .max_encoding_message_size(RESPONSE_BYTES_MAX)
        };
        Self { small: server(REQUEST_BYTES_MAX), large: server(BATCH_BYTES_MAX) }
    }
}

impl Service<http::Request<Body>> for ActivationRoute {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        match request.uri().path() {
            BATCH_METHOD => self.large.call(request),
            _ => self.small.call(request),
        }
    }
}

impl NamedService for ActivationRoute {
    const NAME: &'static str = <ActivationServiceServer<ActivationRpcs> as NamedService>::NAME;
}
