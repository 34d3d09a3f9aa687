{{- define "scanwarden.selector" -}}
app.kubernetes.io/name: scanwarden
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{- define "scanwarden.labels" -}}
{{ include "scanwarden.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
{{- define "scanwarden.metadata" -}}
name: {{ .Release.Name }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "scanwarden.labels" . | nindent 2 }}
{{- end -}}
