//! How long authorities wait for each other.

use std::time::{Duration, SystemTime};

use crate::limits::TOLERATED_SKEW;

/// Authorities that are connected hear each other within this long. An authority that has not said
/// which proposal it accepts is waited for as long, and a ballot that has been there as long must
/// not be left out. Where honest authorities take longer, and another one lies at the same time,
/// two documents of one number can come about.
pub const DELTA: Duration = Duration::from_millis(500);

/// Who is next in turn waits this long for the one before.
pub(super) const STAGGER: Duration = Duration::from_millis(400);

/// A proposal that has become no document after this long has failed.
pub(super) const ATTEMPT: Duration = Duration::from_millis(1_200);

/// Changes that come this close to each other make one document.
pub(super) const GATHER: Duration = Duration::from_millis(20);

/// All is said again this often, and more often while something is under way.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(1);
pub(super) const BUSY_HEARTBEAT: Duration = Duration::from_millis(200);

/// Who has said nothing for this long is not waited for.
pub(super) const SILENT: Duration = Duration::from_secs(3);

/// What a peer lacks is sent again after this long, if it lacks it still.
pub(super) const SEND_AGAIN: Duration = Duration::from_millis(200);

/// A new document is on its way to everybody by itself for this long.
pub(super) const ON_ITS_WAY: Duration = Duration::from_millis(100);

/// An authority votes again this often, though it has nothing new to say.
pub(super) const REFRESH: Duration = Duration::from_secs(10);
/// The same while the times of ballots decide when an epoch begins.
pub(super) const REFRESH_ANEW: Duration = Duration::from_secs(3);

/// A ballot counts for this long for who proposes.
pub(super) const BALLOT_LIFE: Duration = Duration::from_secs(30);
/// Until it is this old, nobody may leave it out.
pub(super) const BALLOT_DUE: Duration = Duration::from_secs(20);

/// Who has been caught lying is left out for this long.
pub(super) const EXCLUSION: Duration = Duration::from_secs(3600);

/// Whether so long has passed since then, or the clock went back.
pub(super) fn passed(since: SystemTime, span: Duration, now: SystemTime) -> bool {
    now.duration_since(since).map_or(true, |passed| passed >= span)
}

/// Whether a ballot of this time counts at all.
pub(super) fn is_fresh(made_at: SystemTime, life: Duration, now: SystemTime) -> bool {
    match now.duration_since(made_at) {
        Ok(age) => age <= life,
        Err(ahead) => ahead.duration() <= TOLERATED_SKEW,
    }
}
