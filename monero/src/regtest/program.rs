//! Finding a program before starting it, so that its absence is said plainly, and asking it which
//! options it knows.

use std::collections::HashMap;
use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use mixbed_launch::{Help, Optional};
use tokio::process::Command;
use tokio::time::timeout;

use super::RegtestError;

/// What each program has said: it is asked once a process.
static ASKED: LazyLock<Mutex<HashMap<PathBuf, Arc<Help>>>> = LazyLock::new(Mutex::default);

/// A program of Monero's on this machine, and what it says of itself.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    help: Arc<Help>,
}

impl Program {
    /// Finds `program`, in `PATH` if it has no folder, and asks it once for its `--help`.
    pub async fn look(program: &Path, deadline: Duration) -> Result<Self, RegtestError> {
        let path = find(program)?;
        let known = ASKED.lock().unwrap_or_else(PoisonError::into_inner).get(&path).cloned();
        let help = match known {
            Some(help) => help,
            None => Arc::new(ask(&path, deadline).await?),
        };
        let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
        asked.insert(path.clone(), Arc::clone(&help));
        Ok(Self { path, help })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its version, as in `0.18.4.0`, where it says one.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.help.version()
    }

    /// Whether it takes this option.
    #[must_use]
    pub fn knows(&self, option: Optional) -> bool {
        self.help.knows(option)
    }

    /// What it takes of the options that not every version has, as arguments.
    pub(super) fn known(&self) -> impl Iterator<Item = String> {
        self.help.known().map(|option| option.as_str().to_owned())
    }
}

async fn ask(program: &Path, deadline: Duration) -> Result<Help, RegtestError> {
    let name = || program.display().to_string();
    let mut command = Command::new(program);
    command.arg(Help::ASK).stdin(Stdio::null()).kill_on_drop(true);
    match timeout(deadline, command.output()).await {
        // How it ends says nothing: some end with an error after they have printed it.
        Ok(Ok(said)) if !said.stdout.is_empty() => {
            Ok(Help::read(&String::from_utf8_lossy(&said.stdout)))
        }
        Ok(Ok(said)) => Err(RegtestError::NoHelp {
            program: name(),
            why: format!("it ended with {} and printed nothing", said.status),
        }),
        Ok(Err(source)) => Err(RegtestError::Spawn { program: name(), source }),
        Err(_) => Err(RegtestError::NoHelp {
            program: name(),
            why: format!("no answer within {} s", deadline.as_secs()),
        }),
    }
}

/// The full path of `program`: itself if it has a directory, otherwise looked up in `PATH`.
pub(super) fn find(program: &Path) -> Result<PathBuf, RegtestError> {
    let search = env::var_os("PATH").unwrap_or_default();
    find_in(program, &search)
        .ok_or_else(|| RegtestError::NotInstalled { program: program.display().to_string() })
}

fn find_in(program: &Path, search: &OsStr) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.is_file().then(|| program.to_owned());
    }
    env::split_paths(search).map(|dir| dir.join(program)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_in_the_search_path_only() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("monerod");
        std::fs::write(&program, "").unwrap();
        assert_eq!(find_in(Path::new("monerod"), dir.path().as_os_str()), Some(program.clone()));
        assert_eq!(find_in(Path::new("monerod"), OsStr::new("/nowhere")), None);
        assert_eq!(find_in(&program, OsStr::new("/nowhere")), Some(program));
    }

    #[test]
    fn an_absent_program_says_how_to_get_it() {
        let error = find(Path::new("/nowhere/monerod")).unwrap_err();
        assert!(error.to_string().contains("apt-get install monero"), "{error}");
    }
}
