//! The subcommands, a file each.

pub(crate) mod address;
pub(crate) mod admin_key;
pub(crate) mod broadcast;
pub(crate) mod broadcasts;
pub(crate) mod chat;
pub(crate) mod client;
pub(crate) mod config;
pub(crate) mod connect;
pub(crate) mod demo;
pub(crate) mod directory;
pub(crate) mod fund;
pub(crate) mod impair;
pub(crate) mod miner;
pub(crate) mod node;
pub(crate) mod nodes;
pub(crate) mod operator;
pub(crate) mod operator_test;
pub(crate) mod parameters;
pub(crate) mod receive;
pub(crate) mod report;
pub(crate) mod run_broadcast;
pub(crate) mod send;
pub(crate) mod status;
pub(crate) mod trace;
pub(crate) mod up;

use std::time::Duration;

use mixbed_telemetry::LevelFilter;
use tokio::runtime::{Builder, Runtime};

use crate::cli::{Cli, Command, Log};
use crate::failure::Failure;
use crate::signals;

/// How long tasks may take to end after their command has.
const LAST_TASKS: Duration = Duration::from_secs(1);

/// Runs a command to its end.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    let Cli { log, command } = cli;
    match command {
        // A role's log is its voice; the others have more to say than their log.
        Command::Directory(args) => serve(&log, LevelFilter::INFO, directory::run(args)),
        Command::Node(args) => serve(&log, LevelFilter::INFO, node::run(args)),
        Command::Client(args) => serve(&log, LevelFilter::INFO, client::run(args)),
        Command::Connect(args) => serve(&log, LevelFilter::WARN, connect::run(args)),
        Command::Report(args) => ask(&log, report::run(args)),
        Command::Miner(args) => serve(&log, LevelFilter::INFO, miner::run(args)),
        Command::RunBroadcast(args) => serve(&log, LevelFilter::INFO, run_broadcast::run(args)),
        Command::Operator(args) => operator::start(args, &log),
        Command::Up(args) => serve(&log, LevelFilter::WARN, up::run(args, log.quiet)),
        Command::Demo(args) => serve(&log, LevelFilter::WARN, demo::run(args, log.quiet)),
        Command::Broadcast(args) => ask(&log, broadcast::run(args, log.quiet)),
        Command::Fund(args) => ask(&log, fund::run(args, log.quiet)),
        Command::Broadcasts(args) => ask(&log, broadcasts::run(args)),
        Command::Status(args) => ask(&log, status::run(args)),
        Command::Trace(args) => ask(&log, trace::run(args)),
        Command::Address(args) => ask(&log, address::run(args)),
        Command::Chat(args) => ask(&log, chat::run(args)),
        Command::Send(args) => ask(&log, send::run(args, log.quiet)),
        Command::Receive(args) => ask(&log, receive::run(args)),
        Command::Impair(args) => ask(&log, impair::run(args)),
        Command::Parameters(args) => ask(&log, parameters::run(args)),
        Command::Nodes(args) => ask(&log, nodes::run(args)),
        Command::AdminKey(args) => admin_key::run(&args),
        Command::Config(args) => {
            config::run(&args);
            Ok(())
        }
    }
}

/// Runs something that works on all cores.
fn serve(
    log: &Log,
    level: LevelFilter,
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    log.init(level).map_err(Failure::usage)?;
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(Failure::failed)?;
    serve_on(runtime, work)
}

/// Runs something that lives long and does little: on one thread, with one thread's memory.
fn serve_on_one(
    log: &Log,
    level: LevelFilter,
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    log.init(level).map_err(Failure::usage)?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
    serve_on(runtime, work)
}

fn serve_on(
    runtime: Runtime,
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = work => outcome,
            // The work is dropped, with all that it has started.
            () = signals::at_once() => Err(Failure::Interrupted),
        }
    });
    runtime.shutdown_timeout(LAST_TASKS);
    outcome
}

/// Runs something that asks one question.
fn ask(log: &Log, work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    log.init(LevelFilter::WARN).map_err(Failure::usage)?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
    runtime.block_on(work)
}
