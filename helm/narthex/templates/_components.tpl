{{- /*
The gateway and each group of workers, as a list in YAML: what it is called, its role, its place in the values, what its pods are
like, and its settings with what the chart adds to them. Whatever is made for each of them ranges over this list, so that there is one
template of it.
*/ -}}
{{- define "narthex.components" -}}
{{- $components := list }}
{{- $common := include "narthex.config" . | fromYaml }}
{{- if .Values.gateway.enabled }}
{{- $config := mergeOverwrite (deepCopy $common) (deepCopy .Values.gateway.config) }}
{{- $config = mergeOverwrite $config (include "narthex.ownSettings" . | fromYaml) (include "narthex.gatewaySettings" . | fromYaml) }}
{{- include "narthex.tidy" $config }}
{{- $components = append $components (dict "name" "gateway" "role" "gateway" "place" "gateway" "pods" .Values.gateway "config" $config) }}
{{- end }}
{{- range $name, $group := .Values.workerGroups }}
{{- $pods := mergeOverwrite (deepCopy $.Values.worker) (deepCopy ($group | default dict)) }}
{{- $config := mergeOverwrite (deepCopy $common) (deepCopy $pods.config) (include "narthex.ownSettings" $ | fromYaml) }}
{{- include "narthex.tidy" $config }}
{{- $components = append $components (dict "name" (printf "worker-%s" $name) "role" "worker" "place" (printf "workerGroups.%s" $name) "pods" $pods "config" $config) }}
{{- end }}
{{- toYaml $components }}
{{- end }}

{{- /* The component that is the gateway, for what there is one of only. */ -}}
{{- define "narthex.gateway" -}}
{{- dict "name" "gateway" "role" "gateway" | toYaml }}
{{- end }}

{{- /* Settings that follow from the chart's values, of both roles: here only places, never a secret. */ -}}
{{- define "narthex.ownSettings" -}}
{{- if .Values.trial.redis.enabled }}
broker: {{ printf "redis://%s-redis:6379" (include "narthex.fullname" .) }}
{{- end }}
{{- end }}

{{- /* The same, of the gateway alone: where the files of secrets are that were named by `existingSecret`. */ -}}
{{- define "narthex.gatewaySettings" -}}
{{- $files := include "narthex.secretsFolder" . }}
{{- with .Values.auth }}
{{- if or .keys.existingSecret .clientSecrets.existingSecret }}
auth:
  {{- if .keys.existingSecret }}
  keys: {file: {{ printf "%s/keys/%s" $files .keys.key }}}
  {{- end }}
  {{- with .clientSecrets }}
  {{- if .existingSecret }}
  client_secrets:
    key_file: {{ printf "%s/client-secrets/%s" $files .key }}
    {{- if .previousKey }}
    previous_key_file: {{ printf "%s/client-secrets/%s" $files .previousKey }}
    {{- end }}
  {{- end }}
  {{- end }}
{{- end }}
{{- end }}
{{- with .Values.gateway.tls }}
{{- if .existingSecret }}
tls:
  certificate_file: {{ printf "%s/tls/tls.crt" $files }}
  key_file: {{ printf "%s/tls/tls.key" $files }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The settings of the gateways, as YAML; of nobody, if there are none. */ -}}
{{- define "narthex.gatewayConfig" -}}
{{- if .Values.gateway.enabled }}
{{- (include "narthex.components" . | fromYamlArray | first).config | toYaml }}
{{- end }}
{{- end }}
