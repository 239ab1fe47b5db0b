//! `policy …`: a file is checked and shown, junk is suggested, and a replay tells what would
//! change.

use std::path::Path;

use activation_service::domain::command::{Activate, Command as Decided};
use activation_service::domain::event::RequestStamp;
use activation_service::domain::evidence::{Component, Evidence};
use activation_service::domain::ids::{ActivationId, RequestId};
use activation_service::domain::terms::Platform;
use activation_service::ports::{KeyRef, Ledger};
use hardware_evidence::{ComponentKind as K, Digest};
use serde_json::{Value, json};

use crate::filled::{close, open};
use crate::keys::{change, key_id, origin, register, terms};
use crate::{ALONE, Operator};

/// Desktops of one model whose boards have no serials and the same 'built-in' address.
const DESKTOP: [(K, u8); 6] =
    [(K::BoardModel, 1), (K::OsDisk, 0), (K::Nic, 1), (K::Cpu, 1), (K::Gpu, 1), (K::RamRange, 1)];

fn desktop(disk: u8) -> Evidence {
    let component = |(kind, part): (K, u8)| {
        let part = if kind == K::OsDisk { disk } else { part };
        let mut digest = [7; 16];
        (digest[0], digest[1]) = (part, kind.number());
        Component::new(kind, 1, vec![Digest(digest)])
    };
    let components = DESKTOP.into_iter().map(component).collect::<Result<_, _>>();
    Evidence::new(components.expect("valid")).expect("valid")
}

/// Each disk in turn, activated on its own key with the disk of key 1 before it: a weak match.
async fn filled(folder: &Path) {
    let ledger = open(folder);
    for number in 1..=6 {
        let registered = change(None, &register(number, terms(9)));
        ledger.commit(vec![registered]).await.expect("answers");
        for (request, disk) in [(1, 1), (2, number)] {
            let evidence = desktop(disk);
            let (id, platform) = (RequestId([request; 16]), Platform::Windows);
            let command = Decided::Activate(Activate {
                product: "products/office".to_owned(),
                request: RequestStamp::activate(id, "products/office", &evidence, platform),
                evidence: std::sync::Arc::new(evidence),
                platform,
                new_activation: ActivationId([number; 16]),
                origin: origin(),
            });
            let key = KeyRef::Id(key_id(number));
            let account = ledger.load(key, None).await.expect("answers").expect("known").account;
            if number > 1 || request == 1 {
                ledger.commit(vec![change(Some(&account), &command)]).await.expect("answers");
            }
        }
    }
    close(ledger, folder);
}

/// The built-in policy under another version, with one text replaced.
fn own(from: &str, to: &str) -> tempfile::NamedTempFile {
    let built_in = include_str!("../../policy/hw-v1.toml");
    let text = built_in.replace("version = \"hw-v1\"", "version = \"own\"");
    let text = text.replace("follows = []", "follows = [\"hw-v1\"]").replace(from, to);
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(&file, text).expect("written");
    file
}

fn name(file: &tempfile::NamedTempFile) -> String {
    file.path().display().to_string()
}

#[tokio::test]
async fn a_policy_is_checked_and_shown() {
    let _alone = ALONE.lock().await;
    let home = tempfile::tempdir().expect("a folder");
    let operator = Operator::of(home.path());
    let good = own("", "");
    let (code, out, err) = operator.command("policy", &["check", &name(&good)]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("own can be used: 0 demoted values, fingerprint "), "{out}");

    let bad = own("points = 24, anchor = true", "points = 25, anchor = 1");
    let (code, _, err) = operator.command("policy", &["check", &name(&bad)]);
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("kinds.BOARD_SERIAL.anchor: it must be true or false"), "{err}");
    let (code, _, err) = operator.command("policy", &["check", "nowhere.toml"]);
    assert_eq!(code, Some(71), "{err}");

    let (code, out, err) = operator.command("policy", &["show"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("# fingerprint ") && out.contains("version = \"hw-v1\""), "{out}");
    let shown = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(&shown, &out).expect("written");
    let (_, again, _) = operator.command("policy", &["show", "--policy", &name(&shown)]);
    assert_eq!(again, out, "what is shown is read again");
}

