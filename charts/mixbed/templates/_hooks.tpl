{{/*
An object that exists while hooks of this kind run: accounts and roles before what uses them. Each hook has its own:
what Argo CD deletes after one hook would be missing at the next.
*/}}
{{- define "mixbed.hook" -}}
helm.sh/hook: {{ . }}
helm.sh/hook-weight: "-1"
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded,hook-failed
{{- end -}}

{{/*
A Job that runs `mixbed operator` once. Takes root, name (of its account too), when, component, args.

Its name ends with a hash of what it runs: tools that apply hooks as plain objects can then upgrade, although a Job
cannot be changed.
*/}}
{{- define "mixbed.hookJob" -}}
{{- $root := .root -}}
{{- $spec := include "mixbed.hookPod" . -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .name }}-{{ sha256sum $spec | trunc 8 }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "mixbed.labels" (list $root .component) | nindent 4 }}
  annotations:
    helm.sh/hook: {{ .when }}
    # One that failed stays, with its log, until the next.
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  backoffLimit: 2
  ttlSecondsAfterFinished: 86400
  template:
    {{- $spec | nindent 4 }}
{{- end -}}

{{- define "mixbed.hookPod" -}}
{{- $root := .root -}}
{{- $own := include "mixbed.hookValues" $root | fromYaml -}}
metadata:
  labels:
    {{- include "mixbed.podLabels" (dict "root" $root "own" $own "labels" (include "mixbed.labels" (list $root .component))) | nindent 4 }}
  {{- include "mixbed.podAnnotations" (dict "root" $root "own" $own) | nindent 2 }}
spec:
  restartPolicy: Never
  serviceAccountName: {{ .name }}
  {{- include "mixbed.podSpec" (dict "root" $root "own" $own) | nindent 2 }}
  containers:
    - name: {{ .component }}
      image: {{ include "mixbed.image" (list $root $root.Values.image) }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args:
        - operator
        {{- toYaml .args | nindent 8 }}
      env:
        - name: JOB_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.labels['batch.kubernetes.io/job-name']
      resources:
        {{- include "mixbed.resources" (dict "root" $root "resources" $root.Values.hooks.resources) | trim | nindent 8 }}
      securityContext:
        {{- include "mixbed.containerSecurity" $root | nindent 8 }}
{{- end -}}

{{/* Of hooks' pods: where the operator's are, with labels and annotations of their own. */}}
{{- define "mixbed.hookValues" -}}
{{- merge (pick .Values.hooks "podLabels" "podAnnotations") (pick .Values.operator "nodeSelector" "tolerations" "affinity" "priorityClassName") | toYaml -}}
{{- end -}}

{{/* By what a cleanup knows whether its release is being uninstalled: tools that know no hooks run it at once. */}}
{{- define "mixbed.cleanupGuard" -}}
- --hook=$(JOB_NAME)
- --hook-namespace={{ .Release.Namespace }}
- --release={{ .Release.Name }}
- --operator={{ include "mixbed.fullname" . }}-operator
{{- end -}}
