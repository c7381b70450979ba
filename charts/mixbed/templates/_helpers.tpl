{{/* The release's name in the names of its objects; 40 characters leave room for what follows. */}}
{{- define "mixbed.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What pods are selected by. Takes (list $ "component"). */}}
{{- define "mixbed.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: mixbed
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* The labels of every object of the release. Takes (list $ "component"). */}}
{{- define "mixbed.labels" -}}
{{- $root := index . 0 -}}
{{ include "mixbed.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* An image; without a tag, the one of this version. Takes (list $ .Values.image). */}}
{{- define "mixbed.image" -}}
{{- $image := index . 1 -}}
{{ $image.repository }}:{{ $image.tag | default (index . 0).Chart.AppVersion }}
{{- end -}}

{{/* The namespaces that are watched, a YAML list; empty for all of the cluster. */}}
{{- define "mixbed.namespaces" -}}
{{- if eq .Values.watch.scope "Namespaces" -}}
{{- prepend .Values.watch.namespaces .Release.Namespace | uniq | toYaml -}}
{{- else -}}
[]
{{- end -}}
{{- end -}}

{{/* Where spans go, and where traces are looked up: as told, or to the chart's own Jaeger. */}}
{{- define "mixbed.otlp" -}}
{{- $own := printf "http://%s-jaeger.%s.svc:4317" (include "mixbed.fullname" .) .Release.Namespace -}}
{{- .Values.tracing.otlp | default (ternary $own "" .Values.jaeger.enabled) -}}
{{- end -}}
{{- define "mixbed.jaeger" -}}
{{- $own := printf "http://%s-jaeger.%s.svc:16686" (include "mixbed.fullname" .) .Release.Namespace -}}
{{- .Values.tracing.jaeger | default (ternary $own "" .Values.jaeger.enabled) -}}
{{- end -}}

{{/*
As the restricted Pod Security Standard has it: of a pod, and of a container. Without podSecurity.user no user is
named: the cluster's own rules choose one (OpenShift), or else the image does.
*/}}
{{- define "mixbed.podSecurity" -}}
runAsNonRoot: true
{{- with .Values.podSecurity.user }}
runAsUser: {{ int64 . }}
runAsGroup: {{ int64 . }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}
{{- define "mixbed.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Whom a role is given to. Takes (list $ "account"). */}}
{{- define "mixbed.subject" -}}
- kind: ServiceAccount
  name: {{ index . 1 }}
  namespace: {{ (index . 0).Release.Namespace }}
{{- end -}}

{{/* Pods, of a network policy. Takes NAMESPACE or NAMESPACE/LABEL=VALUE,LABEL=VALUE. */}}
{{- define "mixbed.peer" -}}
{{- $parts := regexSplit "/" . 2 -}}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ first $parts | quote }}
{{- if eq (len $parts) 2 }}
  podSelector:
    matchLabels:
{{- range splitList "," (last $parts) }}
{{- $label := regexSplit "=" . 2 }}
      {{ first $label }}: {{ last $label | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Addresses, of a network policy. Takes an address or a network. */}}
{{- define "mixbed.block" -}}
- ipBlock:
    cidr: {{ ternary . (printf "%s/%s" . (ternary "128" "32" (contains ":" .))) (contains "/" .) | quote }}
{{- end -}}
