//! `benefitsctl receipt verify` without any service: what it takes, refuses and shows.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use receipt::{Receipt, SigningKey, TrustedKeys};
use serde_json::Value;
use tempfile::TempDir;

const GOOD: &str = include_str!("../../../receipt/vectors/receipts-v1.json");
const DAMAGED: &str = include_str!("../../../receipt/vectors/damaged-v1.json");

/// A folder with the trusted keys of the vectors.
struct Desk(TempDir);

impl Desk {
    fn new(vectors: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys: Vec<&str> =
            vectors["trusted_keys"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let text = format!("# pinned\n{}\n", keys.join("\n"));
        std::fs::write(folder.path().join("keys"), text).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Verifies with all trusted keys; the receipt comes as standard input.
    fn verify(&self, receipt: &[u8], options: &[&str]) -> Output {
        let keys = self.path("keys");
        run(receipt, &[&["-", "--trusted-keys", &keys], options].concat())
    }
}

fn run(input: &[u8], words: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_benefitsctl"))
        .args(["receipt", "verify"])
        .args(words)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read to the end may be gone before all is written.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn bytes(vector: &Value) -> Vec<u8> {
    let digits = vector["receipt"].as_str().unwrap();
    let pairs = (0..digits.len()).step_by(2);
    let mut bytes: Vec<u8> =
        pairs.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect();
    let zeros = vector["zeros_behind"].as_u64().unwrap_or(0);
    bytes.resize(bytes.len() + usize::try_from(zeros).unwrap(), 0);
    bytes
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).unwrap()
}

fn vectors(text: &str) -> (Value, Vec<Value>) {
    let file: Value = serde_json::from_str(text).unwrap();
    let vectors = file["receipts"].as_array().unwrap().clone();
    (file, vectors)
}

#[test]
fn good_receipts_exit_with_0_and_show_what_they_prove() {
    let (file, vectors) = vectors(GOOD);
    let desk = Desk::new(&file);
    for vector in &vectors {
        let output = desk.verify(&bytes(vector), &["-o", "json"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let shown: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
        assert_eq!(shown["leaf"], vector["fields"]);
        assert_eq!(shown["head"]["hash"], vector["head_hash"]);
        assert_eq!(shown["head"]["signing_key_id"], vector["signing_key_id"]);
        let table = desk.verify(&bytes(vector), &[]);
        assert!(text(&table.stdout).contains(vector["head_hash"].as_str().unwrap()));
    }
    let table = text(&desk.verify(&bytes(&vectors[2]), &[]).stdout);
    for shown in ["2026-11-06T12:00:03Z", "OS_DISK=CHANGED", "NOT_COUNTED_SAME_COMPUTER"] {
        assert!(table.contains(shown), "{shown}: {table}");
    }
}

#[test]
fn damaged_receipts_exit_with_2_and_their_reason() {
    let (file, vectors) = vectors(DAMAGED);
    let desk = Desk::new(&file);
    for vector in &vectors {
        let output = desk.verify(&bytes(vector), &["-o", "json"]);
        let refused = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{}: {refused}", vector["name"]);
        assert!(output.stdout.is_empty(), "nothing is shown of what proves nothing");
        let error: Value = serde_json::from_str(&refused).unwrap();
        assert_eq!(error["error"]["kind"], "REFUSED");
        assert_eq!(error["error"]["reason"], vector["error"], "{}", vector["name"]);
    }
    let table = desk.verify(&bytes(&vectors[0]), &[]);
    assert!(text(&table.stderr).starts_with("refused: MALFORMED_RECEIPT\n"));
}

#[test]
fn keys_come_from_the_line_and_from_a_file_and_only_theirs_is_believed() {
    let (file, vectors) = vectors(GOOD);
    let desk = Desk::new(&file);
    let receipt = bytes(&vectors[0]);
    std::fs::write(desk.path("receipt"), &receipt).unwrap();
    let verify = |words: &[&str]| run(&[], &[&[desk.path("receipt").as_str()], words].concat());
    let own = file["trusted_keys"][0].as_str().unwrap();
    let other = file["trusted_keys"][1].as_str().unwrap();
    let stranger = SigningKey::from_seed(&[9; 32]).public_key().to_string();
    assert_eq!(verify(&["--key", own]).status.code(), Some(0));
    assert_eq!(verify(&["--key", other, "--key", own]).status.code(), Some(0));
    assert_eq!(
        verify(&["--key", &stranger, "--trusted-keys", &desk.path("keys")]).status.code(),
        Some(0)
    );
    let refused = verify(&["--key", &stranger]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("UNKNOWN_SIGNING_KEY"));
    let trusted: TrustedKeys = own.parse().unwrap();
    assert!(Receipt::decode(&receipt).unwrap().verify(&trusted).is_ok());
}

#[test]
fn wrong_usage_exits_with_1() {
    let (file, vectors) = vectors(GOOD);
    let desk = Desk::new(&file);
    let receipt = bytes(&vectors[0]);
    let own = file["trusted_keys"][0].as_str().unwrap();
    std::fs::write(desk.path("empty"), "# nobody\n").unwrap();
    std::fs::write(desk.path("binary"), [0xff, 0xfe]).unwrap();
    for words in [
        vec!["-"],
        vec!["--key", own],
        vec!["-", "--key", "nonsense"],
        vec!["-", "--key-file", &desk.path("keys")],
        vec!["-", "--trusted-keys", &desk.path("empty")],
        vec!["-", "--trusted-keys", &desk.path("binary")],
        vec!["-", "--trusted-keys", &desk.path("missing")],
        vec![&desk.path("missing"), "--key", own],
        vec!["-", "--key", own, "-o", "activate-request"],
    ] {
        let output = run(&receipt, &words);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
    let no_base64 = run(b"{\"receipt\": 1}", &["-", "--key", own]);
    assert_eq!(no_base64.status.code(), Some(1));
}
