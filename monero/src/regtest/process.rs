//! A running child: signals, its end, and its last words.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::RegtestError;
use super::spawner;

/// How often a condition is looked at while waiting for it.
const POLL: Duration = Duration::from_millis(10);

/// How long a child may take to end after SIGTERM; monerod needs up to 1.1 s.
const GRACE: Duration = Duration::from_secs(10);

/// So much of the beginning of an output is shown in an error, in bytes: a usage error comes first.
const FIRST_WORDS: usize = 500;

/// And so much of its end.
const LAST_WORDS: usize = 2_000;

/// A child, killed when dropped.
#[derive(Debug)]
pub(super) struct Process {
    name: &'static str,
    child: Child,
    output: PathBuf,
}

impl Process {
    /// Starts `program`, with its output in `output`.
    pub(super) async fn start(
        name: &'static str,
        program: &Path,
        args: &[String],
        output: PathBuf,
    ) -> Result<Self, RegtestError> {
        let file = File::create(&output)
            .map_err(|source| RegtestError::Directory { path: output.clone(), source })?;
        let child = spawner::spawn(program, args, file).await.map_err(|source| {
            RegtestError::Spawn { program: program.display().to_string(), source }
        })?;
        Ok(Self { name, child, output })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<(), RegtestError> {
        kill_process(Pid::from_child(&self.child), signal)
            .map_err(|errno| self.failed(errno.into()))
    }

    /// How the child ended, or `None` while it runs.
    pub(super) fn ended(&mut self) -> Result<Option<ExitStatus>, RegtestError> {
        self.child.try_wait().map_err(|source| RegtestError::Signal { program: self.name, source })
    }

    /// Ends the child gently, and by force if that takes too long.
    pub(super) async fn stop(&mut self) -> Result<ExitStatus, RegtestError> {
        if let Some(status) = self.ended()? {
            return Ok(status);
        }
        self.signal(Signal::TERM)?;
        // A paused child takes the signal only when it runs.
        self.signal(Signal::CONT)?;
        let begin = Instant::now();
        while begin.elapsed() < GRACE {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            tokio::time::sleep(POLL).await;
        }
        self.kill()
    }

    /// Ends the child at once, as a crash would.
    pub(super) fn kill(&mut self) -> Result<ExitStatus, RegtestError> {
        let name = self.name;
        let failed = |source| RegtestError::Signal { program: name, source };
        self.child.kill().map_err(failed)?;
        self.child.wait().map_err(failed)
    }

    /// Waits until `ready` says so, the child ends, or `deadline` has passed.
    pub(super) async fn wait_until<F>(
        &mut self,
        deadline: Duration,
        ready: impl Fn() -> F,
    ) -> Result<(), RegtestError>
    where
        F: Future<Output = bool>,
    {
        let program = self.name;
        let begin = Instant::now();
        loop {
            let answered = ready().await;
            // Looked at after the answer: another program may have answered on a port that this
            // one could not get.
            if let Some(status) = self.ended()? {
                return Err(RegtestError::ExitedEarly { program, status, log: self.last_words() });
            }
            if answered {
                return Ok(());
            }
            if begin.elapsed() >= deadline {
                let log = self.last_words();
                return Err(RegtestError::NotReady { program, after: deadline, log });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The child's output: its beginning and its end.
    pub(super) fn last_words(&self) -> String {
        excerpt(&self.output)
            .unwrap_or_else(|error| format!("(its output cannot be read: {error})"))
    }

    fn failed(&self, source: std::io::Error) -> RegtestError {
        RegtestError::Signal { program: self.name, source }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A child that has ended already is not signalled: its number may be another's by now.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.kill();
        }
    }
}

fn excerpt(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut begin = Vec::new();
    file.by_ref().take((FIRST_WORDS + LAST_WORDS) as u64).read_to_end(&mut begin)?;
    let length = file.metadata()?.len();
    if length <= begin.len() as u64 {
        return Ok(plain(&String::from_utf8_lossy(&begin)));
    }
    begin.truncate(FIRST_WORDS);
    let mut end = Vec::new();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_WORDS as u64)))?;
    file.take(LAST_WORDS as u64).read_to_end(&mut end)?;
    let (begin, end) = (String::from_utf8_lossy(&begin), String::from_utf8_lossy(&end));
    Ok(plain(&format!("{begin}\n[...]\n{end}")))
}

/// The text without terminal colours, which monerod writes into files too.
fn plain(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::with_capacity(text.len());
    while let Some((before, escape)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = escape.split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_output_is_shown_by_its_beginning_and_its_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "short\n").unwrap();
        assert_eq!(excerpt(file.path()).unwrap(), "short");
        let long = format!("unknown option{}the end", "x".repeat(100_000));
        std::fs::write(file.path(), long).unwrap();
        let excerpt = excerpt(file.path()).unwrap();
        assert!(excerpt.starts_with("unknown option") && excerpt.ends_with("the end"));
        assert!(excerpt.len() < 3_000, "{}", excerpt.len());
    }

    #[test]
    fn last_words_have_no_colours() {
        assert_eq!(plain("\u{1b}[0;31mE  Failed\u{1b}[0m to bind\n"), "E  Failed to bind");
        assert_eq!(plain("cut \u{1b}[0;3"), "cut");
    }
}
