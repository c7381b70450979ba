//! The children of a process under test.

use crate::support::{SOON, wait_for};

/// A process of the system, by its number and its start: numbers are used again.
#[derive(Debug, PartialEq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    parent: u32,
    arguments: Vec<String>,
    started: String,
    is_zombie: bool,
}

fn process(pid: u32) -> Option<Process> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, tail) = stat.rsplit_once(") ")?;
    let arguments = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
    let fields: Vec<_> = tail.split(' ').collect();
    Some(Process {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        arguments: arguments.split_terminator('\0').map(str::to_owned).collect(),
        started: (*fields.get(19)?).to_owned(),
        is_zombie: fields.first() == Some(&"Z"),
    })
}

impl Process {
    /// Whether it runs this program, be it by way of a loader or a shell.
    pub(crate) fn runs(&self, program: &str) -> bool {
        let name = |argument: &String| argument.rsplit('/').next() == Some(program);
        self.arguments.iter().any(name)
    }
}

pub(crate) fn children(parent: u32) -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").expect("/proc");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(process).filter(|process| process.parent == parent).collect()
}

pub(crate) fn assert_gone(children: &[Process]) {
    for child in children {
        let gone = wait_for(SOON, || match process(child.pid) {
            Some(now) if now.started == child.started && !now.is_zombie => None,
            _ => Some(()),
        });
        assert!(gone.is_some(), "{child:?} outlives its parent");
    }
}
