//! `serve`: telemetry, bind, run until told to stop, and the exit code of how it ended.

use chassis::metrics::MetricsError;
use chassis::serve::{DrainOutcome, ServeError};

use super::settings::{Source, print_line};
use super::{EXIT_CUT_OFF, EXIT_FAULT, EXIT_STORAGE, EXIT_SYSTEM, EXIT_USAGE, Failure};
use crate::config::Config;
use crate::server::{Bound, ServerError, bind};

pub(super) fn run(source: &Source) -> Result<(), Failure> {
    let config = source.valid()?;
    chassis::telemetry::init(&config.telemetry).map_err(|error| Failure::new(EXIT_USAGE, error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(EXIT_SYSTEM, error))?;
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> Result<(), Failure> {
    let stop = chassis::shutdown::signal().map_err(|error| Failure::new(EXIT_SYSTEM, error))?;
    let bound = bind(config).await.map_err(|error| failure(&error))?;
    let announced = announce(&bound);
    let (outcome, announced) = tokio::join!(bound.run(stop), announced);
    let outcome = outcome.map_err(|error| failure(&error))?;
    announced?;
    match outcome {
        DrainOutcome::Clean => Ok(()),
        DrainOutcome::CutOff { connections } => {
            let message = format!("{connections} connections were cut off by the drain's cap");
            Err(Failure::new(EXIT_CUT_OFF, message))
        }
    }
}

/// Prints where the service listens, once it answers: who waits for the line can call.
fn announce(bound: &Bound) -> impl Future<Output = Result<(), Failure>> + use<> {
    let mut line = format!("listening grpc={}", bound.local_addr());
    if let Some(address) = bound.metrics_addr() {
        line.push_str(&format!(" metrics={address}"));
    }
    let mut serving = bound.serving();
    async move {
        // An error means that the service ended before it served; `run` says why.
        match serving.wait_for(|serving| *serving).await {
            Ok(_) => print_line(&line),
            Err(_) => Ok(()),
        }
    }
}

fn failure(error: &ServerError) -> Failure {
    let code = match error {
        ServerError::Config(_) | ServerError::Policy(_) => EXIT_USAGE,
        ServerError::Metrics(MetricsError::Remote(_)) => EXIT_USAGE,
        ServerError::Secrets(_) | ServerError::Metrics(_) => EXIT_SYSTEM,
        ServerError::Serve(ServeError::Settings(_) | ServeError::TokenKey(_)) => EXIT_USAGE,
        ServerError::Serve(ServeError::Listen { .. }) => EXIT_SYSTEM,
        ServerError::Serve(ServeError::TlsFile { .. } | ServeError::Tls(_)) => EXIT_USAGE,
        ServerError::Serve(ServeError::Reflection(_)) => EXIT_FAULT,
        ServerError::Anchor(_) | ServerError::Storage(_) | ServerError::Panicked(_) => EXIT_STORAGE,
    };
    Failure::new(code, error)
}
