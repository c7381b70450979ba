//! Two people talk, each with the program itself: `mixbed chat` by pipes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::SOON;

/// The program, which cargo puts beside the tests' directory; with these arguments.
fn mixbed(arguments: &[&str]) -> Command {
    let beside = std::env::current_exe().expect("a path");
    let beside = beside.ancestors().nth(2).expect("target/PROFILE/deps").join("mixbed");
    let program = std::env::var_os("MIXBED_E2E_MIXBED").map_or(beside, PathBuf::from);
    assert!(program.exists(), "{}: build it by `cargo build --package mixbed`", program.display());
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MIXBED_") {
            command.env_remove(name);
        }
    }
    command.args(arguments);
    command
}

/// A program that goes on; ended when dropped.
struct Running {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut command = mixbed(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let (to, lines) = channel();
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let err = BufReader::new(child.stderr.take().expect("a pipe"));
        let to_too = to.clone();
        std::thread::spawn(move || {
            out.lines().map_while(Result::ok).try_for_each(|line| to.send(line))
        });
        std::thread::spawn(move || {
            err.lines().map_while(Result::ok).try_for_each(|line| to_too.send(line))
        });
        let input = child.stdin.take();
        Self { child, input, lines, seen: Vec::new() }
    }

    /// The next line with these words.
    fn says(&mut self, words: &str) -> String {
        let end = Instant::now() + 2 * SOON;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(words) => return line,
                Ok(line) => self.seen.push(line),
                Err(why) => panic!("it does not say {words:?} ({why}), but {:#?}", self.seen),
            }
        }
    }

    fn type_in(&mut self, line: &str) {
        let input = self.input.as_mut().expect("open");
        input.write_all(format!("{line}\n").as_bytes()).expect("it reads");
    }

    /// Ctrl-C, and its end.
    fn interrupt(mut self) {
        let kill = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(kill.expect("kill").success());
        self.ends();
    }

    /// Waits for its end, which has to be a good one.
    fn ends(&mut self) {
        let end = Instant::now() + SOON;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().expect("a child") {
                assert!(status.success(), "{status}: {:#?}", self.seen);
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not end: {:#?}", self.seen);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client of the net with a directory of its own.
struct Person {
    control: String,
    running: Running,
}

impl Person {
    fn new(net: &Value, state: &Path) -> Self {
        let of = |key: &str| net[key].as_str().expect("a text").to_owned();
        let mut running = Running::start(&[
            "client",
            "--network",
            "local",
            "--directory",
            &of("directory"),
            "--authority-key",
            &of("authority_key"),
            "--control",
            "127.0.0.1:0",
            "--state-dir",
            state.to_str().expect("a path"),
        ]);
        let ready = running.says("ready: control at ");
        let control = ready.rsplit(' ').next().expect("an address").to_owned();
        Self { control, running }
    }

    fn asks(&self, arguments: &[&str]) -> Output {
        let mut command = mixbed(arguments);
        command.args(["--control", &self.control]).stdin(Stdio::null());
        command.output().expect("it runs")
    }

    fn told(&self, arguments: &[&str]) -> String {
        let output = self.asks(arguments);
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        said
    }

    fn chats(&self, arguments: &[&str]) -> Running {
        Running::start(&[&["chat", "--control", &self.control], arguments].concat())
    }
}

fn net() -> (Running, Value) {
    let mut up = Running::start(&[
        "up",
        "--monerod",
        "none",
        "--control",
        "127.0.0.1:0",
        "--mean-hop-delay",
        "2ms",
        "--json",
    ]);
    let places = serde_json::from_str(&up.says("{")).expect("JSON");
    (up, places)
}

#[test]
fn two_people_chat_by_pipes() {
    let (up, places) = net();
    let state = tempfile::tempdir().expect("a directory");
    let alice = Person::new(&places, &state.path().join("alice"));
    let bob = Person::new(&places, &state.path().join("bob"));
    let [alices, bobs] = [&alice, &bob].map(|person| person.told(&["address"]));

    // Bob is away: it waits in his mailbox.
    let mut a = alice.chats(&[&bobs, "--name", "bob"]);
    a.type_in("hello bob");
    // How far it is when it is shown first is as it comes.
    let kept = "at the mailbox (gateway-";
    if !a.says("you (1): hello bob [").contains(kept) {
        a.says(&format!("(1) {kept}"));
    }
    let mut b = bob.chats(&[&alices, "--name", "alice"]);
    b.says(" alice: hello bob");
    a.says("(1) delivered");
    b.type_in("hello alice");
    a.says(" bob: hello alice");
    b.says("delivered");

    // What a terminal would obey is not shown, and a command that is none is not sent.
    a.type_in("\u{1b}[2Jclean\u{202e}");
    assert!(b.says("clean").ends_with(" alice: [2Jclean"));
    a.type_in("/nonsense");
    a.says("there is no /nonsense");
    a.interrupt();
    b.type_in("/quit");
    b.ends();

    // By its name, and with what was said before; the end of the input is the end.
    let mut a = alice.chats(&["bob", "--last", "10"]);
    a.says(" you (1): hello bob [delivered]");
    a.type_in("bye");
    drop(a.input.take());
    a.says("at the mailbox");
    a.ends();
    assert!(alice.told(&["chat"]).contains(&bobs));
    alice.told(&["chat", "bob", "--forget"]);
    assert_eq!(alice.told(&["chat", "bob", "--json", "--last", "9"]), "");
    let nobody = alice.asks(&["chat", "nobody"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("nobody is called"));
    drop((alice.running, bob.running, up));
}

#[test]
fn somebody_without_a_name_is_answered_from_scripts() {
    let (up, places) = net();
    let state = tempfile::tempdir().expect("a directory");
    let alice = Person::new(&places, &state.path().join("alice"));
    let bob = Person::new(&places, &state.path().join("bob"));
    let [alices, bobs] = [&alice, &bob].map(|person| person.told(&["address"]));

    let sent = alice.told(&["send", "--anonymous", "--replies", "1", &bobs, "guess who", "--json"]);
    let sent: Value = serde_json::from_str(&sent).expect("JSON");
    assert!(sent["answerable_until_ms"].as_u64() > Some(1_000_000_000_000), "{sent}");
    let received = bob.told(&["receive", "--json", "--count", "1", "--wait", "120s"]);
    let letter: Value = serde_json::from_str(&received).expect("one letter");
    assert_eq!((&letter["text"], &letter["from"]), (&"guess who".into(), &Value::Null));
    assert_eq!(letter["answers_left"], 1);
    assert!(!received.contains(&alices), "nothing tells who it was");
    let id = letter["id"].as_str().expect("an id");

    // Alice's client is told that it came, and Bob's that the answer did.
    let answered = bob.told(&["send", "--reply-to", id, "no idea", "--delivered"]);
    assert!(answered.starts_with("delivered: "), "{answered}");
    let received = alice.told(&["receive", "--json", "--count", "1", "--wait", "120s"]);
    let answer: Value = serde_json::from_str(&received).expect("one letter");
    assert_eq!((&answer["text"], &answer["from"]), (&"no idea".into(), &bobs.into()));
    assert_eq!(answer["answers"], sent["letter"]);

    let again = bob.asks(&["send", "--reply-to", id, "once more"]);
    assert_eq!(again.status.code(), Some(1));
    let words = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(words.contains("its reply blocks are used up"), "{words}");
    let none = bob.asks(&["receive", "--count", "1", "--wait", "1ms"]);
    assert_eq!((none.status.code(), &none.stdout[..]), (Some(1), &b""[..]), "printed once");
    assert!(String::from_utf8_lossy(&none.stderr).contains("0 of 1 letters came"), "{none:?}");
    drop((alice.running, bob.running, up));
}
