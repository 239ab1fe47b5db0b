//! A server on a free port with one small service, certificates, and clients of every kind.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use chassis::auth::{IdentityConfig, Principal};
use chassis::channel::ChannelConfig;
use chassis::serve::{
    Deadline, DrainConfig, DrainOutcome, Health, Limits, Options, Peer, ServeConfig, TlsConfig,
};
use http::{Request as HttpRequest, Response as HttpResponse};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tonic::body::Body;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tonic_types::{ErrorDetails, StatusExt as _};

pub(crate) const SERVICE: &str = "test.v1.EchoService";
pub(crate) const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// `Echo` is for everyone, `Secret` for readers, `Nobody` for nobody, and `Elsewhere` is not
/// served.
pub(crate) const METHOD_ROLES: &[(&str, &[&str])] = &[
    ("/test.v1.EchoService/Echo", &["GUEST"]),
    ("/test.v1.EchoService/Secret", &["READER"]),
    ("/test.v1.EchoService/Nobody", &[]),
    ("/test.v1.EchoService/Unbuilt", &["GUEST"]),
    ("/test.v1.OtherService/Elsewhere", &["GUEST"]),
];

/// Says who called; the word in the message chooses what else happens.
#[derive(Clone, Default)]
pub(crate) struct Echo {
    pub(crate) entered: Arc<Notify>,
    pub(crate) release: Arc<Notify>,
    pub(crate) handled: Arc<AtomicUsize>,
}

impl tonic::server::NamedService for Echo {
    const NAME: &'static str = SERVICE;
}

impl tonic::server::UnaryService<String> for Echo {
    type Response = String;
    type Future = Pin<Box<dyn Future<Output = Result<Response<String>, Status>> + Send>>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            this.handled.fetch_add(1, Ordering::SeqCst);
            let principal = Principal::of(request.extensions());
            let peer = Peer::of(request.extensions()).expect("a peer");
            assert!(peer.address.ip().is_loopback());
            let deadline = Deadline::of(request.extensions()).expect("a deadline");
            let word = request.into_inner();
            match word.as_str() {
                "wait" => {
                    this.entered.notify_one();
                    this.release.notified().await;
                }
                "panic" => panic!("asked to"),
                "bare" => return Err(Status::internal("row 7 of table people is damaged")),
                "large" => return Ok(Response::new("x".repeat(2 * MESSAGE_BYTES_MAX))),
                "remaining" => {
                    return Ok(Response::new(deadline.remaining().as_millis().to_string()));
                }
                _ => {}
            }
            let roles = principal.roles().collect::<Vec<_>>().join(",");
            let tenant = principal.tenant().unwrap_or("-");
            Ok(Response::new(format!("{} {roles} {tenant}", principal.subject())))
        })
    }
}

impl tower::Service<HttpRequest<Body>> for Echo {
    type Response = HttpResponse<Body>;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest<Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            if request.uri().path().ends_with("/Unbuilt") {
                return Ok(Status::unimplemented("").into_http());
            }
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<String, String>::default())
                .max_decoding_message_size(MESSAGE_BYTES_MAX)
                .max_encoding_message_size(MESSAGE_BYTES_MAX);
            Ok(grpc.unary(this, request).await)
        })
    }
}

/// A running server.
pub(crate) struct World {
    pub(crate) address: std::net::SocketAddr,
    pub(crate) health: Health,
    pub(crate) echo: Echo,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<DrainOutcome>,
}

pub(crate) fn config() -> ServeConfig {
    ServeConfig {
        drain: DrainConfig { lame_duck_ms: 0, drain_ms_max: 20_000 },
        ..ServeConfig::default()
    }
}

pub(crate) fn limited(limits: Limits) -> ServeConfig {
    ServeConfig { limits, ..config() }
}

