//! The `/metrics` page, on a listener of its own and off unless configured.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// Upper bounds of the buckets of a histogram in seconds.
const BUCKETS_SECONDS: [f64; 13] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
/// Most open connections of the page.
const CONNECTIONS_MAX: usize = 16;
/// Longest time in which a scraper must send its request.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest life of one connection.
const CONNECTION_AGE_MAX: Duration = Duration::from_secs(600);
/// How often samples are folded into their histograms.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Where the metrics page is served.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// Address of the page; default none, that is no page. Port 0 takes any free port.
    pub listen: Option<SocketAddr>,
    /// Allow another address than loopback; default false. The page needs no credentials.
    pub remote: bool,
}

/// Why the metrics page cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The address is not loopback and `remote` is not set.
    #[error("metrics.listen: {0} is not loopback; set metrics.remote to serve the page there")]
    Remote(SocketAddr),
    /// The address cannot be listened on.
    #[error("metrics.listen: {0}")]
    Listen(#[from] std::io::Error),
    /// Another recorder was installed in this process.
    #[error("metrics: another recorder is installed in this process")]
    Recorder,
}

/// A metrics page that is served until this is dropped.
#[derive(Debug)]
pub struct MetricsPage {
    local_addr: SocketAddr,
    task: JoinHandle<()>,
}

impl MetricsPage {
    /// The address with the port that was taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }
}

impl Drop for MetricsPage {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts recording and serves the page, if an address is configured. To be called before the
/// server runs: what was counted earlier is not on the page.
pub async fn serve(config: &MetricsConfig) -> Result<Option<MetricsPage>, MetricsError> {
    let Some(address) = config.listen else { return Ok(None) };
    if !address.ip().is_loopback() && !config.remote {
        return Err(MetricsError::Remote(address));
    }
    let listener = TcpListener::bind(address).await?;
    let local_addr = listener.local_addr()?;
    let handle = recorder()?;
    let task = tokio::spawn(accept(listener, handle));
    tracing::info!(address = %local_addr, "metrics page");
    Ok(Some(MetricsPage { local_addr, task }))
}

/// One recorder a process; a second server in the same process, as in tests, shares it.
fn recorder() -> Result<PrometheusHandle, MetricsError> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let install = || {
        let recorder =
            PrometheusBuilder::new().set_buckets(&BUCKETS_SECONDS).ok()?.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).ok()?;
        Some(handle)
    };
    RECORDER.get_or_init(install).clone().ok_or(MetricsError::Recorder)
}

async fn accept(listener: TcpListener, handle: PrometheusHandle) {
    let mut connections = JoinSet::new();
    let mut upkeep = tokio::time::interval(UPKEEP_INTERVAL);
    loop {
        tokio::select! {
            _ = upkeep.tick() => handle.run_upkeep(),
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                if let Ok((tcp, _)) = accepted {
                    let handle = handle.clone();
                    connections.spawn(async move {
                        let service = service_fn(move |request| {
                            std::future::ready(Ok::<_, Infallible>(page(&request, &handle)))
                        });
                        let connection = http1::Builder::new()
                            .timer(TokioTimer::new())
                            .header_read_timeout(READ_TIMEOUT)
                            .serve_connection(TokioIo::new(tcp), service);
                        // A scraper that goes away is nobody's fault.
                        let _ = tokio::time::timeout(CONNECTION_AGE_MAX, connection).await;
                    });
                }
            }
        }
    }
}

fn page(request: &Request<Incoming>, handle: &PrometheusHandle) -> Response<Full<Bytes>> {
    if request.method() != http::Method::GET || request.uri().path() != "/metrics" {
        let mut response = Response::new(Full::from("the page is GET /metrics\n"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    }
    let mut response = Response::new(Full::from(handle.render()));
    let kind = http::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}
