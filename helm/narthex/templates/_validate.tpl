{{- /*
What cannot work, though each value by itself is fine. Each complaint is a sentence that says what to do; all of them are told at once.
What concerns settings alone is told by Narthex itself: `narthex config --check gateway --config FILE`.
*/ -}}
{{- define "narthex.validate" -}}
{{- $complaints := list }}
{{- range list "broker" "callers" "encryption" "secrets" "ways" "groups" "monitoring" }}
{{- $complaints = concat $complaints (include (printf "narthex.validate.%s" .) $ | trim | splitList "\n" | compact) }}
{{- end }}
{{- if $complaints }}
{{- printf "\n\nNarthex cannot be installed like this:\n- %s\n" (join "\n- " $complaints) | fail }}
{{- end }}
{{- end }}

{{- define "narthex.validate.broker" -}}
{{- $config := include "narthex.config" . | fromYaml }}
{{- $url := $config.broker | default "" }}
{{- $ways := list $url .Values.broker.existingSecret (.Values.trial.redis.enabled | ternary "trial" "") | compact | len }}
{{- if eq $ways 0 }}
There is no broker: set config.broker to its address, such as redis://redis:6379, or broker.existingSecret to the Secret that holds the address, or, for a trial, trial.redis.enabled=true.
{{- else if gt $ways 1 }}
There is more than one broker: keep one of config.broker, broker.existingSecret and trial.redis.enabled.
{{- end }}
{{- if eq $url "memory" }}
config.broker is `memory`, which lives inside one process: set it to the address of a Redis or Kafka.
{{- end }}
{{- $store := or (dig "kafka" "store" "" $config) .Values.store.existingSecret }}
{{- if and (eq (include "narthex.brokerKind" .) "kafka") .Values.store.required (not $store) }}
Kafka keeps no state by key: set config.kafka.store to a Redis, or store.existingSecret to the Secret that holds its address, or go without stored responses and idempotency keys by store.required=false (docs/kafka.md).
{{- end }}
{{- end }}

{{- define "narthex.validate.callers" -}}
{{- if .Values.gateway.enabled }}
{{- $auth := dig "auth" dict (include "narthex.gatewayConfig" . | fromYaml) }}
{{- $knows := or (dig "keys" "file" "" $auth) (dig "jwt" "" $auth) }}
{{- $none := eq (dig "mode" "" $auth) "none" }}
{{- $exposed := include "narthex.exposed" . }}
{{- if and $none $knows }}
config.auth.mode is `none`, but there are keys or issuers too: remove one of the two.
{{- else if and $none $exposed }}
config.auth.mode is `none`, and {{ $exposed }} lets others in, so anyone could use the models: set auth.keys.existingSecret or config.auth.jwt instead (docs/identity.md).
{{- else if and $none (not (dig "allow_none_beyond_loopback" false $auth)) }}
config.auth.mode is `none`, so every pod of the cluster could use the models: set auth.keys.existingSecret or config.auth.jwt instead, or, for a trial, config.auth.allow_none_beyond_loopback=true as well.
{{- else if not (or $none $knows) }}
The gateways know no callers: set auth.keys.existingSecret to a Secret with a file of API keys (`narthex keys make me --keys-file keys.toml` makes it), or config.auth.jwt to an issuer of tokens; or, for a trial, config.auth.mode=none and config.auth.allow_none_beyond_loopback=true.
{{- end }}
{{- if and .Values.auth.keys.existingSecret (dig "auth" "keys" "file" "" (include "narthex.config" . | fromYaml)) }}
There are two files of API keys: keep one of auth.keys.existingSecret and config.auth.keys.file.
{{- end }}
{{- end }}
{{- end }}

{{- define "narthex.validate.encryption" -}}
{{- if .Values.gateway.enabled }}
{{- $config := include "narthex.gatewayConfig" . | fromYaml }}
{{- $proxies := dig "proxy" "addresses" "" $config }}
{{- if not (or (eq (include "narthex.scheme" .) "https") $proxies (dig "tls" "allow_plain_beyond_loopback" false $config)) }}
Nobody ends TLS, so keys and answers could be read on their way: set gateway.tls.existingSecret to a Secret of the type kubernetes.io/tls; or, behind an Ingress or Gateway that ends it, config.proxy.addresses to the networks of its pods; or, for a trial, config.tls.allow_plain_beyond_loopback=true.
{{- end }}
{{- if and .Values.gateway.tls.existingSecret (dig "tls" "certificate_file" "" (include "narthex.config" . | fromYaml)) }}
There are two certificates: keep one of gateway.tls.existingSecret and config.tls.certificate_file.
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.tls.enabled) $proxies (not (eq (include "narthex.scheme" .) "https")) }}
The Ingress does not end TLS, so the gateways would refuse everyone who comes through it (https_required): set ingress.tls.enabled=true.
{{- end }}
{{- end }}
{{- end }}

