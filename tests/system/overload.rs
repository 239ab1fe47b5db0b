//! Refused calls, however many, leave their connection as it is; floods of resets end theirs.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use prost::Message as _;
use proto::activation::v1::{ActivateRequest, ActivateResponse};
use system_tests::{
    Computer, Frame, FrameKind, Frames, Person, RawCall, Service, World, WorldOptions, cancel,
    last_data,
};

const ACTIVATE: &str = "/benefits.activation.v1.ActivationService/Activate";
/// Calls that a connection may have worked on at once; two, so that one that is all but over is in
/// nobody's way.
const HELD: usize = 2;
/// Calls that are refused at once; with those that are held a connection may have 128.
const WAVE: usize = 100;
/// Many times what h2 remembers, and several times what it takes for errors of the client.
const WAVES: usize = 20;
/// Streams of a flood; more than each of the limits of a connection.
const FLOOD: usize = 400;
/// ENHANCE_YOUR_CALM of HTTP/2.
const CALM: u32 = 11;

/// A service that works on few calls of a connection at once, and a request to it.
struct Story {
    world: World,
    request: ActivateRequest,
}

impl Story {
    async fn begin() -> Result<Self> {
        let activation = vec![
            ("metrics.listen", "127.0.0.1:0".to_owned()),
            ("serve.limits.calls_per_connection_max", HELD.to_string()),
            // Calls are held as long as the story takes.
            ("serve.limits.call_timeout_ms_max", "120000".to_owned()),
        ];
        let options = WorldOptions { activation, is_alone: true, ..WorldOptions::default() };
        let world = World::start_with(options).await?;
        let key = world.key_with_limit(5).await?;
        let request = world.activate_request(&key, &Computer::recorded()?)?;
        Ok(Self { world, request })
    }

    fn body(&self) -> bytes::Bytes {
        RawCall::of(ACTIVATE, &self.request.encode_to_vec()).body
    }

    async fn frames(&self) -> Result<Frames> {
        Frames::open(self.world.address(Service::Activation)?, ACTIVATE).await
    }

    /// Others are served.
    async fn is_served(&self) -> Result<()> {
        let mut client = self.world.activation(&Person::installer())?;
        let granted = client.activate(self.request.clone()).await?.into_inner();
        assert_eq!(granted.used, 1);
        Ok(())
    }

    /// How many calls of Activate were refused for want of room.
    async fn refused(&self) -> Result<usize> {
        let page = self.world.metrics(Service::Activation).await?;
        let is_meant = |line: &&str| {
            let words = ["grpc_server_handled_total", "\"Activate\"", "\"RESOURCE_EXHAUSTED\""];
            words.iter().all(|word| line.contains(word))
        };
        let line = page.lines().find(is_meant).with_context(|| format!("no refusals: {page}"))?;
        Ok(line.rsplit(' ').next().context("a figure")?.parse()?)
    }
}

/// The next stream that ends with nothing but headers, which is how gRPC refuses.
async fn next_refused(frames: &mut Frames) -> Result<u32> {
    loop {
        let frame = frames.next().await?.context("the connection ended")?;
        ensure!(frame.go_away().is_none(), "the server ends it: {:?}", frame.go_away());
        ensure!(frame.kind != FrameKind::Data, "an answer in place of a refusal");
        if frame.kind == FrameKind::Headers {
            ensure!(frame.is_end, "the beginning of an answer");
            return Ok(frame.stream);
        }
    }
}

/// Reads until the server says why it ends the connection.
async fn farewell(frames: &mut Frames) -> Result<(u32, String)> {
    loop {
        let frame = frames.next().await?.context("it closed without a word")?;
        if let Some(told) = frame.go_away() {
            return Ok(told);
        }
    }
}

/// The client learns of each refusal only after it has sent its message, as one does whose bytes
/// are on the way.
#[tokio::test]
async fn thousands_of_refused_calls_leave_their_connection_as_it_is() -> Result<()> {
    let story = Story::begin().await?;
    let body = story.body();
    let mut frames = story.frames().await?;
    // One more than there is room for: whichever is refused, the others are held.
    let mut held = BTreeSet::new();
    for _ in 0..=HELD {
        let (stream, headers) = frames.headers(&[]);
        frames.send(&headers).await?;
        held.insert(stream);
    }
    let first = next_refused(&mut frames).await?;
    assert!(held.remove(&first));
    frames.send(&last_data(first, &body)).await?;
    for wave in 0..WAVES {
        let (mut open, mut asked) = (BTreeSet::new(), Vec::new());
        for _ in 0..WAVE {
            let (stream, headers) = frames.headers(&[]);
            open.insert(stream);
            asked.extend(headers);
        }
        let late: Vec<u8> = open.iter().flat_map(|stream| last_data(*stream, &body)).collect();
        frames.send(&asked).await?;
        while !open.is_empty() {
            let told = next_refused(&mut frames).await;
            open.remove(&told.with_context(|| format!("wave {wave}"))?);
        }
        frames.send(&late).await?;
    }
    assert_eq!(story.refused().await?, 1 + WAVE * WAVES);
    // What was open all the while is answered, over the same connection.
    for stream in held {
        frames.send(&last_data(stream, &body)).await?;
        assert_eq!(answer(&mut frames, stream).await?.used, 1, "the same request each time");
    }
    Ok(())
}

/// The answer on a stream.
async fn answer(frames: &mut Frames, stream: u32) -> Result<ActivateResponse> {
    let mut message = Vec::new();
    loop {
        let Frame { kind, is_end, stream: of, payload } =
            frames.next().await?.context("the connection ended")?;
        if of == stream && kind == FrameKind::Data {
            message.extend(payload);
        }
        if of == stream && is_end {
            return Ok(ActivateResponse::decode(message.get(5..).context("a message")?)?);
        }
    }
}

#[tokio::test]
async fn a_flood_of_calls_that_are_reset_at_once_ends_its_connection() -> Result<()> {
    let story = Story::begin().await?;
    let mut frames = story.frames().await?;
    let mut flood = Vec::new();
    for _ in 0..FLOOD {
        let (stream, headers) = frames.headers(&[]);
        flood.extend([headers, cancel(stream)].concat());
    }
    frames.send(&flood).await?;
    assert_eq!(farewell(&mut frames).await?, (CALM, "too_many_resets".to_owned()));
    story.is_served().await
}

/// Whoever makes the server reset streams, by faults of each, is no better than who resets them.
#[tokio::test]
async fn a_flood_of_calls_that_the_server_must_reset_ends_its_connection() -> Result<()> {
    let story = Story::begin().await?;
    let mut frames = story.frames().await?;
    let body = story.body();
    let mut streams = 0;
    let told = loop {
        streams += 1;
        ensure!(streams <= FLOOD, "{FLOOD} streams were reset");
        // More comes than was announced.
        let (stream, headers) = frames.headers(&[("content-length", "1")]);
        frames.send(&[headers, last_data(stream, &body)].concat()).await?;
        let told = loop {
            let frame = frames.next().await?.context("it closed without a word")?;
            if frame.kind == FrameKind::GoAway || frame.stream == stream {
                break frame.go_away();
            }
        };
        if let Some(told) = told {
            break told;
        }
    };
    assert_eq!(told, (CALM, "too_many_internal_resets".to_owned()));
    story.is_served().await
}
