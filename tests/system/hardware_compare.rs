//! What `benefitsctl hardware compare` says offline is what the service decides, on random pairs of
//! computers.

use anyhow::{Result, bail};
use hardware_evidence::hw_v1::HwV1;
use hardware_evidence::{ComponentKind, JunkDigests};
use installer_client::explain;
use proto::activation::v1::{Explanation, PreviewActivationRequest};
use system_tests::{Computer, Dice, Key, Person, World, refusal, seed_from_environment};

/// Pairs of computers.
const ROUNDS: u64 = 60;

/// A computer with some kinds of the recorded one, some replaced, some left at a placeholder.
fn drawn(dice: &mut Dice, spare: &Computer) -> Result<Computer> {
    let mut computer = Computer::recorded()?;
    let gone = dice.below(9) + 1;
    for kind in ComponentKind::ALL {
        let other = spare.profile().raw(kind).first();
        computer = match (dice.below(10), other) {
            (0, _) => computer.with(kind, "Default string"),
            (fate, _) if fate < gone / 2 => computer.without(kind),
            (8 | 9, Some(value)) => computer.with(kind, value),
            _ => computer,
        };
    }
    Ok(computer)
}

/// The outcome of a preview with its explanation, or the reason of its refusal.
async fn previewed(
    world: &World,
    key: &Key,
    computer: &Computer,
) -> Result<(String, Option<Explanation>)> {
    let of = world.activate_request(key, computer)?;
    let ask = PreviewActivationRequest {
        product_key: of.product_key,
        product: of.product,
        evidence: of.evidence,
        platform: of.platform,
        client: of.client,
    };
    match world.activation(&Person::installer())?.preview_activation(ask).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            let name = answer.outcome().as_str_name().replace("ACTIVATION_OUTCOME_", "");
            Ok((name, answer.explanation))
        }
        Err(status) => Ok((refusal::<()>(Err(status))?.reason, None)),
    }
}

#[tokio::test]
async fn a_decision_explained_offline_is_the_decision_of_the_service() -> Result<()> {
    let seed = seed_from_environment()?;
    println!("SEED={seed}");
    let world = World::start().await?;
    let rule = HwV1::new(Some(JunkDigests::new(world.salt())));
    let spare = Computer::numbered(7)?;
    let (mut dice, mut decided) = (Dice::new(seed), 0);
    for round in 0..ROUNDS {
        let (counted, now) = (drawn(&mut dice, &spare)?, drawn(&mut dice, &spare)?);
        let evidence = |computer: &Computer| computer.profile().evidence(world.salt());
        let (baseline, report) = (evidence(&counted)?, evidence(&now)?);
        if baseline.components().is_empty() || report.components().is_empty() {
            continue;
        }
        let explained = explain(&rule, &baseline, &report, false);
        let key = world.key_with_limit(9).await?;
        if world.try_activate(&key, &counted).await?.is_err() {
            // What is too little to be counted is too little to be compared with itself.
            let itself = explain(&rule, &baseline, &baseline, false);
            assert_eq!(itself.verdict.name(), "INSUFFICIENT_EVIDENCE", "round {round}");
            continue;
        }
        let (name, why) = previewed(&world, &key, &now).await?;
        assert_eq!(name, explained.verdict.name(), "round {round}: {explained:?}");
        if let Some(score) = why.as_ref().and_then(|why| why.score) {
            assert_eq!(score, explained.comparison.score(), "round {round}");
        }
        decided += 1;
    }
    if decided < ROUNDS / 3 {
        bail!("only {decided} of {ROUNDS} pairs could be decided");
    }
    Ok(())
}
