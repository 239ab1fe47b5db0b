//! `serve`: telemetry, bind, run until told to stop, and the exit code of how it ended.

use chassis::metrics::MetricsError;
use chassis::serve::{DrainOutcome, ServeError};

use super::settings::{Source, print_line};
use super::{EXIT_CUT_OFF, EXIT_FAULT, EXIT_STORAGE, EXIT_SYSTEM, EXIT_USAGE, Failure};
use crate::config::Config;
use crate::server::{Server, ServerError, bind};

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
    let server = bind(config).await.map_err(|error| failure(&error))?;
    announce(&server)?;
    let outcome = server.run(stop).await.map_err(|error| failure(&error))?;
    match outcome {
        DrainOutcome::Clean => Ok(()),
        DrainOutcome::CutOff { connections } => {
            let message = format!("{connections} connections were cut off by the drain's cap");
            Err(Failure::new(EXIT_CUT_OFF, message))
        }
    }
}

/// Prints where the service listens, which answers from now on: who waits for the line can call.
fn announce(server: &Server) -> Result<(), Failure> {
    let mut line = format!("listening grpc={}", server.local_addr());
    if let Some(address) = server.metrics_addr() {
        line.push_str(&format!(" metrics={address}"));
    }
    print_line(&line)
}

fn failure(error: &ServerError) -> Failure {
    let code = match error {
        ServerError::Settings(_) | ServerError::Content { .. } | ServerError::Channel(_) => {
            EXIT_USAGE
        }
        ServerError::KeyRing(_) | ServerError::Digest(_) => EXIT_USAGE,
        ServerError::EncryptionKeyMissing(_) | ServerError::DigestSecretChanged => EXIT_USAGE,
        ServerError::Open(_) | ServerError::Store(_) => EXIT_STORAGE,
        ServerError::Metrics(MetricsError::Remote(_)) => EXIT_USAGE,
        ServerError::Metrics(_) => EXIT_SYSTEM,
        ServerError::Serve(ServeError::Settings(_) | ServeError::TokenKey(_)) => EXIT_USAGE,
        ServerError::Serve(ServeError::Listen { .. }) => EXIT_SYSTEM,
        ServerError::Serve(ServeError::TlsFile { .. } | ServeError::Tls(_)) => EXIT_USAGE,
        ServerError::Serve(ServeError::Reflection(_)) => EXIT_FAULT,
    };
    Failure::new(code, error)
}
