//! The methods of this server: who may call each, and its figures in the metrics.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::{Counter, Histogram};
use tonic::Code;

use super::transport_fault;
use crate::auth::Access;

/// gRPC has the codes 0 to 16.
const CODES: usize = 17;

const OPEN: [(&str, &str); 4] = [
    ("grpc.health.v1.Health", "Check"),
    ("grpc.health.v1.Health", "Watch"),
    ("grpc.reflection.v1.ServerReflection", "ServerReflectionInfo"),
    ("grpc.reflection.v1alpha.ServerReflection", "ServerReflectionInfo"),
];

/// One method.
pub(super) struct Method {
    pub(super) service: String,
    pub(super) name: String,
    pub(super) access: Access,
    handled: [OnceLock<Counter>; CODES],
    seconds: OnceLock<Histogram>,
}

impl Method {
    fn new(service: &str, name: &str, access: Access) -> Arc<Self> {
        Arc::new(Self {
            service: service.to_owned(),
            name: name.to_owned(),
            access,
            handled: [const { OnceLock::new() }; CODES],
            seconds: OnceLock::new(),
        })
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.access, Access::Open)
    }

    /// Counts one call that has ended.
    pub(super) fn count(&self, code: Code, took: Duration) {
        if let Some(place) = self.handled.get(code as usize) {
            let register = || {
                metrics::counter!("grpc_server_handled_total",
                    "grpc_service" => self.service.clone(), "grpc_method" => self.name.clone(),
                    "grpc_code" => transport_fault::name(code))
            };
            place.get_or_init(register).increment(1);
        }
        let register = || {
            metrics::histogram!("grpc_server_handling_seconds",
                "grpc_service" => self.service.clone(), "grpc_method" => self.name.clone())
        };
        self.seconds.get_or_init(register).record(took.as_secs_f64());
    }
}

/// All methods by path.
pub(super) struct Methods {
    by_path: HashMap<String, Arc<Method>>,
    unknown: Arc<Method>,
}

impl Methods {
    /// The methods of `service_names` in the table, with health and reflection; all else is denied.
    pub(super) fn new(
        table: &'static [(&'static str, &'static [&'static str])],
        service_names: &[&str],
        reflection: bool,
    ) -> Self {
        let mut by_path = HashMap::new();
        for (path, roles) in table {
            let Some((service, name)) = path.trim_start_matches('/').split_once('/') else {
                continue;
            };
            if service_names.contains(&service) {
                by_path
                    .insert((*path).to_owned(), Method::new(service, name, Access::Roles(roles)));
            }
        }
        for (service, name) in OPEN {
            if reflection || !service.starts_with("grpc.reflection") {
                by_path
                    .insert(format!("/{service}/{name}"), Method::new(service, name, Access::Open));
            }
        }
        // Callers choose paths; one label for all unknown ones keeps the metrics bounded.
        Self { by_path, unknown: Method::new("unknown", "unknown", Access::Roles(&[])) }
    }

    pub(super) fn find(&self, path: &str) -> Option<&Arc<Method>> {
        self.by_path.get(path)
    }

    pub(super) fn unknown(&self) -> &Arc<Method> {
        &self.unknown
    }
}
