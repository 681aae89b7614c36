{{- /* The settings of a component, as the TOML that it reads: (dict "root" $ "it" component). */ -}}
{{- define "narthex.toml" -}}
{{- $config := deepCopy .it.config }}
{{- include "narthex.tidy" $config }}
{{- toToml $config }}
{{- end }}

{{- /* The settings of both roles, as YAML. */ -}}
{{- define "narthex.config" -}}
{{- $config := deepCopy .Values.config }}
{{- include "narthex.tidy" $config }}
{{- toYaml $config }}
{{- end }}

{{- /*
Tidies a map where it stands. What is null goes: a section whose lines are all commented out is one. And whole numbers are whole again:
all numbers in values are floats to Helm, and would be written as `16.0`.
*/ -}}
{{- define "narthex.tidy" -}}
{{- range $key, $value := . }}
{{- if kindIs "invalid" $value }}
{{- $_ := unset $ $key }}
{{- else if kindIs "map" $value }}
{{- include "narthex.tidy" $value }}
{{- else if kindIs "slice" $value }}
{{- range $entry := $value }}
{{- if kindIs "map" $entry }}
{{- include "narthex.tidy" $entry }}
{{- end }}
{{- end }}
{{- else if kindIs "float64" $value }}
{{- if eq (floor $value) $value }}
{{- $_ := set $ $key (int64 $value) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* A duration of Narthex, such as `30s` or `5m`, in whole seconds. */ -}}
{{- define "narthex.seconds" -}}
{{- $number := regexFind "^[0-9]+" . | int }}
{{- $unit := trimPrefix (toString $number) . | trim }}
{{- $milliseconds := get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000) $unit | default 0 | int }}
{{- if not $milliseconds }}
{{- printf "%s is no duration that Narthex knows: write it like 30s or 5m" . | fail }}
{{- end }}
{{- divf (mul $number $milliseconds) 1000 | ceil | int }}
{{- end }}

{{- /* How long a component's planned stop takes at most, in seconds: what Narthex calls the drain time. */ -}}
{{- define "narthex.drainSeconds" -}}
{{- $drain := dig .it.role "drain_timeout" "30s" .it.config }}
{{- include "narthex.seconds" (toString $drain) }}
{{- end }}

{{- /* What the broker is: `redis`, `kafka` or `memory`. */ -}}
{{- define "narthex.brokerKind" -}}
{{- $url := (include "narthex.config" . | fromYaml).broker | default "" | toString }}
{{- if .Values.broker.existingSecret }}
{{- .Values.broker.kind }}
{{- else if hasPrefix "kafka" $url }}kafka
{{- else if eq $url "memory" }}memory
{{- else }}redis
{{- end }}
{{- end }}