#[tokio::test]
async fn the_service_refuses_to_start_on_a_faulty_policy_and_names_every_fault() {
    let _alone = ALONE.lock().await;
    let home = tempfile::tempdir().expect("a folder");
    let bad = own("points_min = 30", "points_min = 0\nthreshold_percent = 40");
    let text = std::fs::read_to_string(bad.path()).expect("read");
    let text = text.replace("threshold_percent = 60\n", "");
    std::fs::write(bad.path(), text).expect("written");
    let file = format!("policy.file={}", name(&bad));
    let secrets = format!("secrets.development_folder={}", home.path().display());
    let settings = ["--set", &file, "--set", &secrets];
    let operator = Operator::of(home.path());
    for (command, more) in [("serve", &[][..]), ("config", &["check"])] {
        let (code, _, err) = operator.command(command, &[more, &settings].concat());
        assert_eq!(code, Some(64), "{err}");
        for field in ["thresholds.threshold_percent", "thresholds.points_min"] {
            assert!(err.contains(field), "{err}");
        }
    }
}

#[tokio::test]
async fn junk_is_suggested_and_a_replay_tells_what_demoting_it_and_more_would_change() {
    let _alone = ALONE.lock().await;
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("ledger");
    filled(&folder).await;
    let operator = Operator::of(&folder);
    let (code, out, err) = operator.command("policy", &["suggest-junk"]);
    assert_eq!(code, Some(0), "{err}");
    let address = "01050707070707070707070707070707";
    assert!(out.contains("kind = \"NIC\"") && out.contains(address), "{out}");
    assert_eq!(out.matches("[[junk]]").count(), 1, "{out}");
    let (_, told, _) = operator.command("policy", &["suggest-junk", "--json"]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let value = json!({ "kind": "NIC", "digest": address, "sets": 6, "computers": 6 });
    assert_eq!(told["told"], json!([value]));

    // The snippet goes into a policy as it is.
    let snippet = out.split_once("# A value").expect("a snippet").1;
    let demoting = own("# [[junk]]", &format!("# {snippet}\n#"));
    let (code, out, err) = operator.command("policy", &["check", &name(&demoting)]);
    assert!(code == Some(0) && out.contains("1 demoted values"), "{out}{err}");
    let (_, out, _) = operator.command("policy", &["suggest-junk", "--policy", &name(&demoting)]);
    assert!(out.starts_with("no value that own does not know"), "{out}");
    let (code, out, err) = operator.command("policy", &["replay", "--policy", &name(&demoting)]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("of 11 decisions own leaves 11 as they are and changes 0"), "{out}");

    let strict = own("threshold_percent = 60", "threshold_percent = 70");
    let (code, out, err) = operator.command("policy", &["replay", "--policy", &name(&strict)]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("6 keys with 17 events: of 11 decisions own leaves 6"), "{out}");
    let line = "event 3 (hw-v1): NOT_COUNTED_SAME_COMPUTER -> COUNTED_SIGNIFICANT_CHANGE";
    assert_eq!(out.matches(line).count(), 5, "{out}");
    let few = ["replay", "--policy", &name(&strict), "--json", "--most", "2"];
    let (_, told, _) = operator.command("policy", &few);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&told["changed"], &told["erased"]), (&json!(5), &json!(0)));
    assert_eq!(told["totals"][0]["decisions"], json!(5));
    assert_eq!(told["changes"].as_array().map(Vec::len), Some(2));

    let (code, out, err) = operator.run(&["verify"]);
    assert_eq!(code, Some(0), "nothing was changed: {out}{err}");
}
