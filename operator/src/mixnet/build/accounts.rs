//! The directory's right to its state. No other pod of a Mixnet has rights.

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject};

use super::Plan;
use crate::child::Child;

/// An account that may read and write one Secret.
pub(super) fn accounts(plan: Plan) -> [Child; 3] {
    let name = plan.names().directory();
    let metadata = || plan.owner().metadata(name.clone(), plan.labels("directory"));
    let text = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let account = ServiceAccount {
        metadata: metadata(),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    };
    let right = PolicyRule {
        api_groups: Some(text(&[""])),
        resources: Some(text(&["secrets"])),
        resource_names: Some(vec![plan.names().directory_state()]),
        verbs: text(&["get", "update", "patch"]),
        ..PolicyRule::default()
    };
    let role = Role { metadata: metadata(), rules: Some(vec![right]) };
    let binding = RoleBinding {
        metadata: metadata(),
        role_ref: RoleRef {
            api_group: "rbac.authorization.k8s.io".to_owned(),
            kind: "Role".to_owned(),
            name: name.clone(),
        },
        subjects: Some(vec![Subject {
            kind: "ServiceAccount".to_owned(),
            name: name.clone(),
            namespace: Some(plan.owner().namespace().to_owned()),
            ..Subject::default()
        }]),
    };
    [Child::of(&account), Child::of(&role), Child::of(&binding)]
}
