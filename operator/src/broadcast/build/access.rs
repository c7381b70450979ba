//! The pod's rights: to its report and to what it must not lose. It has no other.

use super::labels;
use crate::account::account;
use crate::broadcast::{account_name, report_name, run_name};
use crate::child::{Child, Owner};

/// An account that may read and write one `ConfigMap` and one `Secret`.
pub(super) fn access(owner: &Owner) -> [Child; 3] {
    let objects = [("configmaps", report_name(owner)), ("secrets", run_name(owner))];
    account(owner, &account_name(owner), &labels(owner), &objects)
}
