//! What keeps a pod from being ready, in a word and a sentence.

#![deny(clippy::disallowed_methods)]

use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod, PodStatus};

/// The longest message that is passed on; a scheduler's or a registry's can be pages.
const MESSAGE: usize = 300;

/// How a pod is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PodFacts {
    /// All its containers are ready, and it is not being stopped.
    pub(crate) ready: bool,
    /// Why it is not.
    pub(crate) trouble: Option<PodTrouble>,
}

/// Why a pod is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PodTrouble {
    /// One word, such as `ImagePullBackOff`.
    pub(crate) reason: String,
    /// In more words, if there are any.
    pub(crate) message: String,
    /// It does not end by itself: somebody has to do something.
    pub(crate) lasting: bool,
}

impl PodFacts {
    pub(crate) fn of(pod: &Pod) -> Self {
        let stopping = pod.metadata.deletion_timestamp.is_some();
        let Some(status) = &pod.status else {
            return Self { ready: false, trouble: Some(PodTrouble::passing("Pending")) };
        };
        let ready = holds(status, "Ready") && !stopping;
        let trouble = (!ready)
            .then(|| if stopping { PodTrouble::passing("Terminating") } else { trouble(status) });
        Self { ready, trouble }
    }
}

impl PodTrouble {
    fn passing(reason: &str) -> Self {
        Self { reason: reason.to_owned(), message: String::new(), lasting: false }
    }

    fn lasting(reason: &str, message: &str) -> Self {
        Self { reason: reason.to_owned(), message: shortened(message), lasting: true }
    }
}

fn holds(status: &PodStatus, kind: &str) -> bool {
    let mut conditions = status.conditions.iter().flatten();
    conditions.any(|condition| condition.type_ == kind && condition.status == "True")
}

fn trouble(status: &PodStatus) -> PodTrouble {
    let unscheduled = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False");
    if let Some(condition) = unscheduled {
        let reason = condition.reason.as_deref().unwrap_or("Unschedulable");
        return PodTrouble::lasting(reason, condition.message.as_deref().unwrap_or_default());
    }
    if status.phase.as_deref() == Some("Failed") {
        let reason = status.reason.as_deref().unwrap_or("Failed");
        return PodTrouble::lasting(reason, status.message.as_deref().unwrap_or_default());
    }
    let init = status.init_container_statuses.iter().flatten();
    let containers = init.chain(status.container_statuses.iter().flatten());
    let mut troubles = containers.filter_map(of_container).collect::<Vec<_>>();
    // What lasts says more than what passes.
    troubles.sort_by_key(|trouble| !trouble.lasting);
    troubles.into_iter().next().unwrap_or_else(|| {
        let running = status.phase.as_deref() == Some("Running");
        PodTrouble::passing(if running { "NotReady" } else { "Pending" })
    })
}

fn of_container(status: &ContainerStatus) -> Option<PodTrouble> {
    let waiting = status.state.as_ref().and_then(|state| state.waiting.as_ref());
    if let Some(waiting) = waiting {
        let reason = waiting.reason.as_deref().unwrap_or("Waiting");
        return Some(match reason {
            "ContainerCreating" | "PodInitializing" | "Waiting" => PodTrouble::passing(reason),
            "CrashLoopBackOff" => {
                let last = status.last_state.as_ref().and_then(ended);
                let message = last.unwrap_or_else(|| "it ends again and again".to_owned());
                PodTrouble::lasting(reason, &format!("{}: {message}", status.name))
            }
            _ => PodTrouble::lasting(reason, waiting.message.as_deref().unwrap_or_default()),
        });
    }
    // It is started again at once, and if it ends again it is told as a crash.
    let message = status.state.as_ref().and_then(ended)?;
    let lasting = PodTrouble::lasting("Ended", &format!("{}: {message}", status.name));
    Some(PodTrouble { lasting: false, ..lasting })
}

/// What a container said when it ended, if it ended badly.
fn ended(state: &ContainerState) -> Option<String> {
    let ended = state.terminated.as_ref().filter(|ended| ended.exit_code != 0)?;
    let last_words = ended.message.as_deref().map(last_line).filter(|line| !line.is_empty());
    let reason = ended.reason.as_deref().filter(|reason| *reason != "Error");
    Some(match (last_words, reason) {
        (Some(words), _) => words.to_owned(),
        (None, Some(reason)) => format!("{reason}, exit code {}", ended.exit_code),
        (None, None) => format!("exit code {}; its log says why", ended.exit_code),
    })
}

fn last_line(text: &str) -> &str {
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default()
}

/// On one line, and not longer than a status can bear.
pub(crate) fn shortened(text: &str) -> String {
    let mut short: String =
        text.trim().chars().take(MESSAGE).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().chars().nth(MESSAGE).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn facts(status: &Value) -> PodFacts {
        let pod = json!({"metadata": {"name": "m-mix-1-0"}, "spec": {"containers": []}, "status": status});
        PodFacts::of(&serde_json::from_value(pod).expect("a pod"))
    }

    fn container(state: &Value, last: &Value) -> Value {
        json!({"phase": "Pending", "containerStatuses": [{
            "name": "node", "image": "x", "imageID": "", "ready": false, "restartCount": 3,
            "state": state, "lastState": last,
        }]})
    }

    #[test]
    fn a_ready_pod_has_no_trouble() {
        let facts = facts(&json!({"conditions": [{"type": "Ready", "status": "True"}]}));
        assert_eq!(facts, PodFacts { ready: true, trouble: None });
    }

    #[test]
    fn what_a_user_has_to_do_something_about_is_told_with_its_message() {
        let unscheduled = json!({"conditions": [{"type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient memory."}]});
        let image = container(
            &json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"x\""}}),
            &json!({}),
        );
        let crash = container(
            &json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}),
            &json!({"terminated": {"exitCode": 2, "reason": "Error", "message": "starting\nerror: no key\n"}}),
        );
        let killed = container(
            &json!({"waiting": {"reason": "CrashLoopBackOff"}}),
            &json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}),
        );
        let cases = [
            (unscheduled, "Unschedulable", "0/1 nodes are available: 1 Insufficient memory."),
            (image, "ImagePullBackOff", "Back-off pulling image \"x\""),
            (crash, "CrashLoopBackOff", "node: error: no key"),
            (killed, "CrashLoopBackOff", "node: OOMKilled, exit code 137"),
        ];
        for (status, reason, message) in cases {
            let trouble = facts(&status).trouble.expect("trouble");
            let wanted = PodTrouble::lasting(reason, message);
            assert_eq!(trouble, wanted);
        }
    }

    #[test]
    fn what_passes_by_itself_is_a_word() {
        let creating = container(&json!({"waiting": {"reason": "ContainerCreating"}}), &json!({}));
        assert_eq!(facts(&creating).trouble, Some(PodTrouble::passing("ContainerCreating")));
        let running =
            json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]});
        assert_eq!(facts(&running).trouble, Some(PodTrouble::passing("NotReady")));
    }

    #[test]
    fn long_messages_are_cut_and_on_one_line() {
        assert_eq!(shortened(" a\nb "), "a b");
        assert_eq!(shortened(&"x".repeat(1000)).chars().count(), MESSAGE + 1);
    }
}
