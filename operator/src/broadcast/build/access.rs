//! The pod's right to its report. It has no other.

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject};

use super::labels;
use crate::broadcast::report_name;
use crate::child::{Child, Owner};

/// An account that may read and write one `ConfigMap`.
pub(super) fn access(owner: &Owner) -> [Child; 3] {
    let name = owner.name();
    let metadata = || owner.metadata(name, labels(owner));
    let text = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let account = ServiceAccount {
        metadata: metadata(),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    };
    let rights = PolicyRule {
        api_groups: Some(text(&[""])),
        resources: Some(text(&["configmaps"])),
        resource_names: Some(vec![report_name(name)]),
        verbs: text(&["get", "update", "patch"]),
        ..PolicyRule::default()
    };
    let role = Role { metadata: metadata(), rules: Some(vec![rights]) };
    let binding = RoleBinding {
        metadata: metadata(),
        role_ref: RoleRef {
            api_group: "rbac.authorization.k8s.io".to_owned(),
            kind: "Role".to_owned(),
            name: name.to_owned(),
        },
        subjects: Some(vec![Subject {
            kind: "ServiceAccount".to_owned(),
            name: name.to_owned(),
            namespace: Some(owner.namespace().to_owned()),
            ..Subject::default()
        }]),
    };
    [Child::of(&account), Child::of(&role), Child::of(&binding)]
}