impl World {
    pub(crate) async fn start(config: ServeConfig) -> Self {
        let echo = Echo::default();
        let health = Health::new(&[SERVICE]);
        let bound = chassis::serve::bind(&config).await.expect("it binds");
        let address = bound.local_addr();
        let options = Options {
            domain: "test.v1",
            method_roles: METHOD_ROLES,
            descriptor_set: tonic_health::pb::FILE_DESCRIPTOR_SET,
            service_names: &[SERVICE],
            anonymous_roles: &["GUEST"],
            health: health.clone(),
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let routes = Routes::new(echo.clone());
        let task = tokio::spawn(async move {
            let stop = async {
                let _ = stopped.await;
            };
            bound.run(routes, options, stop).await.expect("it runs")
        });
        health.set_serving(true);
        Self { address, health, echo, stop: Some(stop), task }
    }

    pub(crate) fn channel(&self) -> Channel {
        chassis::channel::connect_lazy(&self.channel_config()).expect("a channel")
    }

    pub(crate) fn channel_config(&self) -> ChannelConfig {
        let uri = format!("http://{}", self.address);
        ChannelConfig { uri, ..ChannelConfig::default() }
    }

    pub(crate) fn begin_stop(&mut self) {
        self.stop.take().expect("stopped once").send(()).expect("the server listens");
    }

    pub(crate) async fn stop(mut self) -> DrainOutcome {
        if self.stop.is_some() {
            self.begin_stop();
        }
        let ended = tokio::time::timeout(Duration::from_secs(15), self.task).await;
        ended.expect("it ends in time").expect("it does not panic")
    }
}

/// One unary call of the test service.
pub(crate) async fn call(
    channel: Channel,
    method: &str,
    message: &str,
    metadata: &[(&'static str, &str)],
) -> Result<String, Status> {
    let mut request = Request::new(message.to_owned());
    for (key, value) in metadata {
        request.metadata_mut().insert(*key, value.parse().expect("metadata"));
    }
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.map_err(|e| Status::unavailable(e.to_string()))?;
    let path: PathAndQuery = format!("/{SERVICE}/{method}").parse().expect("a path");
    let codec = ProstCodec::<String, String>::default();
    client.unary(request, path, codec).await.map(Response::into_inner)
}

/// A connection without tonic's client, which adds limits of its own.
pub(crate) async fn raw_client(
    world: &World,
) -> (SendRequest<Full<Bytes>>, JoinHandle<hyper::Result<()>>) {
    let tcp = tokio::net::TcpStream::connect(world.address).await.expect("it connects");
    let (client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tcp))
            .await
            .expect("HTTP/2");
    (client, tokio::spawn(connection))
}

/// A request to `Echo` with this body.
pub(crate) fn raw_request(
    world: &World,
    body: Bytes,
    headers: &[(&str, &str)],
) -> HttpRequest<Full<Bytes>> {
    let uri = format!("http://{}/{SERVICE}/Echo", world.address);
    let start = HttpRequest::post(uri).header("te", "trailers");
    let request =
        headers.iter().fold(start, |request, (name, value)| request.header(*name, *value));
    request.body(Full::new(body)).expect("a request")
}

/// The gRPC status in headers or trailers.
pub(crate) async fn raw_status(response: HttpResponse<hyper::body::Incoming>) -> Option<Status> {
    let (parts, body) = response.into_parts();
    let trailers = body.collect().await.expect("a body").trailers().cloned();
    Status::from_header_map(&trailers.unwrap_or(parts.headers))
}

/// A `String` message in its gRPC frame; shorter than 128 bytes.
pub(crate) fn framed_text(text: &str) -> Bytes {
    let length = u8::try_from(text.len()).expect("a short text");
    let mut body = vec![0, 0, 0, 0, length + 2, 0x0a, length];
    body.extend_from_slice(text.as_bytes());
    Bytes::from(body)
}

/// The details of a refusal, after checking that it says why and where to go next.
pub(crate) fn details(status: &Status, code: tonic::Code, reason: &str) -> ErrorDetails {
    assert_eq!(status.code(), code, "{status:?}");
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason, "test.v1"));
    assert!(details.help().is_some() && details.localized_message().is_some());
    details
}

/// A CA with a server and two client certificates, as files.
pub(crate) struct Certificates {
    pub(crate) folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("CA parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a CA");
        let this = Self { folder: TempDir::new().expect("a folder"), issuer };
        std::fs::write(this.path("ca.pem"), this.issuer.pem()).expect("it is written");
        this
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Writes `NAME.pem` and `NAME.key` for the DNS names.
    pub(crate) fn issue(&self, name: &str, dns_names: &[&str]) {
        let names: Vec<String> = dns_names.iter().map(|n| (*n).to_owned()).collect();
        let params = CertificateParams::new(names).expect("parameters");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        std::fs::write(self.path(&format!("{name}.pem")), certificate.pem()).expect("written");
        std::fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).expect("written");
    }

    pub(crate) fn server(&self, identity: IdentityConfig) -> ServeConfig {
        self.issue("server", &["server.internal"]);
        let tls = TlsConfig {
            cert_file: self.path("server.pem"),
            key_file: self.path("server.key"),
            client_ca_file: Some(self.path("ca.pem")),
        };
        ServeConfig { tls: Some(tls), identity, ..config() }
    }

    pub(crate) fn client(&self, world: &World, name: Option<&str>) -> ChannelConfig {
        ChannelConfig {
            uri: format!("https://{}", world.address),
            ca_file: Some(self.path("ca.pem")),
            cert_file: name.map(|name| self.path(&format!("{name}.pem"))),
            key_file: name.map(|name| self.path(&format!("{name}.key"))),
            server_name: Some("server.internal".to_owned()),
            connect_timeout_ms: 5_000,
        }
    }
}
