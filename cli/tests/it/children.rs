//! The children of a process under test.

use crate::support::{SOON, wait_for};

/// A process of the system, by its number and its start: numbers are used again.
#[derive(Debug, PartialEq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    parent: u32,
    pub(crate) name: String,
    started: String,
    is_zombie: bool,
}

fn process(pid: u32) -> Option<Process> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, tail) = stat.rsplit_once(") ")?;
    let fields: Vec<_> = tail.split(' ').collect();
    Some(Process {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        name: head.split_once('(')?.1.to_owned(),
        started: (*fields.get(19)?).to_owned(),
        is_zombie: fields.first() == Some(&"Z"),
    })
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
