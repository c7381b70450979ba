{{/* What values.schema.json cannot say in a sentence. */}}
{{- define "mixbed.check" -}}
{{- $values := .Values -}}
{{- include "mixbed.checkNames" . -}}
{{- if and (eq $values.watch.scope "Cluster") $values.watch.namespaces -}}
{{- fail "watch.namespaces: with watch.scope Cluster every namespace is watched; leave the list empty, or set watch.scope to Namespaces" -}}
{{- end -}}
{{- range $values.watch.namespaces -}}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" .) -}}
{{- fail (printf "watch.namespaces: %q is no name of a namespace: 1 to 63 of a-z, 0-9 and -" .) -}}
{{- end -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$" $values.mixnet.name) -}}
{{- fail (printf "mixnet.name: %q has to be 1 to 40 of a-z, 0-9 and -, beginning with a letter: the names of its pods begin with it" $values.mixnet.name) -}}
{{- end -}}
{{- if and $values.tracing.otlp (not (regexMatch "^https?://[^/]+/?$" $values.tracing.otlp)) -}}
{{- fail (printf "tracing.otlp: %q is no address of a collector: write it like http://collector.observability.svc:4317 (OTLP over gRPC)" $values.tracing.otlp) -}}
{{- end -}}
{{- if and $values.tracing.jaeger (not (regexMatch "^https?://.+$" $values.tracing.jaeger)) -}}
{{- fail (printf "tracing.jaeger: %q is no address: write it like http://jaeger-query.observability.svc:16686" $values.tracing.jaeger) -}}
{{- end -}}
{{- range $name, $time := dict "test.timeout" $values.test.timeout "cleanup.timeout" $values.cleanup.timeout "metrics.serviceMonitor.interval" $values.metrics.serviceMonitor.interval "metrics.podMonitor.interval" $values.metrics.podMonitor.interval -}}
{{- if not (regexMatch "^([0-9]+(ms|s|m|h))+$" $time) -}}
{{- fail (printf "%s: %q is no time: write it like 30s, 3m or 1m30s" $name $time) -}}
{{- end -}}
{{- end -}}
{{- range $name, $pods := dict "metrics.from" $values.metrics.from "jaeger.from" $values.jaeger.from -}}
{{- range $pods -}}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(/[-A-Za-z0-9._/]+=[-A-Za-z0-9._]*(,[-A-Za-z0-9._/]+=[-A-Za-z0-9._]*)*)?$" .) -}}
{{- fail (printf "%s: %q names no pods: write NAMESPACE or NAMESPACE/LABEL=VALUE, such as monitoring/app.kubernetes.io/name=prometheus" $name .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $values.networkPolicy.apiServer -}}
{{- if not (regexMatch "^[0-9a-fA-F.:]+(/[0-9]{1,3})?$" .) -}}
{{- fail (printf "networkPolicy.apiServer: %q is no address: write it like 10.0.0.1 or 10.0.0.0/24" .) -}}
{{- end -}}
{{- end -}}
{{- range $values.operator.allowedImages -}}
{{- if regexMatch "[@ ]|:[^/]*$" . -}}
{{- fail (printf "operator.allowedImages: %q is no repository: write it without a tag, like registry.example/mixbed" .) -}}
{{- end -}}
{{- end -}}
{{- if and $values.jaeger.enabled $values.tracing.otlp -}}
{{- fail "jaeger.enabled and tracing.otlp: spans go to one place; turn the chart's Jaeger off, or leave tracing.otlp empty" -}}
{{- end -}}
{{- range $crd, $_ := $.Files.Glob "crds/mixnets.yaml" -}}
{{- $schema := dig "spec" "versions" list ($.Files.Get $crd | fromYaml) | first | dig "schema" "openAPIV3Schema" "properties" "spec" dict -}}
{{- include "mixbed.checkFields" (dict "at" "mixnet.spec" "value" $values.mixnet.spec "schema" $schema) -}}
{{- end -}}
{{- end -}}

{{/*
Fails at a value that the chart does not have. A parent chart's condition is a boolean of any name beside ours, and none
of ours is one; names that begin with x- or _ are kept for YAML's anchors.
*/}}
{{- define "mixbed.checkNames" -}}
{{- $ours := list "cleanup" "crds" "dashboard" "fullnameOverride" "hooks" "image" "imagePullSecrets" "jaeger" "metrics" "mixnet" "moneroImage" "nameOverride" "networkPolicy" "operator" "podDisruptionBudget" "podSecurity" "pods" "rbac" "test" "tracing" "watch" -}}
{{- $others := list "global" "tags" "exports" -}}
{{- range $name, $value := .Values -}}
{{- if not (or (has $name $ours) (has $name $others) (kindIs "bool" $value) (kindIs "invalid" $value) (regexMatch "^(x-|_)" $name)) -}}
{{- fail (printf "%s: the chart has no such value; it has %s" $name (join ", " $ours)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Fails at a field that the custom resource does not have: the API server would drop it with a warning.
Takes at (where it is), value, schema (of the definition).
*/}}
{{- define "mixbed.checkFields" -}}
{{- $at := .at -}}
{{- $schema := .schema -}}
{{- if and (kindIs "map" .value) (hasKey $schema "properties") -}}
{{- range $name, $value := .value -}}
{{- if not (hasKey $schema.properties $name) -}}
{{- fail (printf "%s.%s: a Mixnet has no such field; here are %s (kubectl explain %s)" $at $name (keys $schema.properties | sortAlpha | join ", ") $at) -}}
{{- end -}}
{{- include "mixbed.checkFields" (dict "at" (printf "%s.%s" $at $name) "value" $value "schema" (get $schema.properties $name)) -}}
{{- end -}}
{{- else if and (kindIs "slice" .value) (hasKey $schema "items") -}}
{{- range $index, $value := .value -}}
{{- include "mixbed.checkFields" (dict "at" (printf "%s[%d]" $at $index) "value" $value "schema" $schema.items) -}}
{{- end -}}
{{- end -}}
{{- end -}}
