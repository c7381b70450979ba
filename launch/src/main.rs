//! `mixbed-launch`: becomes another program, with the options that that one knows.
//!
//! For pods. A Broadcast's wallet is started from an image that may have any version of Monero,
//! and that has no shell. So the pod's first container copies this program, which is linked
//! statically, into a volume, and the wallet's container is started by it from there.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs, io};

use mixbed_launch::{Help, Optional};

const USAGE: &str = "\
mixbed-launch: becomes another program, with the options that that one knows

mixbed-launch copy FOLDER         copies itself to FOLDER/mixbed-launch
mixbed-launch run PROGRAM ARG...  asks PROGRAM for its --help, and becomes PROGRAM ARG... OPTION...:
                                  of these options those that it knows:";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let words: Vec<&OsStr> = arguments.iter().map(OsString::as_os_str).collect();
    let done = match words.as_slice() {
        [verb, folder] if *verb == "copy" => copy(Path::new(folder)),
        [verb, program, arguments @ ..] if *verb == "run" => Err(run(program, arguments)),
        _ => {
            eprintln!("{USAGE}");
            for option in Optional::ALL {
                eprintln!("                                  {option}");
            }
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mixbed-launch: {error}");
            ExitCode::FAILURE
        }
    }
}

/// With its permissions: it can be started there.
fn copy(folder: &Path) -> io::Result<()> {
    let to = folder.join("mixbed-launch");
    let copied = env::current_exe().and_then(|own| fs::copy(own, &to));
    copied
        .map(drop)
        .map_err(|error| explain(&format!("cannot copy itself to {}", to.display()), &error))
}

/// Returns only if it could not become the program.
fn run(program: &OsStr, arguments: &[&OsStr]) -> io::Error {
    let name = program.display();
    let said = Command::new(program).arg(Help::ASK).stdin(Stdio::null()).output();
    let said = match said {
        Ok(said) => said.stdout,
        Err(error) => return explain(&format!("cannot ask {name} for its {}", Help::ASK), &error),
    };
    let help = Help::read(&String::from_utf8_lossy(&said));
    let options: Vec<&str> = help.known().map(Optional::as_str).collect();
    eprintln!(
        "mixbed-launch: {name} {}, started with: {}",
        help.version().unwrap_or("of an unknown version"),
        if options.is_empty() { "no further option".to_owned() } else { options.join(" ") },
    );
    let error = Command::new(program).args(arguments).args(options).exec();
    explain(&format!("cannot start {name}"), &error)
}

fn explain(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}
