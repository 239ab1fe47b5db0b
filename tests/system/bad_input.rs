//! Requests that cannot be: each gets a typed answer that names every bad field, and counts
//! nothing.

use anyhow::{Result, ensure};
use bytes::Bytes;
use proto::activation::v1::{
    ActivateRequest, ClientInfo, ComponentKind, Evidence, EvidenceComponent, KeyEvent,
    KeyEventType, ListKeyEventsRequest,
};
use ring::hmac;
use system_tests::{Activation, Computer, DUTCH, Key, Person, World, refusal, request_id};
use tonic::Code;

/// A key with one activation, and what must stay as it is.
struct Story {
    world: World,
    key: Key,
    client: Activation,
    good: ActivateRequest,
    used: u32,
    events: Vec<KeyEvent>,
}

impl Story {
    async fn begin() -> Result<Self> {
        let world = World::start().await?;
        let key = world.key_with_limit(5).await?;
        let mut client = world.activation(&Person::installer().speaking(DUTCH))?;
        let good = world.activate_request(&key, &Computer::recorded()?)?;
        client.activate(good.clone()).await?;
        let (used, events) = (world.key(&key.name).await?.used, world.history(&key.name).await?);
        Ok(Self { world, key, client, good, used, events })
    }

    /// A fresh request of another computer, made bad.
    fn bad(&self, spoil: impl FnOnce(&mut ActivateRequest)) -> Result<ActivateRequest> {
        let mut request = self.world.activate_request(&self.key, &Computer::numbered(1)?)?;
        spoil(&mut request);
        Ok(request)
    }

    /// It is refused with these fields named, and leaves no trace.
    async fn refuses(
        &mut self,
        spoil: impl FnOnce(&mut ActivateRequest),
        fields: &[&str],
    ) -> Result<()> {
        let request = self.bad(spoil)?;
        refusal(self.client.activate(request).await)?
            .is(Code::InvalidArgument, "FIELD_INVALID")?
            .in_dutch()?
            .names(fields)?;
        self.is_unchanged().await
    }

    /// Neither the counts nor the history changed.
    async fn is_unchanged(&self) -> Result<()> {
        ensure!(self.world.key(&self.key.name).await?.used == self.used, "something was counted");
        let events = self.world.history(&self.key.name).await?;
        ensure!(events == self.events, "the history changed");
        Ok(())
    }

