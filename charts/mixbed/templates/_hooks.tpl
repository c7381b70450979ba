{{/* An object that exists while hooks of this kind run: accounts and roles before what uses them. */}}
{{- define "mixbed.hook" -}}
helm.sh/hook: {{ . }}
helm.sh/hook-weight: "-1"
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded,hook-failed
{{- end -}}

{{/* Runs `mixbed operator cleanup`. Takes root, name, account (else its name), when, args. */}}
{{- define "mixbed.cleanupJob" -}}
{{- $root := .root -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "mixbed.labels" (list $root "cleanup") | nindent 4 }}
  annotations:
    helm.sh/hook: {{ .when }}
    # One that failed stays, with its log, until the next.
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  backoffLimit: 2
  ttlSecondsAfterFinished: 3600
  template:
    metadata:
      labels:
        {{- include "mixbed.labels" (list $root "cleanup") | nindent 8 }}
    spec:
      restartPolicy: Never
      serviceAccountName: {{ .account | default .name }}
      securityContext:
        {{- include "mixbed.podSecurity" $root | nindent 8 }}
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: cleanup
          image: {{ include "mixbed.image" (list $root $root.Values.image) }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args:
            - operator
            - cleanup
            {{- toYaml .args | nindent 12 }}
          resources:
            requests:
              cpu: 10m
              memory: 16Mi
            limits:
              memory: 64Mi
          securityContext:
            {{- include "mixbed.containerSecurity" $root | nindent 12 }}
      {{- with $root.Values.operator.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $root.Values.operator.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end -}}
