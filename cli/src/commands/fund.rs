//! `mixbed fund`

use std::time::Duration;

use mixbed_monero::miner::{Address, MAX_OUTPUTS};
use mixbed_monero::rpc::http_client;
use reqwest::{Client, StatusCode, Url};
use serde::de::DeserializeOwned;

use super::miner::{Funded, Refusal, Status};
use crate::failure::Failure;
use crate::output;
use crate::progress::{Progress, Step};

/// How long a miner may take; it gives up before.
const PATIENCE: Duration = Duration::from_secs(300);

/// How often it is asked how far it is.
const LOOK: Duration = Duration::from_millis(500);

/// A miner's answers are short.
const MAX_ANSWER: usize = 64 * 1024;

/// As a miner goes about it: shown as progress only.
const OUTPUTS_A_BLOCK: u64 = 16;
const BLOCKS_ON_TOP: u64 = 60;

const AFTER_HELP: &str = "\
Examples:
  mixbed fund 4...                     one output, which the wallet can spend when this returns
  mixbed fund 4... --outputs 60        for 60 transactions that need not wait for each other
  kubectl port-forward svc/NET-miner 7301 & mixbed fund 4...

The address is a regtest wallet's primary address: 95 characters, the first a 4.";

/// Have a network's miner give a wallet money that it can spend
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The wallet's primary address
    #[arg(value_name = "ADDRESS", value_parser = address)]
    address: Address,
    /// In how many outputs, 1 to 1000, of about 2 XMR each: as many transactions can be made at once
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=MAX_OUTPUTS))]
    outputs: u64,
    /// Where the miner is: its --http
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7301", value_parser = miner)]
    miner: Url,
    /// Print the result as one line of JSON
    #[arg(long)]
    json: bool,
}

fn address(text: &str) -> Result<Address, String> {
    text.parse().map_err(|error| format!("{error}"))
}

fn miner(text: &str) -> Result<Url, String> {
    let scheme = if text.contains("://") { "" } else { "http://" };
    let url = Url::parse(&format!("{scheme}{text}")).map_err(|error| error.to_string())?;
    if url.scheme() != "http" || url.host().is_none() || url.path() != "/" {
        return Err("it must be http://HOST:PORT".to_owned());
    }
    Ok(url)
}

pub(crate) async fn run(args: Args, quiet: bool) -> Result<(), Failure> {
    // What is for this machine goes through no proxy and follows nobody elsewhere.
    let http = http_client().build().map_err(Failure::failed)?;
    let step = Progress::new(quiet).step("mining money to the address");
    let funded = tokio::select! {
        funded = order(&http, &args) => funded?,
        never = show(&http, &args, &step) => match never {},
    };
    step.done(format!("funded at height {}", funded.height));
    if args.json {
        output::print_json(&funded);
    } else {
        let Funded { outputs, blocks, height, .. } = funded;
        let outputs =
            if outputs == 1 { "1 output".to_owned() } else { format!("{outputs} outputs") };
        output::print(format!(
            "funded: {outputs}, spendable now, with {blocks} blocks up to height {height}"
        ));
    }
    Ok(())
}

async fn order(http: &Client, args: &Args) -> Result<Funded, Failure> {
    let mut url = at(args, "/v1/fund");
    url.query_pairs_mut()
        .append_pair("address", args.address.as_str())
        .append_pair("outputs", &args.outputs.to_string());
    let request = http.post(url).timeout(PATIENCE);
    let (status, answer) = send(request).await.map_err(|error| broken(args, &error))?;
    let strange = |what: &str| {
        Failure::failed(format!("{} is no miner: it answers {status}{what}", args.miner))
    };
    if status.is_success() {
        return serde_json::from_slice(&answer).map_err(|error| strange(&format!(" ({error})")));
    }
    match serde_json::from_slice::<Refusal>(&answer) {
        Ok(Refusal { error }) if status == StatusCode::BAD_REQUEST => Err(Failure::usage(error)),
        Ok(Refusal { error }) => Err(Failure::failed(format!("the miner says: {error}"))),
        Err(_) => Err(strange("")),
    }
}

/// Shows how far it is, until it is dropped.
async fn show(http: &Client, args: &Args, step: &Step) -> std::convert::Infallible {
    let of = args.outputs.div_ceil(OUTPUTS_A_BLOCK) + BLOCKS_ON_TOP;
    let mut first = None;
    loop {
        if let Some(Status { height, .. }) =
            ask(http.get(at(args, "/v1/status")).timeout(LOOK)).await
        {
            let mined = height.saturating_sub(*first.get_or_insert(height));
            step.at(mined.min(of), of);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn ask<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> Option<T> {
    let (_, answer) = send(request).await.ok()?;
    serde_json::from_slice(&answer).ok()
}

/// The answer, or as much of it as is looked at.
async fn send(request: reqwest::RequestBuilder) -> reqwest::Result<(StatusCode, Vec<u8>)> {
    let mut response = request.send().await?;
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = MAX_ANSWER.saturating_sub(answer.len());
        if room == 0 {
            break;
        }
        answer.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Ok((response.status(), answer))
}

fn at(args: &Args, path: &str) -> Url {
    let mut url = args.miner.clone();
    url.set_path(path);
    url
}

fn broken(args: &Args, error: &reqwest::Error) -> Failure {
    let miner = &args.miner;
    Failure::failed(if error.is_connect() {
        format!(
            "nothing answers at {miner}: is a miner running there (mixbed miner, or kubectl port-forward)? Give its address with --miner"
        )
    } else if error.is_timeout() {
        format!("the miner at {miner} gave no answer within {} s; ask again", PATIENCE.as_secs())
    } else {
        format!("the connection to the miner at {miner} broke; ask again")
    })
}
