//! grpc.health.v1 as its specification has it: an unknown name keeps a Watch open.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health as HealthRpc, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// Most open Watch calls.
const WATCHERS_MAX: usize = 256;
/// Longest service name that is looked at, in bytes.
const NAME_BYTES_MAX: usize = 256;
/// The name that stands for the whole server.
const WHOLE: &str = "";

type States = BTreeMap<&'static str, bool>;

/// Whether the server and each of its services serve; starts with "no". Cheap to clone.
#[derive(Debug, Clone)]
pub struct Health {
    states: watch::Sender<States>,
    watchers: Arc<Semaphore>,
}

impl Health {
    /// Health of the whole (`""`) and of each named service, all NOT_SERVING.
    pub fn new(service_names: &[&'static str]) -> Self {
        let states = service_names.iter().chain([&WHOLE]).map(|name| (*name, false)).collect();
        Self {
            states: watch::Sender::new(states),
            watchers: Arc::new(Semaphore::new(WATCHERS_MAX)),
        }
    }

    /// Says of the whole and of every service whether it serves.
    pub fn set_serving(&self, serving: bool) {
        self.states.send_modify(|states| states.values_mut().for_each(|state| *state = serving));
    }

    /// Says of one service whether it serves, and nothing of the whole: calls may be answered well
    /// while something beside them needs help, and then callers must not be sent away.
    pub fn set_service_serving(&self, service_name: &str, serving: bool) {
        self.states.send_modify(|states| {
            if let Some(state) = states.get_mut(service_name) {
                *state = serving;
            }
        });
    }

    /// Whether the whole serves.
    pub fn is_serving(&self) -> bool {
        self.states.borrow().get(WHOLE).copied().unwrap_or(false)
    }

    pub(super) fn service(&self) -> HealthServer<Service> {
        HealthServer::new(Service(self.clone())).max_decoding_message_size(NAME_BYTES_MAX * 4)
    }
}

/// The RPCs, apart from the handle so that the trait's names do not show in the public API.
pub(super) struct Service(Health);

fn status(states: &States, name: &str) -> Option<ServingStatus> {
    states.get(name).map(|serving| match serving {
        true => ServingStatus::Serving,
        false => ServingStatus::NotServing,
    })
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[tonic::async_trait]
impl HealthRpc for Service {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let found = status(&self.0.states.borrow(), &request.get_ref().service);
        let found = found.ok_or_else(|| Status::new(Code::NotFound, "unknown service"))?;
        Ok(Response::new(response(found)))
    }

    type WatchStream =
        Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send + 'static>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let name = request.into_inner().service;
        if name.len() > NAME_BYTES_MAX {
            return Err(Status::new(Code::InvalidArgument, "the service name is too long"));
        }
        let permit: OwnedSemaphorePermit = Arc::clone(&self.0.watchers)
            .try_acquire_owned()
            .map_err(|_| Status::new(Code::ResourceExhausted, "too many watchers"))?;
        let mut last = None;
        let stream = WatchStream::new(self.0.states.subscribe()).filter_map(move |states| {
            // The permit lives as long as the stream that holds this closure.
            let _held = &permit;
            let now = status(&states, &name).unwrap_or(ServingStatus::ServiceUnknown);
            (last.replace(now) != Some(now)).then(|| Ok(response(now)))
        });
        Ok(Response::new(Box::pin(stream)))
    }
}
