//! Running the binary, and waiting for what it says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take that takes a second or two.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// How often a condition that nobody announces is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// The binary, in an environment without settings of ours.
pub(crate) fn mixbed(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mixbed"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MIXBED_") {
            command.env_remove(name);
        }
    }
    command.args(args);
    command
}

/// Runs it to its end.
pub(crate) fn run(args: &[&str]) -> Output {
    mixbed(args).stdin(Stdio::null()).output().expect("the binary runs")
}

/// Runs it to its end with this on its standard input.
pub(crate) fn run_with_input(args: &[&str], input: &[u8]) -> Output {
    let mut command = mixbed(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    // It may end without reading all of it.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asserts that it failed with this code and one line of words, which has all of these.
pub(crate) fn assert_fails(output: &Output, code: i32, words: &[&str]) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
    assert!(!text.contains("panicked") && !text.contains("RUST_BACKTRACE"), "{text}");
}

/// A process that goes on. Killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    stdout: Receiver<String>,
    stderr: Option<JoinHandle<String>>,
}

impl Running {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::spawn(&mut mixbed(args))
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let (lines, received) = channel();
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        thread::spawn(move || {
            out.lines().map_while(Result::ok).try_for_each(|line| lines.send(line))
        });
        let mut err = child.stderr.take().expect("a pipe");
        let stderr = thread::spawn(move || {
            let mut text = Vec::new();
            let _ = err.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        Self { child, stdout: received, stderr: Some(stderr) }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line of its standard output that begins so.
    pub(crate) fn line(&mut self, start: &str) -> String {
        self.line_within(SOON, start)
    }

    /// The same, for what takes longer.
    pub(crate) fn line_within(&mut self, limit: Duration, start: &str) -> String {
        let end = Instant::now() + limit;
        loop {
            match self.stdout.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) if line.starts_with(start) => return line,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.child.kill();
                    panic!("no line {start:?} in time; it said: {}", self.words());
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("it ended without a line {start:?}; it said: {}", self.words())
                }
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Waits for its end; then what it said on standard error.
    pub(crate) fn wait(&mut self, limit: Duration) -> (ExitStatus, String) {
        let ended = wait_for(limit, || self.child.try_wait().expect("it is our child"));
        let Some(status) = ended else {
            let _ = self.child.kill();
            panic!("it did not end within {limit:?}; it said: {}", self.words());
        };
        (status, self.words())
    }

    /// Stops it as Ctrl-C does, and asserts that it ends well.
    pub(crate) fn stop(self) {
        self.stop_and_words();
    }

    /// The same; what it said on standard error.
    pub(crate) fn stop_and_words(mut self) -> String {
        self.signal(Signal::INT);
        let (status, words) = self.wait(SOON);
        assert_eq!(status.code(), Some(0), "{words}");
        words
    }

    fn words(&mut self) -> String {
        self.stderr.take().and_then(|reader| reader.join().ok()).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until there is something.
pub(crate) fn wait_for<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        thread::sleep(LOOK);
    }
}

/// The word of a line that begins so, without that beginning.
pub(crate) fn word_after(line: &str, start: &str) -> String {
    let (_, rest) = line.split_once(start).unwrap_or_else(|| panic!("{start:?} is not in {line}"));
    rest.split([' ', ';', ',']).next().unwrap_or_default().to_owned()
}

/// A request, and its answer's status and body.
pub(crate) fn http(address: &str, request: &str) -> (u16, String) {
    let address = address.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.set_read_timeout(Some(SOON)).expect("a socket");
    stream.write_all(request.as_bytes()).expect("it is read");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it is answered");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split_whitespace().nth(1).and_then(|code| code.parse().ok());
    (status.unwrap_or_else(|| panic!("no HTTP: {answer}")), body.to_owned())
}

pub(crate) fn get(address: &str, path: &str) -> (u16, String) {
    let host = address.trim_start_matches("http://");
    http(address, &format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"))
}

/// Whether nobody listens there.
pub(crate) fn is_free(address: &str) -> bool {
    let place = address.split_once("://").map_or(address, |(_, place)| place);
    let address: SocketAddr = place.parse().expect("an address");
    TcpListener::bind(address).is_ok()
}

/// A port that somebody else listens on.
pub(crate) fn taken_port() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}
