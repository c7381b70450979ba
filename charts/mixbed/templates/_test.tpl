{{/* The pod of `helm test`, without its name. */}}
{{- define "mixbed.testPod" -}}
{{- $own := include "mixbed.hookValues" . | fromYaml -}}
metadata:
  labels:
    {{- include "mixbed.podLabels" (dict "root" . "own" $own "labels" (include "mixbed.labels" (list . "test"))) | nindent 4 }}
  {{- include "mixbed.podAnnotations" (dict "root" . "own" $own) | nindent 2 }}
spec:
  restartPolicy: Never
  serviceAccountName: {{ include "mixbed.fullname" . }}-test
  {{- include "mixbed.podSpec" (dict "root" . "own" $own) | nindent 2 }}
  containers:
    - name: test
      image: {{ include "mixbed.image" (list . .Values.image) }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - operator
        - test
        - --namespace={{ .Release.Namespace }}
        - --mixnet={{ .Values.mixnet.name }}
        - --timeout={{ .Values.test.timeout }}
        - --pod=$(POD_NAME)
      env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
      resources:
        {{- include "mixbed.resources" (dict "root" . "resources" .Values.hooks.resources) | trim | nindent 8 }}
      securityContext:
        {{- include "mixbed.containerSecurity" . | nindent 8 }}
{{- end -}}

{{/* Its name, with a hash of what it is: a pod cannot be changed by tools that apply tests as plain objects. */}}
{{- define "mixbed.testName" -}}
{{ include "mixbed.fullname" . }}-test-{{ include "mixbed.testPod" . | sha256sum | trunc 8 }}
{{- end -}}