{{- /* What must not stand in values, as these are kept in the release, and a ConfigMap shows them to whoever may read it. */ -}}
{{- define "narthex.validate.secrets" -}}
{{- $root := . }}
{{- range tuple "listen" "admin_listen" }}
{{- if hasKey $root.Values.config . }}
config.{{ . }} is the chart's to say, as Services and probes depend on it: remove it; bindAddress is what to listen on.
{{- end }}
{{- end }}
{{- range $component := include "narthex.components" . | fromYamlArray }}
{{- $found := list }}
{{- range $url := list (.config.broker | default "") (dig "kafka" "store" "" .config) }}
{{- if regexMatch "://[^/]*:[^/]*@" $url }}{{ $found = append $found "a password in the address of a broker or store" }}{{ end }}
{{- end }}
{{- if dig "kafka" "sasl" "password" "" .config }}{{ $found = append $found "kafka.sasl.password" }}{{ end }}
{{- range $key := list "key" "previous_key" }}
{{- if dig "auth" "client_secrets" $key "" $component.config }}{{ $found = append $found (printf "auth.client_secrets.%s" $key) }}{{ end }}
{{- end }}
{{- range dig "auth" "jwt" list .config }}
{{- if .secret }}{{ $found = append $found "a `secret` of auth.jwt" }}{{ end }}
{{- end }}
{{- range .config.upstream }}
{{- if .api_key }}{{ $found = append $found "an `api_key` of upstream" }}{{ end }}
{{- end }}
{{- range uniq $found }}
config or {{ $component.place }}.config holds a secret ({{ . }}): put it into a Secret, and name that by an existingSecret, secretEnv or secretFiles.
{{- end }}
{{- end }}
{{- end }}

{{- define "narthex.validate.ways" -}}
{{- with .Values }}
{{- if and (or .ingress.enabled .httpRoute.enabled) (not .gateway.enabled) }}
There is a way to gateways, but none of them: set gateway.enabled=true, or ingress.enabled=false and httpRoute.enabled=false.
{{- end }}
{{- if and .ingress.enabled (not .ingress.hosts) }}
The Ingress is for no host: list those that clients ask for in ingress.hosts.
{{- end }}
{{- if and .httpRoute.enabled (not .httpRoute.parentRefs) }}
The HTTPRoute belongs to no Gateway: list it in httpRoute.parentRefs, such as [{name: public, namespace: gateways}].
{{- end }}
{{- if and .httpRoute.envoyGateway (not .httpRoute.enabled) }}
httpRoute.envoyGateway is for an HTTPRoute that is not made: set httpRoute.enabled=true too.
{{- end }}
{{- end }}
{{- end }}

{{- define "narthex.validate.groups" -}}
{{- if not (or .Values.gateway.enabled .Values.workerGroups) }}
There would be neither gateways nor workers: set gateway.enabled=true, or add a group to workerGroups.
{{- end }}
{{- range include "narthex.components" . | fromYamlArray }}
{{- $component := dict "root" $ "it" . }}
{{- $place := .place }}
{{- if and (eq .role "worker") (not .config.upstream) }}
{{ $place }} has no model server to work for: list it in {{ $place }}.config.upstream, such as [{url: "http://vllm:8000/v1"}].
{{- end }}
{{- with .pods.autoscaling }}
{{- if .by }}
{{- if lt (int .minReplicas) 1 }}
{{ $place }}.autoscaling.minReplicas is 0: make it 1 or more, as who is not there serves nobody, and a model without workers does not exist for clients.
{{- end }}
{{- if lt (int .maxReplicas) (int .minReplicas) }}
{{ $place }}.autoscaling.maxReplicas is less than minReplicas: raise the one or lower the other.
{{- end }}
{{- end }}
{{- if and (eq .by "cpu") (not (dig "resources" "requests" "cpu" "" $component.it.pods)) }}
{{ $place }}.autoscaling.by is `cpu`, which is measured in parts of what was requested: set {{ $place }}.resources.requests.cpu.
{{- end }}
{{- if eq .by "queue" }}
{{- $reader := include "narthex.queueReader" $component }}
{{- if and (ne $reader "kafka") (not (include "narthex.models" $component.it | fromYamlArray)) }}
{{ $place }}.autoscaling.by is `queue`, and a queue belongs to a model, but none is named: list them as models of {{ $place }}.config.upstream, or in {{ $place }}.autoscaling.models.
{{- end }}
{{- if and $.Values.broker.existingSecret (ne $reader "prometheus") (not .keda.address) }}
{{ $place }}.autoscaling.by is `queue`, and KEDA cannot read the broker's address from broker.existingSecret: set {{ $place }}.autoscaling.keda.address to host:port, and keda.authentication if it takes a password.
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "narthex.validate.monitoring" -}}
{{- if and .Values.monitor.kind .Values.networkPolicy.enabled (not .Values.networkPolicy.metricsFrom) }}
There is a {{ .Values.monitor.kind }}, but the NetworkPolicy lets nobody read metrics: set networkPolicy.metricsFrom to where Prometheus runs, such as [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}].
{{- end }}
{{- end }}

{{- /* By what others than this cluster's pods reach the gateways, if they do. */ -}}
{{- define "narthex.exposed" -}}
{{- if .Values.ingress.enabled }}ingress.enabled
{{- else if .Values.httpRoute.enabled }}httpRoute.enabled
{{- else if ne .Values.gateway.service.type "ClusterIP" }}gateway.service.type={{ .Values.gateway.service.type }}
{{- end }}
{{- end }}
