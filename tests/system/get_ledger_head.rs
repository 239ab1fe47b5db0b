//! GetLedgerHead: a signed statement over everything recorded, that outlives a restart, and with
//! which every receipt agrees.

use anyhow::{Context as _, Result, ensure};
use installer_client::{
    ActivationClient, AuditFinding, Connection, DevIdentity, RetryPolicy, audit,
};
use proto::activation::v1::{
    GetActivationTermsRequest, GetLedgerHeadRequest, ReleaseActivationRequest,
};
use receipt::{Receipt, ReceiptError, SignedHead, TrustedKeys};
use system_tests::{Computer, DUTCH, Person, Service, World, refusal, request_id};
use tonic::Code;

/// The keys that this deployment signs with. An installer ships with them; here the service that
/// the test itself started is asked.
async fn keys(world: &World) -> Result<TrustedKeys> {
    let mut client = world.activation(&Person::installer())?;
    let terms = client.get_activation_terms(GetActivationTermsRequest {}).await?.into_inner();
    Ok(terms.receipt_keys.join("\n").parse()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn r6_r7_a_receipt_and_the_head_agree_and_stay_good_over_a_restart() -> Result<()> {
    let mut world = World::start().await?;
    let (computer, pinned) = (Computer::recorded()?, keys(&world).await?);
    let key = world.key_with_limit(4).await?;
    let counted = world.activate(&key, &computer).await?;
    let proven = Receipt::decode(&counted.receipt)?.verify(&pinned)?;
    let owner = Person::global_admin("anna", "contoso");
    let before = world.activation(&owner)?.get_ledger_head(GetLedgerHeadRequest {}).await?;
    let before = before.into_inner();
    let signed = SignedHead::decode(&before.signed_head)?;
    signed.verify(&pinned)?;
    assert_eq!(signed.head().chain_id, proven.head.head().chain_id);
    assert!(proven.leaf.sequence <= before.last_sequence);

    world.pair.kill_activation()?;
    world.pair.start_activation()?;
    let mut client = world.activation(&Person::ops_read())?;
    let after = client.get_ledger_head(GetLedgerHeadRequest {}).await?.into_inner();
    assert!(after.batch >= before.batch, "nothing that was signed is gone");
    assert_eq!(after.chain_id, before.chain_id);
    let same = world.activate(&key, &computer).await?;
    assert_eq!(same.receipt, counted.receipt, "R7 rests on the count, proved by the same bytes");
    assert_eq!(keys(&world).await?, pinned);
    Ok(())
}

#[tokio::test]
async fn an_audit_finds_every_receipt_in_the_ledger_and_none_in_another() -> Result<()> {
    let world = World::start().await?;
    let (key, computer) = (world.key_with_limit(2).await?, Computer::recorded()?);
    let counted = world.activate(&key, &computer).await?;
    let other = world.activate(&key, &Computer::numbered(7)?).await?;
    let release = ReleaseActivationRequest {
        name: other.activation.clone(),
        request_id: request_id()?,
        reason: "sold".to_owned(),
        ..Default::default()
    };
    let mut operator = world.activation(&Person::ops_admin())?;
    let released = operator.release_activation(release).await?.into_inner();
    let receipts = [counted.receipt, other.receipt, released.receipt].map(|bytes| bytes.to_vec());
    let pinned = keys(&world).await?;
    assert_eq!(findings(&world, &pinned, &receipts).await?, [None, None, None]);

    // A ledger that begins anew under the same keys of receipts cannot pass for the old one.
    let fresh = World::start().await?;
    fresh.key_with_limit(2).await?;
    let strange = findings(&fresh, &pinned, &receipts).await;
    ensure!(strange.is_err(), "its heads are signed by another key");
    let missing = Some(AuditFinding::Refused(ReceiptError::UnknownSigningKey(
        Receipt::decode(&receipts[0])?.head().head().signing_key_id,
    )));
    let own = keys(&fresh).await?;
    assert_eq!(findings(&fresh, &own, &receipts[..1]).await?, [missing]);
    let both = [pinned, own].map(|keys| keys.iter().map(ToString::to_string).collect::<String>());
    let both: TrustedKeys = both.join("\n").parse()?;
    assert_eq!(findings(&fresh, &both, &receipts[..1]).await?, [Some(AuditFinding::OtherChain)]);
    Ok(())
}

/// What an auditor finds with these keys.
async fn findings(
    world: &World,
    pinned: &TrustedKeys,
    receipts: &[Vec<u8>],
) -> Result<Vec<Option<AuditFinding>>> {
    let connection = Connection {
        dev_identity: Some(DevIdentity::parse("subject=aud;roles=OPS_READ")?),
        ..Connection::to(format!("http://{}", world.address(Service::Activation)?))
    };
    let client = ActivationClient::new(&connection, RetryPolicy::interactive())?;
    let head = client.ledger_head(GetLedgerHeadRequest {}).await?;
    let head = SignedHead::decode(&head.signed_head)?;
    head.verify(pinned)?;
    let audited = audit(&client, pinned, &head, receipts).await?;
    Ok(audited.into_iter().map(|audited| audited.finding).collect())
}

#[tokio::test]
async fn a_ledger_without_events_has_no_head_and_says_so() -> Result<()> {
    let world = World::start().await?;
    let mut client = world.activation(&Person::ops_admin().speaking(DUTCH))?;
    let ask = GetLedgerHeadRequest {};
    refusal(client.get_ledger_head(ask).await)?
        .is(Code::FailedPrecondition, "NO_LEDGER_HEAD")?
        .in_dutch()?;
    for (who, code, reason) in [
        (Person::installer(), Code::Unauthenticated, "CREDENTIALS_MISSING"),
        (Person::without_role("carla", "contoso"), Code::PermissionDenied, "ROLE_MISSING"),
        (Person::portal(), Code::PermissionDenied, "ROLE_MISSING"),
    ] {
        let mut client = world.activation(&who.speaking(DUTCH))?;
        refusal(client.get_ledger_head(ask).await)?.is(code, reason)?.in_dutch()?;
    }
    world.key_with_limit(1).await?;
    let head = client.get_ledger_head(ask).await?.into_inner();
    assert!(head.batch >= 1 && !head.signed_head.is_empty());
    let first = SignedHead::decode(&head.signed_head).context("a head")?;
    first.verify(&keys(&world).await?)?;
    Ok(())
}
