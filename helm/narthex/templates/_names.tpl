{{- /* What things are called, and by which labels they are found. A component is the gateway, or one group of workers. */ -}}

{{- define "narthex.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name }}
{{- end }}
{{- end }}

{{- /* The name of a component: (dict "root" $ "it" component). */ -}}
{{- define "narthex.name" -}}
{{ include "narthex.fullname" .root }}-{{ .it.name }}
{{- end }}

{{- define "narthex.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "narthex.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "narthex.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "narthex.labels" -}}
{{ include "narthex.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "narthex.componentSelector" -}}
{{ include "narthex.selector" .root }}
app.kubernetes.io/component: {{ .it.name }}
{{- end }}

{{- define "narthex.componentLabels" -}}
{{ include "narthex.labels" .root }}
app.kubernetes.io/component: {{ .it.name }}
{{- end }}

{{- /* The first lines of all that belongs to a component. */ -}}
{{- define "narthex.componentMetadata" -}}
metadata:
  name: {{ include "narthex.name" . }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "narthex.componentLabels" . | nindent 4 }}
{{- end }}
