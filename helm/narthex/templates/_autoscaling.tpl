{{- /* Who scales a component is said by one value, `autoscaling.by`, so that two can never pull at it. */ -}}

{{- define "narthex.hpa" -}}
{{- $autoscaling := .it.pods.autoscaling }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
{{ include "narthex.componentMetadata" . }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ include "narthex.name" . }}}
  minReplicas: {{ $autoscaling.minReplicas }}
  maxReplicas: {{ $autoscaling.maxReplicas }}
  metrics:
    - {{ include "narthex.hpaMetric" $autoscaling | nindent 6 | trim }}
  behavior:
    {{- toYaml $autoscaling.behavior | nindent 4 }}
{{- end }}

{{- define "narthex.hpaMetric" -}}
{{- if eq .by "cpu" }}
type: Resource
resource:
  name: cpu
  target: {type: Utilization, averageUtilization: {{ .cpuPercent }}}
{{- else }}
{{- $metrics := dict "connections" "narthex_gateway_connections" "load" "narthex_worker_running_responses" }}
type: Pods
pods:
  metric: {name: {{ get $metrics .by }}}
  target: {type: AverageValue, averageValue: {{ eq .by "connections" | ternary .connectionsPerPod .responsesPerPod | int64 | quote }}}
{{- end }}
{{- end }}

{{- define "narthex.scaledObject" -}}
{{- $autoscaling := .it.pods.autoscaling }}
{{- $name := include "narthex.name" . }}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
{{ include "narthex.componentMetadata" . }}
spec:
  scaleTargetRef: {name: {{ $name }}}
  minReplicaCount: {{ $autoscaling.minReplicas }}
  maxReplicaCount: {{ $autoscaling.maxReplicas }}
  pollingInterval: {{ $autoscaling.keda.pollingSeconds }}
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        {{- toYaml $autoscaling.behavior | nindent 8 }}
  triggers:
    {{- range include "narthex.triggers" . | fromYamlArray }}
    - {{ mergeOverwrite . (dict "metadata" $autoscaling.keda.metadata) | toYaml | nindent 6 | trim }}
      {{- if $autoscaling.keda.authentication }}
      authenticationRef: {name: {{ $name }}}
      {{- end }}
    {{- end }}
{{- end }}

{{- /* By what KEDA scales, as a list in YAML. */ -}}
{{- define "narthex.triggers" -}}
{{- $component := . }}
{{- $trigger := include "narthex.queueReader" . }}
{{- if eq $trigger "kafka" }}
- {{ include "narthex.kafkaTrigger" . | nindent 2 | trim }}
{{- else }}
{{- range include "narthex.models" .it | fromYamlArray }}
- {{ include (printf "narthex.%sTrigger" $trigger) (merge (dict "model" .) $component) | nindent 2 | trim }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Where KEDA reads how much there is to do: `prometheus`, `redis` or `kafka`. */ -}}
{{- define "narthex.queueReader" -}}
{{- .it.pods.autoscaling.keda.prometheus | empty | ternary (include "narthex.brokerKind" .root) "prometheus" }}
{{- end }}

{{- /* What waits, as each gateway tells it, and what is at work: on any broker what the length of the queue is on Redis. */ -}}
{{- define "narthex.prometheusTrigger" -}}
{{- $where := printf "{namespace=%q,model=%q}" .root.Release.Namespace .model }}
type: prometheus
metadata:
  serverAddress: {{ .it.pods.autoscaling.keda.prometheus }}
  query: {{ printf "(max(narthex_gateway_queue_waiting%s) or vector(0)) + (sum(narthex_worker_running_responses%s) or vector(0))" $where $where | squote }}
  threshold: {{ .it.pods.autoscaling.responsesPerPod | int64 | quote }}
{{- end }}

