//! The service on the wire: the generated one, and ListBenefits past it, whose answer is bytes
//! already.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use prost::Message as _;
use proto::catalog::v1::ListBenefitsRequest;
use proto::catalog::v1::catalog_service_server::CatalogServiceServer;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};

use super::CatalogApi;
use super::pages::Listed;

/// Largest message that is read: 500 keys to import with room to spare.
const REQUEST_BYTES_MAX: usize = 1024 * 1024;
/// Largest message that is sent: a page of 200 products with all their texts.
const RESPONSE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The one method whose answer is not a message.
const LIST_BENEFITS: &str = "/benefits.catalog.v1.CatalogService/ListBenefits";

/// The RPCs as a route of the server.
#[derive(Clone)]
pub struct CatalogRoute {
    api: Arc<CatalogApi>,
    generated: CatalogServiceServer<CatalogApi>,
}

impl CatalogRoute {
    /// Serves the RPCs.
    pub fn new(api: CatalogApi) -> Self {
        let api = Arc::new(api);
        let generated = CatalogServiceServer::from_arc(Arc::clone(&api))
            .max_decoding_message_size(REQUEST_BYTES_MAX)
            .max_encoding_message_size(RESPONSE_BYTES_MAX);
        Self { api, generated }
    }
}

impl Service<http::Request<Body>> for CatalogRoute {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() != LIST_BENEFITS {
            return self.generated.call(request);
        }
        let method = ListBenefits(Arc::clone(&self.api));
        Box::pin(async move {
            let mut grpc = Grpc::new(ListedCodec)
                .max_decoding_message_size(REQUEST_BYTES_MAX)
                .max_encoding_message_size(RESPONSE_BYTES_MAX);
            Ok(grpc.unary(method, request).await)
        })
    }
}

impl NamedService for CatalogRoute {
    const NAME: &'static str = <CatalogServiceServer<CatalogApi> as NamedService>::NAME;
}

struct ListBenefits(Arc<CatalogApi>);

impl UnaryService<ListBenefitsRequest> for ListBenefits {
    type Response = Listed;
    type Future = BoxFuture<Response<Listed>, Status>;

    fn call(&mut self, request: Request<ListBenefitsRequest>) -> Self::Future {
        let api = Arc::clone(&self.0);
        Box::pin(async move { api.listed(request).await })
    }
}

/// Reads the message and writes the bytes of the answer.
#[derive(Clone, Copy)]
struct ListedCodec;

impl Codec for ListedCodec {
    type Encode = Listed;
    type Decode = ListBenefitsRequest;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for ListedCodec {
    type Item = Listed;
    type Error = Status;

    fn encode(&mut self, listed: Listed, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.reserve(listed.bytes_max());
        listed.encode(into);
        Ok(())
    }
}

impl Decoder for ListedCodec {
    type Item = ListBenefitsRequest;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        // As the generated code has it; the chassis gives the status its details.
        let read = ListBenefitsRequest::decode(from).map(Some);
        read.map_err(|error| Status::internal(error.to_string()))
    }
}
