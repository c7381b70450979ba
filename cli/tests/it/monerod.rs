//! A monerod that is somebody's: it wants a login, and is known by its certificate.

use std::path::Path;

use mixbed_monero::MonerodOptions;
use mixbed_monero::rpc::Fingerprint;
use mixbed_monero::testing::Stock;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::{Running, assert_fails, run, stderr, stdout, word_after};

#[test]
fn a_net_before_a_monerod_with_a_login_and_a_certificate() {
    let runtime = Runtime::new().expect("a runtime");
    let _within = runtime.enter();
    let (stock, monerod) = runtime.block_on(async {
        let stock = Stock::open(Path::new(env!("CARGO_TARGET_TMPDIR"))).await.expect("a stock");
        let login = Some("somebody:their password".parse().unwrap());
        let options = MonerodOptions { login, ..MonerodOptions::default() };
        let monerod = stock.monerod(options).await.expect("monerod starts");
        (stock, monerod)
    });
    let pem = std::fs::read(monerod.data_dir().join("rpc_ssl.crt")).unwrap();
    let fingerprint = Fingerprint::of_pem(&pem).unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("login");
    std::fs::write(&file, "somebody:their password\n").unwrap();
    let login = format!("@{}", file.display());
    let up = |more: &[&str]| {
        let usual = ["up", "--monerod", monerod.url(), "--control", "127.0.0.1:0"];
        let mut up = Running::start(&[&usual[..], more].concat());
        let control = word_after(&up.line("ready: "), "control at ");
        (up, control)
    };

    let known = ["--monerod-certificate", fingerprint.as_str()];
    let (net, control) = up(&[&known[..], &["--monerod-login", &login]].concat());
    let raw = hex::encode(&stock.transfers[0].raw);
    let output = run(&["broadcast", &raw, "--json", "--control", &control]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let reply: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(reply["outcome"], "accepted", "{reply}");
    let transaction = runtime.block_on(monerod.daemon().transaction(stock.transfers[0].txid));
    assert!(transaction.unwrap().is_known(), "monerod has it");
    let said = net.stop_and_words();
    assert!(!said.contains("their password"), "{said}");

    // Without the login there is a net, and words.
    let (net, _) = up(&known);
    let said = net.stop_and_words();
    assert!(said.contains("wants a login"), "{said}");

    let usual = ["up", "--monerod", monerod.url()];
    let up = |more: &[&str]| run(&[&usual[..], more].concat());
    assert_fails(&up(&["--monerod-certificate", "ab"]), 2, &["fingerprint", "openssl x509"]);
    assert_fails(&up(&["--monerod-certificate", "@/nowhere.pem"]), 2, &["/nowhere.pem"]);
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let empty = format!("@{}", empty.display());
    assert_fails(&up(&["--monerod-certificate", &empty]), 2, &["no certificate in it"]);
    assert_fails(&up(&["--monerod-login", "@/nowhere"]), 2, &["/nowhere"]);
}
