//! Secrets are nowhere: not in logs, answers, settings, metrics or files of the ledger.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use proto::activation::v1 as pb;
use proto::activation::v1::activation_service_client::ActivationServiceClient;
use tonic::Request;

use crate::world::{PEPPER, RECEIPT_KEY, SALT, activate, computer, registration, typed};

fn serve(folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_activation-service"))
        .args(["serve", "--set", "serve.identity.development=true"])
        .args(["--set", "telemetry.filter=trace,h2=debug,hyper=debug"])
        .args(["--set", "metrics.listen=127.0.0.1:0"])
        .args(["--set", &format!("storage.sled.folder={}", folder.join("ledger").display())])
        .env("ACTIVATION__SECRETS__PEPPER", PEPPER)
        .env("ACTIVATION__SECRETS__DEPLOYMENT_SALT", SALT)
        .env("ACTIVATION__SECRETS__RECEIPT_KEY", RECEIPT_KEY)
        .stdout(Stdio::piped())
        .stderr(fs::File::create(folder.join("log")).expect("a log file"))
        .spawn()
        .expect("it starts")
}

/// The forms in which a secret could be found again.
fn forms() -> Vec<Vec<u8>> {
    let mut forms = vec![PEPPER.to_owned().into_bytes(), hex::decode(PEPPER).expect("hex")];
    for key in [1, 2] {
        let typed = typed(key);
        let normal = typed.replace('-', "");
        forms.extend(
            [typed.to_lowercase(), normal.to_lowercase(), normal.clone(), typed]
                .map(String::into_bytes),
        );
        forms.push(normal.as_bytes()[3..].to_vec());
    }
    forms
}

fn assert_clean(place: &str, content: &[u8]) {
    for form in forms() {
        let found = content.windows(form.len()).any(|window| window == form);
        assert!(!found, "{place} holds {:?}", String::from_utf8_lossy(&form));
    }
}

fn assert_folder_clean(folder: &Path) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files += assert_folder_clean(&path);
        } else {
            files += 1;
            assert_clean(&path.display().to_string(), &fs::read(&path).expect("a file"));
        }
    }
    files
}

async fn use_keys(address: &str) -> Vec<String> {
    let uri = format!("http://{address}");
    let mut client = ActivationServiceClient::connect(uri).await.expect("it connects");
    let identified = |request: pb::BatchRegisterKeysRequest| {
        let mut request = Request::new(request);
        let identity = "subject=c;roles=CATALOG".parse().expect("metadata");
        request.metadata_mut().insert("x-dev-identity", identity);
        request
    };
    let batch = |keys| identified(pb::BatchRegisterKeysRequest { keys });
    client.batch_register_keys(batch(vec![registration(1)])).await.expect("registered");
    let mut told = Vec::new();
    let counted = client.activate(activate(1, computer(1), 1)).await.expect("counted");
    told.push(format!("{counted:?}"));
    let unknown = client.activate(activate(2, computer(1), 1)).await.expect_err("unknown");
    told.push(format!("{unknown:?}"));
    let mut mistyped = activate(1, computer(1), 2);
    mistyped.product_key.push('?');
    let mistyped = client.activate(mistyped).await.expect_err("mistyped");
    told.push(format!("{mistyped:?}"));
    let mut differs = registration(1);
    differs.limit = 9;
    let differs = client.batch_register_keys(batch(vec![differs])).await.expect_err("differs");
    told.push(format!("{differs:?}"));
    told
}

#[tokio::test]
async fn no_product_key_and_no_pepper_leaves_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = serve(folder.path());
    let mut out = BufReader::new(child.stdout.take().expect("its output"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    let address = |name: &str| {
        let word = line.split_whitespace().find_map(|word| word.strip_prefix(name));
        word.unwrap_or_else(|| panic!("no {name} in {line:?}")).to_owned()
    };
    let told = use_keys(&address("grpc=")).await;
    told.iter().for_each(|text| assert_clean("an answer", text.as_bytes()));

    let page = metrics_page(&address("metrics=")).await;
    for figure in [
        "activation_failed_lookups_total 1",
        "activation_grants_total{outcome=\"COUNTED_NEW_COMPUTER\"} 1",
        "activation_refusals_total{reason=\"KEY_NOT_USABLE\"} 1",
    ] {
        assert!(page.contains(figure), "{figure} is not in {page}");
    }
    assert_clean("the metrics page", page.as_bytes());

    // The shell has `kill` built in; a small system may lack the program.
    let kill = format!("kill {}", child.id());
    let stopped = Command::new("sh").args(["-c", &kill]).status().expect("the shell runs");
    assert!(stopped.success());
    let ended = child.wait().expect("it ends");
    assert!(ended.success(), "a drained service ends with 0: {ended}");
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("its output");
    assert_eq!(rest, "", "one line on standard output and no more");
    let log = fs::read_to_string(folder.path().join("log")).expect("a log");
    assert!(log.contains("BatchRegisterKeys") && log.contains("drained"), "{log}");
    assert!(assert_folder_clean(folder.path()) >= 3, "log and ledger were looked at");
}

async fn metrics_page(address: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut tcp = tokio::net::TcpStream::connect(address).await.expect("it connects");
    let request = format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    tcp.write_all(request.as_bytes()).await.expect("written");
    let mut page = String::new();
    tcp.read_to_string(&mut page).await.expect("a page");
    page
}
