use mixbed_telemetry::Telemetry;
use mixbed_wire::MailboxSecret;
use mixbed_wire::letter::Sender;
use tokio::task::JoinHandle;

use super::*;

const ALICE: MailboxId = MailboxId::from_bytes([1; 16]);
const BOB: MailboxId = MailboxId::from_bytes([2; 16]);

fn letter(text: &[u8]) -> SealedLetter {
    let to = MailboxSecret::from_bytes([9; 32]).public();
    SealedLetter::seal("test", &to, Sender::Unnamed, SystemTime::now(), text, &mut rand::rng())
        .expect("fits")
}

fn start(config: &MailboxConfig) -> (Desk, CancellationToken, JoinHandle<()>, Telemetry) {
    let telemetry = Telemetry::disabled();
    let metrics = MailboxMetrics::new(&telemetry, "gateway-0");
    let (clerk, desk) = Clerk::new(config, metrics).expect("a store");
    let stop = CancellationToken::new();
    let running = tokio::spawn(clerk.run(stop.clone()));
    (desk, stop, running, telemetry)
}

fn all() -> Collect {
    Collect { room: u32::MAX, ..Collect::default() }
}

async fn waiting(desk: &Desk, who: MailboxId) -> Vec<SealedLetter> {
    match desk.ask(Task::Collect(who, all())).await {
        Ok(MailboxAnswer::Letters { letters, .. }) => letters,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_was_answered_for_is_there_after_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = MailboxConfig { keep_in: Some(dir.path().to_owned()), bounds: None };
    let (desk, stop, running, telemetry) = start(&config);
    assert_eq!(waiting(&desk, ALICE).await, []);
    let letters: Vec<_> = (0..100_u8).map(|n| letter(&[n])).collect();
    // All at once: they are written together.
    let puts = letters.iter().map(|letter| {
        let (desk, letter) = (desk.clone(), letter.clone());
        tokio::spawn(async move { desk.ask(Task::Put(ALICE, letter)).await })
    });
    for put in puts.collect::<Vec<_>>() {
        let kept = put.await.expect("no panic");
        assert!(matches!(kept, Ok(MailboxAnswer::Kept { .. })), "{kept:?}");
    }
    let text = telemetry.metrics_text();
    assert!(text.contains("mailbox_letters{node=\"gateway-0\"} 100"), "{text}");
    stop.cancel();
    running.await.expect("no panic");
    let stopped = desk.ask(Task::Collect(ALICE, all())).await;
    assert!(stopped.is_err_and(|Unanswered(words)| words.contains("stopped")));

    let (desk, ..) = start(&config);
    let found: std::collections::HashSet<_> =
        waiting(&desk, ALICE).await.iter().map(SealedLetter::id).collect();
    assert_eq!(found, letters.iter().map(SealedLetter::id).collect());
}

#[tokio::test]
async fn refusals_are_answers() {
    let bounds = MailboxBounds { mailboxes: 1, letters: 1, ..MailboxBounds::in_memory() };
    let (desk, ..) = start(&MailboxConfig { keep_in: None, bounds: Some(bounds) });
    let put = |who| desk.ask(Task::Put(who, letter(b"x")));
    assert_eq!(put(ALICE).await, Ok(MailboxAnswer::NoMailbox));
    waiting(&desk, ALICE).await;
    assert!(matches!(put(ALICE).await, Ok(MailboxAnswer::Kept { .. })));
    assert_eq!(put(ALICE).await, Ok(MailboxAnswer::Full));
    assert_eq!(desk.ask(Task::Collect(BOB, all())).await, Ok(MailboxAnswer::NoRoom));
    assert_eq!(waiting(&desk, ALICE).await.len(), 1);
}

#[tokio::test]
async fn a_disk_that_failed_is_tried_again_and_nothing_was_promised_meanwhile() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = MailboxConfig { keep_in: Some(dir.path().to_owned()), bounds: None };
    let telemetry = Telemetry::disabled();
    let metrics = MailboxMetrics::new(&telemetry, "gateway-0");
    let (mut clerk, desk) = Clerk::new(&config, metrics).expect("a store");
    // As after a failure; and the file is of no use for now.
    clerk.office = None;
    let (file, aside) = (dir.path().join("mailboxes.redb"), dir.path().join("aside"));
    std::fs::rename(&file, &aside).expect("renamed");
    std::fs::write(&file, "garbage").expect("written");
    let stop = CancellationToken::new();
    tokio::spawn(clerk.run(stop.clone()));
    for task in [Task::Collect(ALICE, all()), Task::Put(ALICE, letter(b"x"))] {
        let Err(Unanswered(words)) = desk.ask(task).await else { panic!("it was answered") };
        assert_eq!(words, "the gateway cannot write its letters; its log says why");
    }
    std::fs::rename(&aside, &file).expect("renamed");
    assert_eq!(waiting(&desk, ALICE).await, []);
    let kept = desk.ask(Task::Put(ALICE, letter(b"x"))).await;
    assert!(matches!(kept, Ok(MailboxAnswer::Kept { .. })), "{kept:?}");
    stop.cancel();
}
