//! Which of two definitions of a custom resource is the newer one.

#![deny(clippy::disallowed_methods)]

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray,
};

/// The fields that a definition knows, by their paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(BTreeSet<String>);

/// Those of a definition.
pub(super) fn fields(definition: &CustomResourceDefinition) -> Fields {
    let mut all = Fields::default();
    for version in &definition.spec.versions {
        let schema = version.schema.as_ref();
        if let Some(schema) = schema.and_then(|schema| schema.open_api_v3_schema.as_ref()) {
            all.collect(&version.name, schema);
        }
    }
    all
}

impl Fields {
    fn collect(&mut self, path: &str, schema: &JSONSchemaProps) {
        for (name, field) in schema.properties.iter().flatten() {
            let path = format!("{path}.{name}");
            self.collect(&path, field);
            self.0.insert(path);
        }
        if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
            self.collect(&format!("{path}[]"), items);
        }
    }

    /// The first field that the other does not know, if this knows all that the other does.
    pub(super) fn newer_than(&self, other: &Self) -> Option<String> {
        let more = self.0.difference(&other.0).next().cloned();
        more.filter(|_| other.0.is_subset(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::definitions;

    /// Our first definition, without a field, or with one more.
    fn changed(change: impl FnOnce(&mut JSONSchemaProps)) -> Fields {
        let [mut definition, _] = definitions();
        let schema = definition.spec.versions[0].schema.as_mut();
        let schema = schema.and_then(|schema| schema.open_api_v3_schema.as_mut());
        let properties = schema.and_then(|schema| schema.properties.as_mut());
        change(properties.and_then(|fields| fields.get_mut("spec")).expect("a spec"));
        fields(&definition)
    }

    fn more(spec: &mut JSONSchemaProps) {
        let fields = spec.properties.as_mut().expect("fields");
        fields.insert("colour".to_owned(), JSONSchemaProps::default());
    }

    #[test]
    fn one_with_more_fields_is_newer_and_nothing_else_is() {
        let ours = fields(&definitions()[0]);
        assert!(ours.0.contains("v1alpha1.spec.impairments[].from"), "{ours:?}");
        let newer = changed(more);
        assert_eq!(newer.newer_than(&ours).as_deref(), Some("v1alpha1.spec.colour"));
        assert_eq!(ours.newer_than(&newer), None);
        assert_eq!(ours.newer_than(&ours), None);
        // What has lost a field is another, not a newer one.
        let other = changed(|spec| {
            more(spec);
            spec.properties.as_mut().expect("fields").remove("drain");
        });
        assert_eq!(other.newer_than(&ours), None);
    }
}
