//! The wire: messages in, use cases, messages out; one file a call.

mod call;
mod get_benefit;
mod get_download;
mod get_install_instructions;
mod get_product;
mod import_product_keys;
mod list_benefits;
mod list_key_reveals;
mod list_offers;
mod list_products;
mod message;
mod pages;
mod reload_content;
mod reveal_product_key;
mod service;
mod shape;
pub mod status;
mod upsert_enrolment;
mod upsert_partner;

use chassis::page_token::Sealer;
use proto::catalog::v1 as pb;
use proto::catalog::v1::catalog_service_server::CatalogService;
use tonic::{Request, Response, Status};

pub use call::Links;
pub use service::CatalogRoute;

use crate::app::{App, AppError};
use call::Call;
use pages::{Listed, Pages};

/// The service on the wire.
pub struct CatalogApi {
    app: App,
    sealer: Sealer,
    links: Links,
    pages: Pages,
}

impl CatalogApi {
    /// Puts the wire before the use cases. The sealer keeps page tokens from being made up.
    pub fn new(app: App, sealer: Sealer, links: Links) -> Self {
        Self { app, sealer, links, pages: Pages::default() }
    }

    /// A page of benefits as it goes on the wire.
    async fn listed(
        &self,
        request: Request<pb::ListBenefitsRequest>,
    ) -> Result<Response<Listed>, Status> {
        let call = Call::of(&request);
        self.answer(&call, list_benefits::answer(self, &call, request.into_inner()).await)
    }

    fn answer<T>(&self, call: &Call, result: Result<T, AppError>) -> Result<Response<T>, Status> {
        result
            .map(Response::new)
            .map_err(|error| status::status(&error, call.language, &self.links))
    }
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl CatalogService for CatalogApi {
    async fn list_products(
        &self,
        request: Request<pb::ListProductsRequest>,
    ) -> Answer<pb::ListProductsResponse> {
        let call = Call::of(&request);
        self.answer(&call, list_products::answer(self, &call, &request.into_inner()))
    }

    async fn get_product(
        &self,
        request: Request<pb::GetProductRequest>,
    ) -> Answer<pb::GetProductResponse> {
        let call = Call::of(&request);
        self.answer(&call, get_product::answer(self, &call, &request.into_inner()))
    }

    async fn get_install_instructions(
        &self,
        request: Request<pb::GetInstallInstructionsRequest>,
    ) -> Answer<pb::GetInstallInstructionsResponse> {
        let call = Call::of(&request);
        self.answer(&call, get_install_instructions::answer(self, &call, request.into_inner()))
    }

    async fn list_benefits(
        &self,
        request: Request<pb::ListBenefitsRequest>,
    ) -> Answer<pb::ListBenefitsResponse> {
        // The route answers with the bytes themselves; here they are read as anybody reads them.
        self.listed(request).await?.into_inner().message().map(Response::new)
    }

    async fn get_benefit(
        &self,
        request: Request<pb::GetBenefitRequest>,
    ) -> Answer<pb::GetBenefitResponse> {
        let call = Call::of(&request);
        self.answer(&call, get_benefit::answer(self, &call, &request.into_inner()).await)
    }

    async fn get_download(
        &self,
        request: Request<pb::GetDownloadRequest>,
    ) -> Answer<pb::GetDownloadResponse> {
        let call = Call::of(&request);
        self.answer(&call, get_download::answer(self, &call, request.into_inner()).await)
    }

    async fn reveal_product_key(
        &self,
        request: Request<pb::RevealProductKeyRequest>,
    ) -> Answer<pb::RevealProductKeyResponse> {
        let call = Call::of(&request);
        self.answer(&call, reveal_product_key::answer(self, &call, &request.into_inner()).await)
    }

    async fn list_key_reveals(
        &self,
        request: Request<pb::ListKeyRevealsRequest>,
    ) -> Answer<pb::ListKeyRevealsResponse> {
        let call = Call::of(&request);
        self.answer(&call, list_key_reveals::answer(self, &call, &request.into_inner()).await)
    }

    async fn list_offers(
        &self,
        request: Request<pb::ListOffersRequest>,
    ) -> Answer<pb::ListOffersResponse> {
        let call = Call::of(&request);
        self.answer(&call, list_offers::answer(self, &call, &request.into_inner()))
    }

    async fn upsert_partner(
        &self,
        request: Request<pb::UpsertPartnerRequest>,
    ) -> Answer<pb::UpsertPartnerResponse> {
        let call = Call::of(&request);
        self.answer(&call, upsert_partner::answer(self, request.into_inner()).await)
    }

    async fn upsert_enrolment(
        &self,
        request: Request<pb::UpsertEnrolmentRequest>,
    ) -> Answer<pb::UpsertEnrolmentResponse> {
        let call = Call::of(&request);
        self.answer(&call, upsert_enrolment::answer(self, request.into_inner()).await)
    }

    async fn import_product_keys(
        &self,
        request: Request<pb::ImportProductKeysRequest>,
    ) -> Answer<pb::ImportProductKeysResponse> {
        let call = Call::of(&request);
        self.answer(&call, import_product_keys::answer(self, request.into_inner()).await)
    }

    async fn reload_content(
        &self,
        request: Request<pb::ReloadContentRequest>,
    ) -> Answer<pb::ReloadContentResponse> {
        let call = Call::of(&request);
        self.answer(&call, reload_content::answer(self, &request.into_inner()).await)
    }
}
