{{/*
What every pod has in common: `pods` of the values, and what is said of this kind of pod besides. Each takes a dict
with root, and own: the values of this kind of pod.
*/}}

{{/* Labels of a pod besides its own; those that select it cannot be replaced. */}}
{{- define "mixbed.podLabels" -}}
{{- merge (.labels | fromYaml) (default dict .own.podLabels) .root.Values.pods.labels | toYaml -}}
{{- end -}}

{{/* Its annotations; nothing if there are none. */}}
{{- define "mixbed.podAnnotations" -}}
{{- with merge dict (default dict .own.podAnnotations) .root.Values.pods.annotations -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/*
Secrets to pull images with, a YAML list: as told, else those of the namespace's default account, which pods with an
account of their own do not have.
*/}}
{{- define "mixbed.pullSecrets" -}}
{{- $found := lookup "v1" "ServiceAccount" .Release.Namespace "default" -}}
{{- .Values.imagePullSecrets | default (dig "imagePullSecrets" list $found) | toYaml -}}
{{- end -}}

{{/* Of a pod's spec: as whom it runs, with what it pulls its images, and where. */}}
{{- define "mixbed.podSpec" -}}
{{- $pods := .root.Values.pods -}}
securityContext:
  {{- include "mixbed.podSecurity" .root | nindent 2 }}
{{- with include "mixbed.pullSecrets" .root | fromYamlArray }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with merge dict (default dict .own.nodeSelector) $pods.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with concat (default list .own.tolerations) $pods.tolerations | uniq }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.affinity | default $pods.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.priorityClassName | default $pods.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* Requests and limits of a container, none below pods.atLeast. Takes root, resources. */}}
{{- define "mixbed.resources" -}}
{{- $least := .root.Values.pods.atLeast -}}
{{- $requests := include "mixbed.atLeast" (dict "own" .resources.requests "least" $least.requests) | fromYaml -}}
{{- $limits := include "mixbed.atLeast" (dict "own" .resources.limits "least" $least.limits) | fromYaml -}}
{{- /* What is asked for must be allowed too. */ -}}
{{- range $name, $amount := $requests -}}
{{- if hasKey $limits $name -}}
{{- $_ := set $limits $name (include "mixbed.larger" (list (get $limits $name) $amount)) -}}
{{- end -}}
{{- end -}}
{{- with $requests }}
requests:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $limits }}
limits:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Amounts, each raised to the least. Takes own, least. */}}
{{- define "mixbed.atLeast" -}}
{{- $all := deepCopy (default dict .own) -}}
{{- range $name, $least := default dict .least -}}
{{- if hasKey $all $name -}}
{{- $_ := set $all $name (include "mixbed.larger" (list (get $all $name) $least)) -}}
{{- else -}}
{{- $_ := set $all $name $least -}}
{{- end -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{/* The larger of two amounts, as it is written. */}}
{{- define "mixbed.larger" -}}
{{- $one := index . 0 -}}
{{- $other := index . 1 -}}
{{- ternary $other $one (lt (include "mixbed.amount" $one | float64) (include "mixbed.amount" $other | float64)) -}}
{{- end -}}

{{/* An amount as Kubernetes writes it, such as 250m or 64Mi, as a number. */}}
{{- define "mixbed.amount" -}}
{{- $text := kindIs "float64" . | ternary (printf "%f" .) (toString .) -}}
{{- $units := dict "" 1.0 "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 -}}
{{- $unit := regexReplaceAll "^[0-9.]+" $text "" -}}
{{- if not (and (hasKey $units $unit) (regexMatch "^[0-9]" $text)) -}}
{{- fail (printf "%q is no amount: write it like 250m or 0.5 for cpu, 64Mi for memory" $text) -}}
{{- end -}}
{{- mulf (regexFind "^[0-9.]+" $text | float64) (get $units $unit) -}}
{{- end -}}

{{/* What pods of Mixnets and Broadcasts have where a Mixnet says nothing: as its spec has it. */}}
{{- define "mixbed.podDefaults" -}}
pods:
  {{- if .Values.podSecurity.user }}
  user: {{ int64 .Values.podSecurity.user }}
  {{- else }}
  anyUser: true
  {{- end }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.pods }}
  {{- with .labels }}
  labels:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if or .atLeast.requests .atLeast.limits }}
  atLeast:
    {{- toYaml .atLeast | nindent 4 }}
  {{- end }}
  {{- end }}
{{- with .Values.pods }}
{{- if or .nodeSelector .tolerations .affinity }}
scheduling:
  {{- with .nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}
