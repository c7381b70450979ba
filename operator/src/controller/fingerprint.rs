//! Whether an object still has what the operator has set in it.
//!
//! The API server keeps for every manager which fields it has set last. As soon as somebody else
//! changes or removes one of ours, it is no longer in our list; and whatever others set besides
//! (a status, an annotation, the directory its own state) does not show there. So the list is
//! what tells a change that must be undone from all others, without reading the object.

#![deny(clippy::disallowed_methods)]

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;

use crate::api::FIELD_MANAGER;

/// Which fields of an object are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

/// Of an object's managed fields; nothing if none are ours.
pub(crate) fn fingerprint(fields: &[ManagedFieldsEntry]) -> Option<Fingerprint> {
    let ours = fields.iter().filter(|entry| {
        entry.manager.as_deref() == Some(FIELD_MANAGER) && entry.subresource.is_none()
    });
    // The server's order is none to rely on.
    let mut ours: Vec<_> = ours
        .map(|entry| {
            let fields = entry.fields_v1.as_ref().map(|fields| fields.0.to_string());
            (entry.operation.as_deref(), fields)
        })
        .collect();
    if ours.is_empty() {
        return None;
    }
    ours.sort_unstable();
    let mut hasher = DefaultHasher::new();
    ours.hash(&mut hasher);
    Some(Fingerprint(hasher.finish()))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::FieldsV1;
    use serde_json::json;

    use super::*;

    fn entry(manager: &str, operation: &str, fields: serde_json::Value) -> ManagedFieldsEntry {
        ManagedFieldsEntry {
            manager: Some(manager.to_owned()),
            operation: Some(operation.to_owned()),
            fields_v1: Some(FieldsV1(fields)),
            ..ManagedFieldsEntry::default()
        }
    }

    fn ours(fields: serde_json::Value) -> ManagedFieldsEntry {
        entry(FIELD_MANAGER, "Apply", fields)
    }

    #[test]
    fn what_others_set_besides_changes_nothing() {
        let before = fingerprint(&[ours(json!({"f:spec": {"f:replicas": {}}}))]);
        assert!(before.is_some());
        let directory = entry("mixbed", "Update", json!({"f:data": {"f:state": {}}}));
        let after = fingerprint(&[directory, ours(json!({"f:spec": {"f:replicas": {}}}))]);
        assert_eq!(before, after);
    }

    #[test]
    fn a_field_taken_from_us_shows() {
        let before = fingerprint(&[ours(json!({"f:spec": {"f:replicas": {}, "f:x": {}}}))]);
        let after = fingerprint(&[
            ours(json!({"f:spec": {"f:x": {}}})),
            entry("kubectl", "Update", json!({"f:spec": {"f:replicas": {}}})),
        ]);
        assert_ne!(before, after);
    }

    #[test]
    fn what_was_never_ours_has_none_and_a_status_is_not_asked() {
        assert_eq!(fingerprint(&[entry("kubectl", "Apply", json!({"f:spec": {}}))]), None);
        let mut status = ours(json!({"f:status": {}}));
        status.subresource = Some("status".to_owned());
        assert_eq!(fingerprint(&[status]), None);
    }

    #[test]
    fn the_order_of_the_managers_does_not_matter() {
        let a = ours(json!({"f:a": {}}));
        let b = entry(FIELD_MANAGER, "Update", json!({"f:b": {}}));
        assert_eq!(fingerprint(&[a.clone(), b.clone()]), fingerprint(&[b, a]));
    }
}
