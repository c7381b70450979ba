{{/* What may be done with the two definitions by whoever brings them up to date. */}}
{{- define "mixbed.definitionsRules" -}}
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  resourceNames: [mixnets.mixbed.dev, broadcasts.mixbed.dev]
  verbs: [get, list, watch, update, patch]
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  verbs: [create]
{{- end -}}

{{/* "yes" if a hook has to bring the definitions up to date: those in the cluster are not this chart's. */}}
{{- define "mixbed.definitionsHook" -}}
{{- $root := . -}}
{{- if and .Values.crds.install (eq .Values.crds.hook "Always") -}}
yes
{{- else if and .Values.crds.install (eq .Values.crds.hook "Auto") -}}
{{- $differ := false -}}
{{- range $plural := list "mixnets" "broadcasts" -}}
{{- $ours := $root.Files.Get (printf "crds/%s.yaml" $plural) | fromYaml -}}
{{- with lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" (printf "%s.mixbed.dev" $plural) -}}
{{- $mark := dig "metadata" "annotations" "mixbed.dev/definition" "" . -}}
{{- if ne $mark (dig "metadata" "annotations" "mixbed.dev/definition" "none" $ours) -}}
{{- $differ = true -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $differ -}}yes{{- end -}}
{{- end -}}
{{- end -}}
