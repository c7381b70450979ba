//! Why an object could not be applied, and what to do about it.

#![deny(clippy::disallowed_methods)]

use crate::controller::facts::ObjectKey;
use crate::controller::pod::shortened;

/// An object that could not be applied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Refusal {
    /// Which object.
    pub(crate) key: ObjectKey,
    /// One CamelCase word.
    pub(crate) reason: &'static str,
    /// What is wrong and what to do, in a sentence.
    pub(crate) message: String,
}

/// What an error of the API server means for a reconcile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Somebody has to do something.
    Refused(Refusal),
    /// The world has changed since it was observed: look again.
    Changed(String),
    /// No answer, or not one of this object's: try again later.
    Unreachable(String),
}

impl Refusal {
    /// An object of this name is somebody else's.
    pub(crate) fn foreign(key: &ObjectKey) -> Self {
        let message = format!(
            "{key} is not of this operator's making and is left alone: rename or delete it (kubectl --namespace {} delete {} {}), or make the resource under another name",
            key.namespace,
            key.kind.to_lowercase(),
            key.name
        );
        Self { key: key.clone(), reason: "ForeignObject", message }
    }
}

/// What an error at the writing of an object means.
pub(crate) fn judge(key: &ObjectKey, error: &kube::Error) -> Answer {
    let kube::Error::Api(status) = error else {
        return Answer::Unreachable(shortened(&error.to_string()));
    };
    let said = shortened(&status.message);
    let refused = |reason, message| Answer::Refused(Refusal { key: key.clone(), reason, message });
    let text = status.message.to_lowercase();
    match status.code {
        403 if text.contains("being terminated") => Answer::Changed(said),
        403 if text.contains("exceeded quota") || text.contains("must specify") => refused(
            "QuotaExceeded",
            format!("{key} does not fit the namespace's quota: raise it, or ask for less ({said})"),
        ),
        403 if text.contains("podsecurity") => refused(
            "PodSecurity",
            format!("the namespace's Pod Security level does not allow {key}: {said}"),
        ),
        403 if text.contains("admission") => {
            refused("Denied", format!("an admission webhook or policy refuses {key}: {said}"))
        }
        403 => refused(
            "Forbidden",
            format!("the operator may not write {key}: its role must allow it ({said})"),
        ),
        // Its namespace is gone; an optimistic lock, or an object of that name that was not there a
        // moment ago.
        404 | 409 => Answer::Changed(said),
        422 if text.contains("immutable") || text.contains("updates to statefulset spec") => {
            refused(
                "Immutable",
                format!(
                    "{key} cannot be changed like this: delete it and it is made anew, with kubectl --namespace {} delete {} {} --cascade=orphan its pods stay ({said})",
                    key.namespace,
                    key.kind.to_lowercase(),
                    key.name
                ),
            )
        }
        400 | 422 => refused("Refused", format!("the API server refuses {key}: {said}")),
        _ => Answer::Unreachable(said),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn key() -> ObjectKey {
        ObjectKey {
            kind: "StatefulSet".to_owned(),
            namespace: "n".to_owned(),
            name: "m-mix-1".to_owned(),
        }
    }

    fn reason(code: u16, message: &str) -> &'static str {
        let status = Status::failure(message, "").with_code(code);
        match judge(&key(), &kube::Error::Api(status.boxed())) {
            Answer::Refused(refusal) => {
                assert!(refusal.message.contains("m-mix-1"), "{}", refusal.message);
                refusal.reason
            }
            Answer::Changed(_) => "changed",
            Answer::Unreachable(_) => "unreachable",
        }
    }

    #[test]
    fn each_kind_of_refusal_says_what_to_do() {
        let cases = [
            (403, "statefulsets is forbidden: User \"x\" cannot patch resource", "Forbidden"),
            (403, "pods \"x\" is forbidden: exceeded quota: q, requested: cpu=1", "QuotaExceeded"),
            (403, "violates PodSecurity \"restricted:latest\": x", "PodSecurity"),
            (403, "admission webhook \"x\" denied the request: no", "Denied"),
            (
                403,
                "unable to create new content in namespace n because it is being terminated",
                "changed",
            ),
            (
                422,
                "spec: Forbidden: updates to statefulset spec for fields other than",
                "Immutable",
            ),
            (422, "spec.template: Invalid value: field is immutable", "Immutable"),
            (422, "spec.ports: Required value", "Refused"),
            (409, "the object has been modified", "changed"),
            (404, "namespaces \"n\" not found", "changed"),
            (503, "etcdserver: leader changed", "unreachable"),
        ];
        for (code, message, wanted) in cases {
            assert_eq!(reason(code, message), wanted, "{code} {message}");
        }
    }

    #[test]
    fn a_foreign_object_is_named_with_the_command_that_removes_it() {
        let message = Refusal::foreign(&key()).message;
        assert!(message.contains("kubectl --namespace n delete statefulset m-mix-1"), "{message}");
    }
}
