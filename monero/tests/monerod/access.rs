//! A monerod that wants a login and speaks TLS.

use std::time::Duration;

use mixbed_monero::rpc::{Access, Fingerprint, RpcError, Trust};
use mixbed_monero::{Daemon, DaemonError, Monerod, MonerodOptions};
use tokio::task::JoinSet;

const LOGIN: &str = "somebody:their password, with: more";

async fn guarded() -> Monerod {
    let options =
        MonerodOptions { login: Some(LOGIN.parse().unwrap()), ..MonerodOptions::default() };
    Monerod::start(options).await.expect("monerod starts")
}

fn of_file(monerod: &Monerod) -> Trust {
    let pem = std::fs::read(monerod.data_dir().join("rpc_ssl.crt")).unwrap();
    Trust::Fingerprint(Fingerprint::of_pem(&pem).unwrap())
}

async fn refusal(monerod: &Monerod, login: Option<&str>, trust: Trust) -> RpcError {
    let access = Access { login: login.map(|login| login.parse().unwrap()), trust };
    let daemon = Daemon::with_access(monerod.url(), &access).unwrap();
    match daemon.get_info().await {
        Err(DaemonError::Rpc(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_knows_the_login_is_let_in_by_many_connections() {
    let monerod = guarded().await;
    assert!(monerod.url().starts_with("https://"), "{}", monerod.url());
    // Each connection has challenges of its own.
    let mut asked = JoinSet::new();
    for _ in 0..40 {
        let daemon = monerod.daemon().clone();
        asked.spawn(async move { daemon.get_info().await.map(|info| info.height) });
    }
    for height in asked.join_all().await {
        assert_eq!(height.unwrap(), 1);
    }
    let endpoint = monerod.daemon().endpoint();
    let answer = endpoint.forward("/getheight", "application/json", b"{}".to_vec(), 4096).await;
    assert_eq!(answer.unwrap().status, 200);
}

#[tokio::test]
async fn others_hear_what_is_wrong() {
    let monerod = guarded().await;
    let right = of_file(&monerod);
    let error = refusal(&monerod, None, right.clone()).await;
    assert!(matches!(error, RpcError::Login { given: false, .. }), "{error}");
    let error = refusal(&monerod, Some("somebody:else"), right.clone()).await;
    assert!(matches!(error, RpcError::Login { given: true, .. }), "{error}");
    assert!(!error.is_transient() && !error.to_string().contains("else"), "{error}");

    let other = Trust::Fingerprint("ab".repeat(32).parse().unwrap());
    let Trust::Fingerprint(found) = right else { unreachable!() };
    let error = refusal(&monerod, Some(LOGIN), other).await.to_string();
    assert!(error.contains("another fingerprint") && error.contains(&found.to_string()), "{error}");
    // Nobody has signed it.
    let pem = std::fs::read(monerod.data_dir().join("rpc_ssl.crt")).unwrap();
    for trust in [Trust::System, Trust::Authorities(pem)] {
        let access = Access { login: Some(LOGIN.parse().unwrap()), trust };
        let asked = Daemon::with_access(monerod.url(), &access).map(|daemon| async move {
            daemon.with_timeout(Duration::from_secs(5)).get_info().await
        });
        match asked {
            Err(error) => assert!(error.to_string().contains("authorit"), "{error}"),
            Ok(answer) => {
                let error = answer.await.expect_err("not trusted").to_string();
                assert!(error.contains("certificate"), "{error}");
            }
        }
    }
}
