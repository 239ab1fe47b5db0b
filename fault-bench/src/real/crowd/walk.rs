//! The recorded history of a key, walked event by event, and every answer held against it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use proto::activation::v1 as act;
use proto::activation::v1::KeyEventType as Type;
use system_tests::Person;

use super::calls::{id, number};
use super::scene::{Own, Scene};
use crate::linear::{Action, Answer, History, No, View};

/// How the key stood after an event.
#[derive(Clone, Copy, Debug)]
struct Standing {
    used: u32,
    limit: u32,
}

/// What is on record of a key.
struct Record {
    /// By account version.
    standing: BTreeMap<u64, Standing>,
    events: BTreeMap<u64, act::KeyEvent>,
    /// The account version of each request id that was recorded.
    requests: BTreeMap<u128, u64>,
}

/// Walks the history of a key and compares it with what clients were told.
pub(super) async fn walk(scene: &Scene, own: &Own, history: &History) -> Result<()> {
    let events = scene.world.history(&own.key.name).await?;
    let record = read(own.limit, events)?;
    let (_, last) = record.standing.last_key_value().context("a history")?;
    let found = scene.world.key(&own.key.name).await?;
    ensure!(found.used == last.used, "used {} of {} recorded", found.used, last.used);
    let held = held(scene, own).await?;
    ensure!(held == last.used as usize, "{held} counts held, used {}", last.used);
    for operation in &history.operations {
        let told = compare(&record, operation.action, operation.answer);
        told.with_context(|| format!("{operation:?}"))?;
    }
    let sent = |request: &u128| {
        let mut sent = history.operations.iter().map(|operation| request_of(operation.action));
        sent.any(|sent| sent == Some(*request))
    };
    let foreign = record.requests.keys().find(|request| !sent(request));
    ensure!(foreign.is_none(), "a request is on record that nobody sent: {foreign:?}");
    Ok(())
}

/// Adds up the events; none is counted at or above the limit, and no version is missing.
fn read(limit: u32, events: Vec<act::KeyEvent>) -> Result<Record> {
    let (mut standing, mut requests) = (BTreeMap::new(), BTreeMap::new());
    let mut now = Standing { used: 0, limit };
    for (version, event) in (1..).zip(&events) {
        ensure!(event.account_version == version, "version {version} is missing: {event:?}");
        match event.r#type() {
            Type::Counted => {
                ensure!(now.used < now.limit, "P1: counted at {now:?}: {event:?}");
                now.used += 1;
            }
            Type::Released => now.used = now.used.checked_sub(1).context("released below zero")?,
            Type::Updated => now.limit = limit_of(event)?.unwrap_or(now.limit),
            Type::Registered | Type::Refused => {}
            other => bail!("{other:?} among computers that have nothing in common"),
        }
        let told = (event.used, event.limit);
        ensure!(told == (now.used, now.limit), "the history adds up to {now:?}: {event:?}");
        if !event.request_id.is_empty() {
            let before = requests.insert(id(&event.request_id)?, version);
            ensure!(before.is_none(), "a request is recorded twice: {event:?}");
        }
        standing.insert(version, now);
    }
    let events = events.into_iter().map(|event| (event.account_version, event)).collect();
    Ok(Record { standing, events, requests })
}

/// The limit that an update set, if it set one.
fn limit_of(event: &act::KeyEvent) -> Result<Option<u32>> {
    let new = event.changes.iter().find_map(|change| change.strip_prefix("limit: "));
    let Some((_, new)) = new.and_then(|change| change.split_once(" -> ")) else { return Ok(None) };
    Ok(Some(new.parse()?))
}

/// The counts that computers hold.
async fn held(scene: &Scene, own: &Own) -> Result<usize> {
    let mut client = scene.world.activation(&Person::ops_read())?;
    let mut request = act::ListActivationsRequest {
        parent: own.key.name.clone(),
        page_size: 200,
        ..Default::default()
    };
    let mut held = 0;
    loop {
        let page = client.list_activations(request.clone()).await?.into_inner();
        let counts = page.activations.iter().flat_map(|computer| &computer.counts);
        held += counts.filter(|count| !count.released).count();
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(held);
        }
    }
}