{{- /*
The length of a model's queue. A job leaves it at its end, so this is what waits and what is at work, and a worker that is busy with
claimed jobs is not taken away as one that has nothing to do. KEDA takes the length if no group of consumers is named.
*/ -}}
{{- define "narthex.redisTrigger" -}}
{{- $url := .it.config.broker | default "redis://" }}
{{- $isCluster := or (contains "+cluster://" $url) (contains "," $url) }}
type: {{ ternary "redis-cluster-streams" "redis-streams" $isCluster }}
metadata:
  {{ ternary "addresses" "address" $isCluster }}: {{ include "narthex.brokerAddress" . | quote }}
  stream: {{ printf "%s{jobs:%s}:queue" (dig "redis" "key_prefix" "nx:" .it.config) .model | quote }}
  streamLength: {{ .it.pods.autoscaling.responsesPerPod | int64 | quote }}
  {{- if and (not $isCluster) (regexMatch "/[0-9]+$" $url) }}
  databaseIndex: {{ regexFind "[0-9]+$" $url | quote }}
  {{- end }}
  {{- if hasPrefix "rediss" $url }}
  enableTLS: "true"
  {{- end }}
{{- end }}

{{- /*
Records since the oldest unfinished job, of all models: see docs/operations.md. Workers are no members of that group, so there may be
more of them than partitions. Kafka 4 answers no client that speaks an older version than 2.1, which is what KEDA would do.
*/ -}}
{{- define "narthex.kafkaTrigger" -}}
{{- $url := .it.config.broker | default "kafka://" }}
{{- $prefix := dig "kafka" "topic_prefix" "narthex." .it.config }}
type: kafka
metadata:
  bootstrapServers: {{ include "narthex.brokerAddress" . | quote }}
  consumerGroup: {{ printf "%sreaders" $prefix | quote }}
  topic: {{ printf "%sjobs" $prefix | quote }}
  lagThreshold: {{ .it.pods.autoscaling.kafkaLagPerPod | int64 | quote }}
  allowIdleConsumers: "true"
  offsetResetPolicy: earliest
  version: 2.8.0
  {{- if hasPrefix "kafkas" $url }}
  tls: enable
  {{- end }}
  {{- if dig "kafka" "sasl" "username" "" .it.config }}
  sasl: {{ get (dict "PLAIN" "plaintext" "SCRAM-SHA-256" "scram_sha256") (dig "kafka" "sasl" "mechanism" "" .it.config) | default "scram_sha512" }}
  {{- end }}
{{- end }}

{{- /*
`host:port`, with commas between several: what was set for KEDA, else the broker's own. KEDA looks names up from its own namespace, where
`redis` is nobody or somebody else: a name without a dot is a Service of the release's namespace, and gets that.
*/ -}}
{{- define "narthex.brokerAddress" -}}
{{- $port := eq (include "narthex.brokerKind" .root) "kafka" | ternary "9092" "6379" }}
{{- $hosts := list }}
{{- range splitList "," (regexReplaceAll "^[a-z+]+://" (.it.config.broker | default "") "") }}
{{- $host := regexReplaceAll "[/?].*$" (regexReplaceAll "^.*@" (trim .) "") "" }}
{{- if not (regexMatch "^localhost(:|$)" $host) }}
{{- $host = regexReplaceAll "^([A-Za-z0-9-]+)(:[0-9]+)?$" $host (printf "${1}.%s${2}" $.root.Release.Namespace) }}
{{- end }}
{{- $hosts = append $hosts (regexMatch ":[0-9]+$" $host | ternary $host (printf "%s:%s" $host $port)) }}
{{- end }}
{{- .it.pods.autoscaling.keda.address | default (join "," $hosts) }}
{{- end }}

{{- /* The models that a group serves, as a list in YAML: what was set for scaling, else those of its model servers. */ -}}
{{- define "narthex.models" -}}
{{- $models := .pods.autoscaling.models | default list }}
{{- if not $models }}
{{- range .config.upstream }}
{{- if kindIs "slice" .models }}
{{- range .models }}
{{- if kindIs "map" . }}
{{- $models = append $models .name }}
{{- else }}
{{- $models = append $models . }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- uniq $models | toYaml }}
{{- end }}

{{- /* What KEDA says of itself to the broker, from Secrets. */ -}}
{{- define "narthex.triggerAuthentication" -}}
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
{{ include "narthex.componentMetadata" . }}
spec:
  secretTargetRef:
    {{- range .it.pods.autoscaling.keda.authentication }}
    - {parameter: {{ .parameter }}, name: {{ .existingSecret }}, key: {{ .key }}}
    {{- end }}
{{- end }}
