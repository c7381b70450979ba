//! Accounts for pods: each may do a few things with a few objects that belong to its owner, and only
//! the container that needs the account has its token.

#![deny(clippy::disallowed_methods)]

use k8s_openapi::api::core::v1::{
    ConfigMapProjection, DownwardAPIProjection, DownwardAPIVolumeFile, KeyToPath,
    ObjectFieldSelector, ProjectedVolumeSource, ServiceAccount, ServiceAccountTokenProjection,
    Volume, VolumeMount, VolumeProjection,
};
use k8s_openapi::api::rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject};

use crate::child::{Child, Labels, Owner};

/// The volume with an account's token.
const TOKEN: &str = "kubernetes";

/// Where clients of Kubernetes look for it.
const TOKEN_DIR: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// How long a token is good; the kubelet replaces it long before.
const TOKEN_SECONDS: i64 = 3_600;

/// An account of this name, with a role that lets it read and write one object of each of these
/// kinds. All three, and the objects, must have names that nobody else has ([`Owner::unique`]).
pub(crate) fn account(
    owner: &Owner,
    name: &str,
    labels: &Labels,
    objects: &[(&str, String)],
) -> [Child; 3] {
    let metadata = || owner.metadata(name, labels.clone());
    let text = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let account = ServiceAccount {
        metadata: metadata(),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    };
    let rights = objects.iter().map(|(resource, object)| PolicyRule {
        api_groups: Some(text(&[""])),
        resources: Some(text(&[resource])),
        resource_names: Some(vec![object.clone()]),
        verbs: text(&["get", "update", "patch"]),
        ..PolicyRule::default()
    });
    let role = Role { metadata: metadata(), rules: Some(rights.collect()) };
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

/// What Kubernetes would mount into every container of a pod: a token, the API server's certificate
/// and the namespace.
pub(crate) fn token_volume() -> Volume {
    let token = VolumeProjection {
        service_account_token: Some(ServiceAccountTokenProjection {
            expiration_seconds: Some(TOKEN_SECONDS),
            path: "token".to_owned(),
            audience: None,
        }),
        ..VolumeProjection::default()
    };
    let certificate = VolumeProjection {
        config_map: Some(ConfigMapProjection {
            name: "kube-root-ca.crt".to_owned(),
            items: Some(vec![KeyToPath {
                key: "ca.crt".to_owned(),
                path: "ca.crt".to_owned(),
                mode: None,
            }]),
            optional: None,
        }),
        ..VolumeProjection::default()
    };
    let namespace = VolumeProjection {
        downward_api: Some(DownwardAPIProjection {
            items: Some(vec![DownwardAPIVolumeFile {
                path: "namespace".to_owned(),
                field_ref: Some(ObjectFieldSelector {
                    api_version: Some("v1".to_owned()),
                    field_path: "metadata.namespace".to_owned(),
                }),
                ..DownwardAPIVolumeFile::default()
            }]),
        }),
        ..VolumeProjection::default()
    };
    Volume {
        name: TOKEN.to_owned(),
        projected: Some(ProjectedVolumeSource {
            // Read by whatever user the pod has; only containers that mount it see it.
            default_mode: Some(0o444),
            sources: Some(vec![token, certificate, namespace]),
        }),
        ..Volume::default()
    }
}

/// Where the container that needs the token finds it.
pub(crate) fn token_mount() -> VolumeMount {
    VolumeMount {
        name: TOKEN.to_owned(),
        mount_path: TOKEN_DIR.to_owned(),
        read_only: Some(true),
        ..VolumeMount::default()
    }
}