/// One answer against the record.
fn compare(record: &Record, action: Action, answer: Answer) -> Result<()> {
    let recorded = request_of(action).and_then(|request| record.requests.get(&request)).copied();
    match answer {
        Answer::Granted { counted, activation, used, limit, proof } => {
            let event = record.event(proof)?;
            ensure!(event.r#type() == Type::Counted, "the proof is no count: {event:?}");
            ensure!(number(&event.activation)? == activation, "of another computer: {event:?}");
            if counted {
                ensure!(recorded == proof, "the request is recorded at {recorded:?}");
                ensure!((event.used, event.limit) == (used, limit), "recorded: {event:?}");
            }
        }
        Answer::Released { count, used, limit, proof } => {
            let event = record.event(proof)?;
            ensure!(event.r#type() == Type::Released, "the proof is no release: {event:?}");
            ensure!(recorded == proof, "the request is recorded at {recorded:?}");
            ensure!((event.used, event.limit) == (used, limit), "recorded: {event:?}");
            let counted = record.event(Some(count))?;
            ensure!(counted.activation == event.activation, "of another computer: {counted:?}");
        }
        Answer::Key(View { used, limit, version: Some(version), .. }) => {
            let stood = record.standing.get(&version).context("a version that is not there")?;
            ensure!((stood.used, stood.limit) == (used, limit), "it stood at {stood:?}");
        }
        Answer::Key(View { used, limit, .. }) => {
            let stood = |stood: &Standing| (stood.used, stood.limit) == (used, limit);
            ensure!(record.standing.values().any(stood), "it never stood so");
        }
        Answer::Refused(No::LimitReached) => {
            let reached = |stood: &Standing| stood.used >= stood.limit;
            ensure!(record.standing.values().any(reached), "the limit was never reached");
        }
        Answer::Refused(_) | Answer::Unknown => {}
    }
    Ok(())
}

/// The request id of an action that has one.
fn request_of(action: Action) -> Option<u128> {
    match action {
        Action::Activate { request, .. } | Action::Release { request, .. } => Some(request),
        _ => None,
    }
}

impl Record {
    fn event(&self, version: Option<u64>) -> Result<&act::KeyEvent> {
        let event = version.and_then(|version| self.events.get(&version));
        event.with_context(|| format!("no event of version {version:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(version: u64, kind: Type, used: u32, limit: u32) -> act::KeyEvent {
        let request_id = match kind {
            Type::Counted | Type::Released => u128::from(version).to_be_bytes().to_vec().into(),
            _ => Default::default(),
        };
        let activation = format!("productKeys/1/activations/{version:032x}");
        let event = act::KeyEvent { used, limit, request_id, activation, ..Default::default() };
        act::KeyEvent { account_version: version, r#type: kind.into(), ..event }
    }

    fn history() -> Vec<act::KeyEvent> {
        let mut raised = event(4, Type::Updated, 1, 2);
        raised.changes = vec!["limit: 1 -> 2".to_owned()];
        vec![
            event(1, Type::Registered, 0, 1),
            event(2, Type::Counted, 1, 1),
            event(3, Type::Refused, 1, 1),
            raised,
            event(5, Type::Counted, 2, 2),
            event(6, Type::Released, 1, 2),
        ]
    }

    #[test]
    fn a_history_that_adds_up_is_read() {
        let record = read(1, history()).unwrap();
        assert_eq!(record.requests, [(2, 2), (5, 5), (6, 6)].into());
        let (_, last) = record.standing.last_key_value().unwrap();
        assert_eq!((last.used, last.limit), (1, 2));
    }

    #[test]
    fn a_history_that_does_not_is_told() {
        let told = |change: fn(&mut Vec<act::KeyEvent>)| {
            let mut events = history();
            change(&mut events);
            read(1, events).err().unwrap().to_string()
        };
        let above = told(|events| events[3].changes.clear());
        assert!(above.contains("adds up"), "{above}");
        let above = told(|events| {
            events[3] = event(4, Type::Refused, 1, 1);
            events[4] = event(5, Type::Counted, 2, 1);
        });
        assert!(above.contains("P1: counted at"), "{above}");
        let gap = told(|events| drop(events.remove(2)));
        assert!(gap.contains("version 3 is missing"), "{gap}");
        let twice = told(|events| events[4].request_id = events[1].request_id.clone());
        assert!(twice.contains("recorded twice"), "{twice}");
        let miscount = told(|events| events[5].used = 2);
        assert!(miscount.contains("adds up"), "{miscount}");
    }

    #[test]
    fn an_answer_that_is_not_on_record_is_told() {
        let record = read(1, history()).unwrap();
        let action = Action::Activate { computer: 1, request: 5 };
        let granted = |activation, used, proof| {
            let (counted, proof) = (true, Some(proof));
            Answer::Granted { counted, activation, used, limit: 2, proof }
        };
        compare(&record, action, granted(5, 2, 5)).unwrap();
        for wrong in [granted(4, 2, 5), granted(5, 1, 5), granted(5, 2, 2), granted(5, 2, 7)] {
            compare(&record, action, wrong).unwrap_err();
        }
        let stood = |used, version| {
            let (suspended, blocked) = (false, false);
            Answer::Key(View { used, limit: 2, suspended, blocked, version })
        };
        compare(&record, Action::Read, stood(2, Some(5))).unwrap();
        compare(&record, Action::Read, stood(2, None)).unwrap();
        compare(&record, Action::Read, stood(2, Some(6))).unwrap_err();
        compare(&record, Action::Read, stood(3, None)).unwrap_err();
    }
}
