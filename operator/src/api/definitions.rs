//! What a cluster has to be told of the custom resources.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
    ValidationRule,
};
use kube::CustomResourceExt as _;
use sha2::{Digest as _, Sha256};

use super::{Broadcast, Mixnet};

/// Annotation: a hash of what a definition says.
const DEFINITION_ANNOTATION: &str = "mixbed.dev/definition";

/// The longest name of a Mixnet: with the names of its parts a pod's has at most 63 characters,
/// and a label of a StatefulSet's revision too.
const MIXNET_NAME: usize = 40;

/// The longest name of a Broadcast: its pod's has eleven characters more.
const BROADCAST_NAME: usize = 52;

/// The definitions of both resources.
#[must_use]
pub fn definitions() -> [CustomResourceDefinition; 2] {
    [named(Mixnet::crd(), MIXNET_NAME), named(Broadcast::crd(), BROADCAST_NAME)]
        .map(tidied)
        .map(marked)
}

/// With schemas that say what a cluster is to do: `null` means not set, and is dropped, as only
/// then `has()` in a rule means that there is a value; a spec without a needed field may be absent;
/// and no format that Kubernetes does not know, of which it warns.
fn tidied(mut definition: CustomResourceDefinition) -> CustomResourceDefinition {
    for version in &mut definition.spec.versions {
        let schema = version.schema.get_or_insert_default();
        let root = schema.open_api_v3_schema.get_or_insert_default();
        tidy(root);
        let spec = root.properties.get_or_insert_default().get_mut("spec");
        if let Some(spec) = spec.filter(|spec| spec.required.is_none()) {
            spec.default = Some(JSON(serde_json::json!({})));
            root.required = None;
        }
    }
    definition
}

/// With a hash of what it says, by which the chart sees whether the cluster has another.
fn marked(mut definition: CustomResourceDefinition) -> CustomResourceDefinition {
    let text = serde_json::to_string(&definition.spec).unwrap_or_default();
    let hash = hex::encode(&Sha256::digest(text)[..8]);
    let annotations = definition.metadata.annotations.get_or_insert_default();
    annotations.insert(DEFINITION_ANNOTATION.to_owned(), hash);
    definition
}

fn tidy(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    if schema.format.as_deref().is_some_and(|format| format.starts_with("uint")) {
        schema.format = None;
    }
    schema.properties.iter_mut().flat_map(|properties| properties.values_mut()).for_each(tidy);
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        tidy(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        tidy(values);
    }
}

/// With a rule for the name, which a type's own schema cannot have.
fn named(mut definition: CustomResourceDefinition, longest: usize) -> CustomResourceDefinition {
    let kind = &definition.spec.names.kind;
    let rule = ValidationRule {
        rule: format!(
            "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$') && size(self.metadata.name) <= {longest}"
        ),
        message: Some(format!(
            "the name of a {kind} has 1 to {longest} of a-z, 0-9 and -, and begins with a letter: the names of its pods begin with it"
        )),
        ..ValidationRule::default()
    };
    for version in &mut definition.spec.versions {
        let schema = version.schema.get_or_insert_default();
        let root = schema.open_api_v3_schema.get_or_insert_default();
        root.x_kubernetes_validations.get_or_insert_default().push(rule.clone());
    }
    definition
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chart's copies: `UPDATE=1` writes them.
    #[test]
    fn the_chart_has_these_definitions() {
        for definition in definitions() {
            let plural = &definition.spec.names.plural;
            let path =
                format!("{}/../charts/mixbed/crds/{plural}.yaml", env!("CARGO_MANIFEST_DIR"));
            let wanted = serde_yaml::to_string(&definition).expect("YAML");
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&path, &wanted).expect("written");
            }
            let found = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(found == wanted, "{path} is not what the types say: UPDATE=1 cargo test");
        }
    }
}
