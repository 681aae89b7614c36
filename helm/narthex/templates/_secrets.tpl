{{- /* Secrets come from Secrets that exist, as variables or as mounted files; the chart makes none, and none is in its values. */ -}}

{{- define "narthex.secretsFolder" -}}/etc/narthex/secrets{{- end }}

{{- /* Variables from Secrets: (dict "root" $ "it" component). */ -}}
{{- define "narthex.secretEnv" -}}
{{- $env := list }}
{{- with .root.Values.broker }}
{{- if .existingSecret }}
{{- $env = append $env (dict "name" "NARTHEX_BROKER" "existingSecret" .existingSecret "key" .key) }}
{{- end }}
{{- end }}
{{- with .root.Values.store }}
{{- if .existingSecret }}
{{- $env = append $env (dict "name" "NARTHEX_KAFKA__STORE" "existingSecret" .existingSecret "key" .key) }}
{{- end }}
{{- end }}
{{- range concat $env .root.Values.secretEnv .it.pods.secretEnv }}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret }}
      key: {{ .key }}
{{- end }}
{{- end }}

{{- /* Files from Secrets, as a list in YAML: name and existingSecret. Each is mounted as a folder of its name. */ -}}
{{- define "narthex.secretFiles" -}}
{{- $files := concat .root.Values.secretFiles .it.pods.secretFiles }}
{{- if eq .it.role "gateway" }}
{{- with .root.Values }}
{{- $own := list (dict "name" "keys" "of" .auth.keys) (dict "name" "client-secrets" "of" .auth.clientSecrets) (dict "name" "tls" "of" .gateway.tls) }}
{{- range $own }}
{{- if .of.existingSecret }}
{{- $files = append $files (dict "name" .name "existingSecret" .of.existingSecret) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml $files }}
{{- end }}