    /// Nothing was counted; a refusal of a known key may have been recorded.
    async fn counts_nothing(&self) -> Result<()> {
        ensure!(self.world.key(&self.key.name).await?.used == self.used, "something was counted");
        let events = self.world.history(&self.key.name).await?;
        let others = events.iter().filter(|event| event.r#type() != KeyEventType::Refused);
        ensure!(others.eq(self.events.iter()), "more than a refusal was recorded");
        Ok(())
    }
}

fn component(kind: ComponentKind, digest: &[u8]) -> EvidenceComponent {
    EvidenceComponent {
        kind: kind.into(),
        recipe_version: 1,
        digests: vec![Bytes::copy_from_slice(digest)],
    }
}

fn evidence(components: Vec<EvidenceComponent>) -> Option<Evidence> {
    Some(Evidence { components })
}

#[tokio::test]
async fn keys_and_request_ids_that_cannot_be_are_named() -> Result<()> {
    let mut story = Story::begin().await?;
    let long = "A".repeat(129);
    for key in ["", "short", "----", "KEY-WITH-\u{7}-BELL", "KLÜCH-ABCDE-FGHJK", &long] {
        story.refuses(|request| request.product_key = key.to_owned(), &["product_key"]).await?;
    }
    // A typing mistake in a key of our own is noticed before anybody looks it up.
    let mut typed = story.key.secret.clone();
    let last = if typed.ends_with('0') { "1" } else { "0" };
    typed.replace_range(typed.len() - 1.., last);
    story.refuses(|request| request.product_key = typed, &["product_key"]).await?;
    for length in [0, 1, 15, 17, 64] {
        let id = Bytes::from(vec![7; length]);
        story.refuses(|request| request.request_id = id, &["request_id"]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_request_id_means_one_request() -> Result<()> {
    let mut story = Story::begin().await?;
    let good = story.good.clone();
    let other = Computer::numbered(1)?.evidence(story.world.salt())?;
    for spoiled in [
        ActivateRequest { evidence: Some(other), ..good.clone() },
        ActivateRequest { platform: 3, ..good.clone() },
        ActivateRequest { product: "products/visio-professional-2019".into(), ..good.clone() },
    ] {
        refusal(story.client.activate(spoiled).await)?
            .is(Code::InvalidArgument, "REQUEST_ID_REUSED")?
            .in_dutch()?;
        story.is_unchanged().await?;
    }
    // Another program may send the same request again: it is not part of what is asked.
    let client = Some(ClientInfo { name: "another".into(), version: "2".into() });
    story.client.activate(ActivateRequest { client, ..good }).await?;
    story.is_unchanged().await
}

#[tokio::test]
async fn evidence_that_cannot_be_is_named_to_the_component() -> Result<()> {
    let mut story = Story::begin().await?;
    use ComponentKind::{BoardSerial, Cpu, Nic, OsDisk};
    story.refuses(|request| request.evidence = None, &["evidence"]).await?;
    let components = "evidence.components";
    story.refuses(|request| request.evidence = evidence(vec![]), &[components]).await?;
    let many = vec![component(OsDisk, &[1; 16]); 33];
    story.refuses(|request| request.evidence = evidence(many), &[components]).await?;

    let bad = vec![
        component(BoardSerial, &[1; 16]),
        component(BoardSerial, &[2; 16]),
        component(OsDisk, &[3; 15]),
        component(Cpu, &[4; 17]),
        EvidenceComponent { kind: 99, ..component(Nic, &[5; 16]) },
        EvidenceComponent { kind: 0, ..component(Nic, &[5; 16]) },
        EvidenceComponent { kind: -1, recipe_version: 9, ..component(Nic, &[5; 16]) },
        EvidenceComponent { digests: vec![], ..component(ComponentKind::Gpu, &[]) },
        EvidenceComponent {
            digests: vec![Bytes::from_static(&[6; 16]); 17],
            ..component(Nic, &[])
        },
    ];
    let at = |place: &str| format!("{components}{place}");
    let named = [
        at("[1].kind"),
        at("[2].digests"),
        at("[3].digests"),
        at("[4].kind"),
        at("[5].kind"),
        at("[6].kind"),
        at("[6].recipe_version"),
        at("[7].digests"),
        at("[8].digests"),
    ];
    let named: Vec<_> = named.iter().map(String::as_str).collect();
    story.refuses(|request| request.evidence = evidence(bad), &named).await
}

#[tokio::test]
async fn everything_wrong_at_once_is_named_at_once() -> Result<()> {
    let mut story = Story::begin().await?;
    let spoil = |request: &mut ActivateRequest| {
        request.product_key = "\u{0}".to_owned();
        request.product = "Windows Server".to_owned();
        request.evidence = None;
        request.platform = 42;
        let (name, version) = ("n".repeat(65), "1.0\r\nx: y".to_owned());
        request.client = Some(ClientInfo { name, version });
        request.request_id = Bytes::from_static(b"short");
    };
    let fields = [
        "product_key",
        "product",
        "evidence",
        "platform",
        "client.name",
        "client.version",
        "request_id",
    ];
    story.refuses(spoil, &fields).await?;
    story.refuses(|request| request.platform = 0, &["platform"]).await?;
    let long = format!("products/{}", "p".repeat(200));
    story.refuses(|request| request.product = long, &["product"]).await
}

#[tokio::test]
async fn an_unknown_product_is_refused_without_counting() -> Result<()> {
    let mut story = Story::begin().await?;
    let request = story.bad(|request| request.product = "products/windows-95".to_owned())?;
    refusal(story.client.activate(request).await)?
        .is(Code::NotFound, "KEY_NOT_USABLE")?
        .in_dutch()?;
    story.counts_nothing().await
}

/// The digest of a placeholder, as a client makes it that does not know placeholders.
fn placeholder(world: &World, kind: ComponentKind, text: &str) -> EvidenceComponent {
    let key = hmac::Key::new(hmac::HMAC_SHA256, world.salt().as_bytes());
    let kind_number = u8::try_from(i32::from(kind)).unwrap_or_default();
    let tag = hmac::sign(&key, &[&[1, kind_number], text.as_bytes()].concat());
    component(kind, tag.as_ref().get(..16).unwrap_or_default())
}

#[tokio::test]
async fn placeholders_alone_are_no_computer() -> Result<()> {
    let mut story = Story::begin().await?;
    let kinds = [ComponentKind::BoardSerial, ComponentKind::OsDisk, ComponentKind::ChassisSerial];
    let junk = kinds.map(|kind| placeholder(&story.world, kind, "default string"));
    let request = story.bad(|request| request.evidence = evidence(junk.to_vec()))?;
    let refused = refusal(story.client.activate(request).await)?
        .is(Code::FailedPrecondition, "INSUFFICIENT_EVIDENCE")?
        .in_dutch()?;
    let junk = refused.metadata.get("junk").cloned().unwrap_or_default();
    for kind in ["BOARD_SERIAL", "OS_DISK", "CHASSIS_SERIAL"] {
        assert!(junk.contains(kind), "{refused:?}");
    }
    assert_eq!(refused.metadata.get("points").map(String::as_str), Some("0"));
    story.counts_nothing().await
}

#[tokio::test]
async fn pages_strangers_and_people_without_a_role_change_nothing() -> Result<()> {
    let story = Story::begin().await?;
    let parent = story.key.name.clone();
    let mut client = story.world.activation(&Person::ops_read().speaking(DUTCH))?;
    let ask = ListKeyEventsRequest { parent, ..Default::default() };
    let bad = ListKeyEventsRequest { page_size: -1, page_token: "none".into(), ..ask.clone() };
    refusal(client.list_key_events(bad).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .in_dutch()?
        .names(&["page_size", "page_token"])?;
    for (who, code, reason) in [
        (Person::global_admin("eve", "fabrikam"), Code::NotFound, "KEY_NOT_FOUND"),
        (Person::without_role("carla", "contoso"), Code::PermissionDenied, "ROLE_MISSING"),
        (Person::installer(), Code::Unauthenticated, "CREDENTIALS_MISSING"),
    ] {
        let mut client = story.world.activation(&who.speaking(DUTCH))?;
        refusal(client.list_key_events(ask.clone()).await)?.is(code, reason)?.in_dutch()?;
    }
    story.is_unchanged().await
}

#[tokio::test]
async fn guessing_keys_is_slowed_down() -> Result<()> {
    let mut story = Story::begin().await?;
    let mut told = Vec::new();
    for guess in 0..12 {
        let key = format!("GUESSED-KEY-{guess:05}");
        let request = story.bad(|request| request.product_key = key)?;
        told.push(refusal(story.client.activate(request).await)?);
    }
    assert_eq!(told[0].reason, "KEY_NOT_USABLE");
    // While it lasts, a guess that hits looks like one that misses.
    let hit = ActivateRequest { request_id: request_id()?, ..story.good.clone() };
    told.push(refusal(story.client.activate(hit).await)?);
    for refused in told.split_off(11) {
        refused.is(Code::ResourceExhausted, "RATE_LIMITED")?.in_dutch()?;
    }
    story.is_unchanged().await
}
