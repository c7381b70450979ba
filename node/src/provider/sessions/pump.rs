//! A session's task: it makes replies, keeps the session's time, and hands streams to services.

use std::sync::Arc;
use std::time::Instant;

use mixbed_link::Alarm;
use mixbed_session::{Code, End, Event, Reason, StreamId};

use super::Asked;
use super::held::Held;
use super::shell::Parts;

/// So many replies are sealed (some 100 µs each) before others have their turn on this thread.
const AT_ONCE: usize = 4;

/// Runs until the session is over, or the provider.
pub(super) async fn pump(parts: Arc<Parts>, held: Arc<Held>) {
    let mut alarm = Alarm::default();
    loop {
        let now = Instant::now();
        held.shared.lock().handle_timeout(now);
        for event in held.shared.wake() {
            if let Event::Asked { stream, service, target } = event {
                serve(&parts, &held, stream, &service, target);
            }
        }
        while parts.transmit(&held.shared, AT_ONCE) == AT_ONCE {
            tokio::task::yield_now().await;
            if held.gone.is_cancelled() || parts.stop.is_cancelled() {
                break;
            }
        }
        let (over, next) = {
            let end = held.shared.lock();
            (end.is_over(), end.poll_timeout())
        };
        if over || held.gone.is_cancelled() || parts.stop.is_cancelled() {
            break;
        }
        tokio::select! {
            () = held.shared.changed() => {}
            () = alarm.until(next) => {}
            () = held.gone.cancelled() => {}
            () = parts.stop.cancelled() => {}
        }
    }
    // Streams that are still served read why, if the session did not end by itself.
    held.shared.lock().close(Code::Stopped.into(), Instant::now());
    let _ = held.shared.wake();
    let mut table = parts.table();
    table.remove(&held);
    parts.metrics.sessions.set(i64::try_from(table.len()).unwrap_or(i64::MAX));
}

/// Hands a stream to the service that was asked for, in a task of its own: one that panics takes
/// nothing with it.
fn serve(parts: &Arc<Parts>, held: &Arc<Held>, stream: StreamId, service: &str, target: String) {
    let found = parts.services.iter().find(|offered| offered.name() == service).cloned();
    let Some(service) = found else {
        parts.metrics.asked("unknown", "unknown_service");
        let words = format!("this provider does not offer {service:.64} as streams");
        held.shared.refuse(stream, Reason::new(Code::UnknownService, words));
        return;
    };
    parts.moved.now();
    let asked = Asked::new(
        Arc::clone(&held.shared),
        stream,
        service.name(),
        parts.metrics.clone(),
        parts.moved.clone(),
        parts.bounds.stream_idle,
    );
    let stop = parts.stop.clone();
    let serving = service.serve(target, asked);
    tokio::spawn(async move { stop.run_until_cancelled(serving).await });
}
