//! Who takes part in the walk, each with a client of both services under an identity of their own.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use installer_client::{
    ActivationClient, CatalogStub, Connection, DevIdentity, Failure, RetryPolicy,
};
use proto::activation::v1::activation_service_client::ActivationServiceClient;
use proto::catalog::v1::Benefit;
use proto::catalog::v1::GetBenefitRequest;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

/// The partner of the walk.
pub(super) const PARTNER: &str = "partners/contoso";
/// A partner that never enrolled.
pub(super) const OTHER_PARTNER: &str = "partners/fabrikam";

const OPERATOR: &str = "subject=operator;roles=OPS_ADMIN";
const ALICE: &str = "subject=alice;roles=GLOBAL_ADMIN;tenant=contoso";
const BOB: &str = "subject=bob;roles=MPN_PARTNER_ADMIN;tenant=fabrikam";
const CAROL: &str = "subject=carol;tenant=contoso";

/// Everybody.
pub(super) struct Cast {
    activation: SocketAddr,
    /// An operator.
    pub(super) operator: CatalogStub,
    /// Global admin of the partner.
    pub(super) alice: CatalogStub,
    /// The same, who reads Dutch.
    pub(super) alice_nl: CatalogStub,
    /// Partner admin of the other partner.
    pub(super) bob: CatalogStub,
    /// A user of the partner without a role.
    pub(super) carol: CatalogStub,
    /// An installer, with a product key alone.
    pub(super) installer: ActivationClient,
    /// An installer of a person who reads Dutch.
    pub(super) installer_nl: ActivationClient,
    /// An operator at the activation service.
    pub(super) auditor: ActivationClient,
}

impl Cast {
    pub(super) fn new(catalog: SocketAddr, activation: SocketAddr) -> Result<Self> {
        let catalog_as = |who: &str, language: Option<&str>| -> Result<CatalogStub> {
            Ok(connection(catalog, Some(who), language)?.catalog()?)
        };
        let activation_as = |who: Option<&str>, language: Option<&str>| -> Result<_> {
            let connection = connection(activation, who, language)?;
            Ok(ActivationClient::new(&connection, RetryPolicy::interactive())?)
        };
        Ok(Self {
            activation,
            operator: catalog_as(OPERATOR, None)?,
            alice: catalog_as(ALICE, Some("en"))?,
            alice_nl: catalog_as(ALICE, Some("nl-NL,nl;q=0.9"))?,
            bob: catalog_as(BOB, None)?,
            carol: catalog_as(CAROL, None)?,
            installer: activation_as(None, Some("en"))?,
            installer_nl: activation_as(None, Some("nl"))?,
            auditor: activation_as(Some(OPERATOR), None)?,
        })
    }

    /// The activation service as an operator calls it, for what an installer never needs.
    pub(super) async fn ledger(&self) -> Result<ActivationServiceClient<Channel>> {
        let endpoint = Channel::from_shared(format!("http://{}", self.activation))?;
        Ok(ActivationServiceClient::new(endpoint.connect().await?))
    }

    /// A benefit as the partner's admin sees it.
    pub(super) async fn benefit(&self, name: &str) -> Result<Benefit> {
        let request = GetBenefitRequest { name: name.to_owned(), ..Default::default() };
        let answer = granted(self.alice.clone().get_benefit(request).await)?;
        answer.benefit.context("an answer without the benefit")
    }
}

/// A request of an operator.
pub(super) fn as_operator<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-dev-identity", MetadataValue::from_static(OPERATOR));
    request
}

/// The answer, or the refusal in the words it came with.
pub(super) fn granted<T>(answer: Result<Response<T>, Status>) -> Result<T> {
    match answer {
        Ok(answer) => Ok(answer.into_inner()),
        Err(status) => Err(Failure::from_status(&status)).context("a call was refused"),
    }
}

/// The refusal, which must have this reason.
pub(super) fn refused<T>(answer: Result<Response<T>, Status>, reason: &str) -> Result<Failure> {
    match answer {
        Ok(_) => bail!("the call was answered, and not refused with {reason}"),
        Err(status) => for_reason(Failure::from_status(&status), reason),
    }
}

/// The failure, which must have this reason.
pub(super) fn for_reason(failure: Failure, reason: &str) -> Result<Failure> {
    if failure.reason == reason {
        return Ok(failure);
    }
    Err(failure).with_context(|| format!("the call was not refused with {reason}"))
}

fn connection(
    address: SocketAddr,
    who: Option<&str>,
    language: Option<&str>,
) -> Result<Connection> {
    Ok(Connection {
        dev_identity: who.map(DevIdentity::parse).transpose()?,
        language: language.map(str::to_owned),
        ..Connection::to(format!("http://{address}"))
    })
}
