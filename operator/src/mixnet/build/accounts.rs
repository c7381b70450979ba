//! The directory's right to its state. No other pod of a Mixnet has rights.

use super::Plan;
use crate::account::account;
use crate::child::Child;

/// An account that may read and write one Secret.
pub(super) fn accounts(plan: Plan) -> [Child; 3] {
    let objects = [("secrets", plan.secrets.state().to_owned())];
    account(plan.owner(), &plan.directory_account(), &plan.labels("directory"), &objects)
}
