//! Which versions of Monero the tests run against: `docs/wallets.md` lists them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mixbed_launch::Optional;
use mixbed_monero::Program;

const BEGIN: &str = "<!-- The tests write this table: make monero-versions ARGS=update -->\n";
const HEAD: &str =
    "| Monero | a wallet on regtest: monero-wallet-rpc | monero-wallet-cli |\n|---|---|---|\n";
const END: &str = "<!-- So far. -->";

const PATIENCE: Duration = Duration::from_secs(60);

/// Set where the suite has chosen the version: then the table has to have it.
const LISTED: &str = "MIXBED_MONERO_LISTED";

fn table_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/wallets.md")
}

async fn program(name: &str) -> Program {
    Program::look(Path::new(name), PATIENCE).await.unwrap()
}

fn says(program: &Program) -> String {
    let options: Vec<String> = Optional::ALL
        .into_iter()
        .filter(|option| program.knows(*option))
        .map(|option| format!("takes `{option}`"))
        .collect();
    if options.is_empty() { "takes no further option".to_owned() } else { options.join(", ") }
}

/// The row of the version in `PATH`, by what its programs say.
async fn row() -> (String, String) {
    let [daemon, wallet, cli] = [
        program("monerod").await,
        program("monero-wallet-rpc").await,
        program("monero-wallet-cli").await,
    ];
    let version = daemon.version().unwrap().to_owned();
    for program in [&wallet, &cli] {
        assert_eq!(program.version(), Some(version.as_str()), "all of one version: {program:?}");
    }
    let row = format!("| {version} | {} | {} |", says(&wallet), says(&cli));
    (version, row)
}

#[tokio::test]
async fn the_version_in_use_is_in_the_table_of_those_that_are_tested() {
    let (version, row) = row().await;
    let file = table_file();
    let text = fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the table begins");
    let (table, after) = rest.split_once(END).expect("and ends");
    let mut rows: Vec<&str> = table.strip_prefix(HEAD).expect("its head").lines().collect();
    let own = format!("| {version} |");
    if std::env::var_os("UPDATE").is_some() {
        rows.retain(|row| !row.starts_with(&own));
        rows.push(&row);
        rows.sort_unstable();
        let rows = rows.join("\n");
        fs::write(&file, format!("{before}{BEGIN}{HEAD}{rows}\n{END}{after}")).unwrap();
        return;
    }
    match rows.iter().find(|row| row.starts_with(&own)) {
        Some(listed) => assert_eq!(*listed, row, "UPDATE=1 writes it anew"),
        // Whoever has another version on their machine may run the tests with it.
        None if std::env::var_os(LISTED).is_none() => println!("{version} is not listed"),
        None => panic!("{version} is tested, and not listed in {}: UPDATE=1", file.display()),
    }
}
