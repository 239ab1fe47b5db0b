//! The yardstick: bare tonic that decodes the same request and answers with bytes made beforehand.
//!
//! None of our layers, and a process of its own, as the services are. The HTTP/2 settings are those
//! that the services are delivered with.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io::{BufRead as _, BufReader, Write as _};
use std::marker::PhantomData;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::task::{Context, Poll};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use prost::Message;
use proto::activation::v1::ActivateRequest;
use proto::catalog::v1::ListBenefitsRequest;
use tokio::net::TcpListener;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::Service;

use crate::raw::ReadCodec;

/// HTTP/2 streams of a connection, as the services are delivered.
const STREAMS_MAX: u32 = 128;
/// Flow-control window of a stream, as the services are delivered.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
/// Flow-control window of a connection, as the services are delivered.
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;

/// What the process of the yardstick is told.
#[derive(Args, Debug)]
pub struct NoopArgs {
    /// What it decodes.
    #[arg(long)]
    method: Method,
    /// The bytes of the answer.
    #[arg(long)]
    answer: PathBuf,
}

/// A method that the yardstick stands beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Method {
    /// Activate of the activation service.
    Activate,
    /// ListBenefits of the catalog service.
    ListBenefits,
    /// SayHello of tonic's own example, with tonic's own settings.
    SayHello,
}

/// The message of tonic's own example, in either direction.
#[derive(Clone, PartialEq, Message)]
pub struct Hello {
    /// The name, or the greeting.
    #[prost(string, tag = "1")]
    pub text: String,
}

/// A yardstick that runs; it is killed when this is dropped.
pub struct Noop {
    child: Child,
    address: SocketAddr,
    /// Held open, as a service's is.
    _stdout: BufReader<ChildStdout>,
}

/// A kind of call: its service and its message.
trait Kind: Clone + Send + Sync + 'static {
    const SERVICE: &'static str;
    type Message: Message + Default + 'static;
}

#[derive(Clone)]
struct Activate;

#[derive(Clone)]
struct ListBenefits;

/// Answers every call of one kind with the same bytes.
#[derive(Clone)]
struct Answering<K> {
    answer: Bytes,
    kind: PhantomData<K>,
}

/// tonic's own example: a greeting that is made and encoded for each caller.
#[derive(Clone)]
struct Greeting {
    text: String,
}

impl Kind for Activate {
    const SERVICE: &'static str = "benefits.activation.v1.ActivationService";
    type Message = ActivateRequest;
}

impl Kind for ListBenefits {
    const SERVICE: &'static str = "benefits.catalog.v1.CatalogService";
    type Message = ListBenefitsRequest;
}

type Answer = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

impl Method {
    /// Its path.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Activate => "/benefits.activation.v1.ActivationService/Activate",
            Self::ListBenefits => "/benefits.catalog.v1.CatalogService/ListBenefits",
            Self::SayHello => "/helloworld.Greeter/SayHello",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::ListBenefits => "list-benefits",
            Self::SayHello => "say-hello",
        }
    }
}

impl Noop {
    /// Starts a yardstick that gives this answer; the folder is for the bytes of it.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(folder: &Path, method: Method, answer: &Bytes) -> Result<Self> {
        let file = folder.join(format!("answer-{}", method.word()));
        std::fs::write(&file, answer)?;
        let own = std::env::current_exe().context("this program has no path")?;
        Self::start_program(&own, method, &file)
    }

    /// Starts a yardstick from a bench that lies elsewhere.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_program(bench: &Path, method: Method, answer: &Path) -> Result<Self> {
        Self::start_command(Command::new(bench), method, answer)
    }

    /// Starts a yardstick by a command that becomes a bench.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_command(mut command: Command, method: Method, answer: &Path) -> Result<Self> {
        command.args(["noop", "--method", method.word(), "--answer"]).arg(answer);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().context("its output is piped")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let address = line.trim().parse();
        let address = address.with_context(|| format!("the yardstick does not listen: {line:?}"));
        if address.is_err() {
            child.kill()?;
            child.wait()?;
        }
        Ok(Self { child, address: address?, _stdout: stdout })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Errors
    /// It does not run.
    pub fn end(mut self) -> Result<()> {
        system_tests::signal("TERM", Some(self.child.id()))?;
        self.child.wait()?;
        Ok(())
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Noop {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until it is killed.
///
/// # Errors
/// It cannot listen, or the answer cannot be read.
pub fn serve(args: &NoopArgs) -> Result<()> {
    let answer = Bytes::from(std::fs::read(&args.answer).context("the answer")?);
    // As the services build theirs.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let mut out = std::io::stdout();
        writeln!(out, "{}", listener.local_addr()?)?;
        out.flush()?;
        let incoming = TcpListenerStream::new(listener).map(|stream| {
            let stream = stream?;
            stream.set_nodelay(true)?;
            std::io::Result::Ok(stream)
        });
        let bare = || tonic::transport::Server::builder();
        let alike = || {
            bare()
                .max_concurrent_streams(STREAMS_MAX)
                .initial_stream_window_size(STREAM_WINDOW_BYTES)
                .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        };
        match args.method {
            Method::Activate => {
                let service = Answering { answer, kind: PhantomData::<Activate> };
                alike().add_service(service).serve_with_incoming(incoming).await?;
            }
            Method::ListBenefits => {
                let service = Answering { answer, kind: PhantomData::<ListBenefits> };
                alike().add_service(service).serve_with_incoming(incoming).await?;
            }
            Method::SayHello => {
                let text = Hello::decode(answer).context("a greeting")?.text;
                bare().add_service(Greeting { text }).serve_with_incoming(incoming).await?;
            }
        }
        bail!("the yardstick ended")
    })
}

impl<K: Kind> NamedService for Answering<K> {
    const NAME: &'static str = K::SERVICE;
}

impl<K: Kind> Service<http::Request<Body>> for Answering<K> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Answer {
        let this = self.clone();
        Box::pin(async move {
            let mut grpc = Grpc::new(ReadCodec::<K::Message>::default());
            Ok(grpc.unary(this, request).await)
        })
    }
}

impl<K: Kind> UnaryService<K::Message> for Answering<K> {
    type Response = Bytes;
    type Future = Ready<Result<Response<Bytes>, Status>>;

    fn call(&mut self, _: Request<K::Message>) -> Self::Future {
        ready(Ok(Response::new(self.answer.clone())))
    }
}

impl NamedService for Greeting {
    const NAME: &'static str = "helloworld.Greeter";
}

impl Service<http::Request<Body>> for Greeting {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Answer {
        let this = self.clone();
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::<Hello, Hello>::default());
            Ok(grpc.unary(this, request).await)
        })
    }
}

impl UnaryService<Hello> for Greeting {
    type Response = Hello;
    type Future = Ready<Result<Response<Hello>, Status>>;

    fn call(&mut self, _: Request<Hello>) -> Self::Future {
        ready(Ok(Response::new(Hello { text: self.text.clone() })))
    }
}
