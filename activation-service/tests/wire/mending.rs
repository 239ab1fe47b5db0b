//! P5 on the running service: damage that a call meets is refused with RetryInfo, mended without a
//! restart, and the same call then has the answer that was recorded.

use std::path::Path;
use std::time::Duration;

use proto::activation::v1 as pb;
use tokio::time::{interval, timeout};
use tonic::Code;

use crate::command_line::probe;
use crate::world::{PATIENCE, World, activate, computer, config, refusal, sled};

/// Between two questions.
const PERIOD: Duration = Duration::from_millis(20);

/// Turns over a bit in every row of a tree, in a ledger that nobody has open.
fn rot(folder: &Path, tree: &str) {
    let place = folder.join("ledger/sled");
    let file = std::fs::File::open(place.join("db")).expect("the file");
    file.lock().and_then(|()| file.unlock()).expect("free in the end");
    let db = sled::open(&place).expect("opens");
    let (rows, kind) = match tree {
        "heads" => ("accounts", Some(0)),
        "events" => ("accounts", Some(2)),
        other => (other, None),
    };
    let rows = db.open_tree(rows).expect("a tree");
    let mut rotten = 0;
    for row in rows.iter() {
        let (key, mut value) = row.map(|(key, value)| (key, value.to_vec())).expect("read");
        // Behind the id of the key stands what a row of an account is.
        if kind.is_some() && key.get(16).copied() != kind {
            continue;
        }
        value[0] ^= 0x10;
        rows.insert(key, value).expect("written");
        rotten += 1;
    }
    assert!(rotten > 0, "there are no {tree}");
    db.flush().expect("flushed");
    drop((rows, db));
    file.lock().and_then(|()| file.unlock()).expect("free in the end");
}

async fn told(world: &World, request: &pb::ActivateRequest) -> pb::ActivateResponse {
    let mut ticks = interval(PERIOD);
    let mut refusals = 0;
    let asking = async {
        loop {
            match world.installer().activate(request.clone()).await {
                Ok(answer) => return answer.into_inner(),
                Err(status) => {
                    refusal(&status, Code::Unavailable, "LEDGER_UNAVAILABLE");
                    refusals += 1;
                }
            }
            ticks.tick().await;
        }
    };
    let answer = timeout(PATIENCE, asking).await.expect("in time");
    assert!(refusals > 0, "nothing is answered from a rotten row");
    answer
}

#[tokio::test]
async fn p5_rotten_books_are_mended_while_the_service_runs() {
    for tree in ["heads", "lookups", "events"] {
        let world = World::sled().await;
        world.register(1, |_| ()).await;
        let mut answers = Vec::new();
        for number in 1..=3 {
            let request = activate(1, computer(number), number);
            let granted = world.installer().activate(request).await.expect("counted");
            answers.push(granted.into_inner());
        }
        let folder = world.stop().await;
        rot(folder.path(), tree);

        let world = World::start(|_| config(sled(folder.path()))).await;
        for (number, answer) in (1..).zip(&answers) {
            let request = activate(1, computer(number), number);
            // The first call meets the damage, all others come when it is mended.
            let again = match number {
                1 => told(&world, &request).await,
                _ => world.installer().activate(request).await.expect("a repeat").into_inner(),
            };
            assert_eq!(&again, answer, "{tree}");
        }
        let healthy = format!("healthcheck.uri=http://{}", world.address);
        let mut ticks = interval(PERIOD);
        let serving = async {
            while probe(&["healthcheck", "--set", &healthy]).await != Some(0) {
                ticks.tick().await;
            }
        };
        timeout(PATIENCE, serving).await.expect("it serves");
        let new = world.installer().activate(activate(1, computer(4), 4)).await.expect("counted");
        assert_eq!(new.into_inner().used, 4);
        assert_eq!(world.key(1).await.used, 4);
        world.stop().await;
        assert!(folder.path().join("ledger/sled-set-aside-1/doubted").exists(), "{tree}");
        assert!(!folder.path().join("ledger/sled-set-aside-2").exists(), "{tree}");
    }
}
