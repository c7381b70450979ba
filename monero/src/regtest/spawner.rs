//! Starting programs that cannot outlive this process.
//!
//! Linux can kill a child when its parent dies, SIGKILL included (`PR_SET_PDEATHSIG`); util-linux's
//! `setpriv` sets that without any `unsafe` here. But "parent" means the *thread* that forked. A
//! test's or a runtime's thread may end long before the process does, so one thread, which lives
//! as long as the process, starts every child.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use tokio::sync::oneshot;

use super::program;

struct Order {
    command: Command,
    reply: oneshot::Sender<io::Result<Child>>,
}

static SPAWNER: OnceLock<Sender<Order>> = OnceLock::new();

/// Starts `program` with `args`, its output going to `output`, and kills it when this process
/// dies.
pub(super) async fn spawn(
    program: &Path,
    args: &[String],
    output: std::fs::File,
) -> io::Result<Child> {
    let errors = output.try_clone()?;
    let mut command = tied_to_us(program);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        // Ctrl-C on the terminal is for us alone: we stop the children, in our order.
        .process_group(0);
    let (reply, answer) = oneshot::channel();
    let order = Order { command, reply };
    let gone = || io::Error::other("the thread that starts programs is gone");
    spawner()?.send(order).map_err(|_| gone())?;
    answer.await.map_err(|_| gone())?
}

fn tied_to_us(program: &Path) -> Command {
    if let Ok(setpriv) = setpriv() {
        let mut command = Command::new(setpriv);
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        command
    } else {
        tracing::warn!("setpriv is not installed: children outlive this process if it is killed");
        Command::new(program)
    }
}

fn setpriv() -> Result<PathBuf, super::RegtestError> {
    program::find(Path::new("setpriv"))
}

fn spawner() -> io::Result<&'static Sender<Order>> {
    if let Some(orders) = SPAWNER.get() {
        return Ok(orders);
    }
    let (sender, orders) = channel::<Order>();
    // Two threads may come here at once; the loser's sender is dropped, and its thread ends.
    thread::Builder::new().name("spawner".to_owned()).spawn(move || {
        for mut order in orders {
            let child = order.command.spawn();
            if let Err(Ok(mut child)) = order.reply.send(child) {
                // Nobody waits any more; the child must not stay behind.
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    })?;
    Ok(SPAWNER.get_or_init(|| sender))
}
