//! A Monero wallet that sends everything through the mixnet: what it asks of a daemon, and its
//! transactions. See README.md beside it for a run against `mixbed up`.

use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use mixbed_client::{Client, ClientConfig};
use mixbed_directory::{Follower, FollowerConfig, Trust};
use mixbed_native_wallet::{Keys, Mixnet, Payment, Wallet};
use monero_wallet::address::{MoneroAddress, Network};

const USAGE: &str = "\
usage: mixbed-native-wallet KEY_FILE address
       mixbed-native-wallet KEY_FILE balance DIRECTORY_URL NETWORK AUTHORITY_KEY
       mixbed-native-wallet KEY_FILE pay     DIRECTORY_URL NETWORK AUTHORITY_KEY ADDRESS PICONERO

KEY_FILE has the spend key, 64 hexadecimal digits; `address` makes one if there is none.";

/// How long the network may take to be there.
const SOON: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [file, "address"] => println!("{}", keys(Path::new(file), true)?.address()),
        [file, "balance", url, network, authority] => {
            let mut wallet = open(keys(Path::new(file), false)?, url, network, authority).await?;
            let tip = wallet.refresh().await?;
            let outputs = wallet.outputs();
            println!(
                "{} piconero, {} of them to be spent now, at block {tip}",
                outputs.balance(),
                outputs.unlocked(),
            );
        }
        [file, "pay", url, network, authority, to, amount] => {
            let (to, amount) = (MoneroAddress::from_str(Network::Mainnet, to)?, amount.parse()?);
            let mut wallet = open(keys(Path::new(file), false)?, url, network, authority).await?;
            let Payment { fee, inputs, report, .. } = wallet.pay(to, amount).await?;
            println!("{} is with {}'s monerod", report.txid, report.provider);
            println!(
                "{inputs} inputs, {fee} piconero of fee; {:?} on its way, of which {:?} were \
                 mixing delays",
                report.elapsed, report.mixing_delay,
            );
        }
        _ => return Err(USAGE.into()),
    }
    Ok(())
}

async fn open(
    keys: Keys,
    url: &str,
    network: &str,
    authority: &str,
) -> Result<Wallet, Box<dyn Error>> {
    let trust = Trust::single(network, authority.parse()?);
    let directory = Follower::start(FollowerConfig::new(url, trust))?;
    let client = Client::connect(ClientConfig::new(directory));
    client.wait_ready(SOON).await?;
    Ok(Wallet::open(keys, Mixnet::new(client), 0).await?)
}

fn keys(file: &Path, make: bool) -> Result<Keys, Box<dyn Error>> {
    if make && !file.exists() {
        let keys = Keys::generate()?;
        // For its owner's eyes only, from the first byte on.
        let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
        new.write_all(keys.to_hex().as_bytes())?;
        return Ok(keys);
    }
    let digits = fs::read_to_string(file)
        .map_err(|error| format!("{}: {error}; `address` makes one", file.display()))?;
    Ok(Keys::from_hex(&digits)?)
}
