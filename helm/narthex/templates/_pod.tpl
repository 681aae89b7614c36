{{- /* A Deployment of a component: (dict "root" $ "it" component). */ -}}
{{- define "narthex.deployment" -}}
{{- $pods := .it.pods }}
apiVersion: apps/v1
kind: Deployment
{{ include "narthex.componentMetadata" . }}
spec:
  {{- if not $pods.autoscaling.by }}
  replicas: {{ $pods.replicas }}
  {{- end }}
  revisionHistoryLimit: 3
  # A new pod is ready before an old one goes: there is never less room than before.
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}
  selector:
    matchLabels:
      {{- include "narthex.componentSelector" . | nindent 6 }}
  template:
    metadata:
      # Without those that tell a version: a new chart alone replaces no pods.
      labels:
        {{- include "narthex.componentSelector" . | nindent 8 }}
        {{- with merge (deepCopy $pods.podLabels) .root.Values.commonLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        # The settings are read at the start, so pods are replaced when they change.
        checksum/config: {{ include "narthex.toml" . | sha256sum }}
        {{- with $pods.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "narthex.podSpec" . | trim | nindent 6 }}
{{- end }}

{{- define "narthex.podSpec" -}}
{{- $pods := .it.pods }}
serviceAccountName: {{ include "narthex.serviceAccountName" .root }}
automountServiceAccountToken: false
# Else each Service of the namespace adds variables, and those of Narthex's own begin like its settings.
enableServiceLinks: false
# The pause before the stop, the drain, and a little more: nothing is cut off.
terminationGracePeriodSeconds: {{ add ($pods.preStopSeconds | default 0) (include "narthex.drainSeconds" .) 10 }}
securityContext:
  {{- include "narthex.podSecurity" (dict "user" 65532) | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- include "narthex.placement" . }}
containers:
  - name: narthex
    {{- with .root.Values.image }}
    image: {{ printf "%s%s" .repository (.digest | empty | ternary (printf ":%s" (.tag | default $.root.Chart.AppVersion)) (printf "@%s" .digest)) }}
    imagePullPolicy: {{ .pullPolicy }}
    {{- end }}
    args: [{{ .it.role }}]
    env:
      {{- include "narthex.env" . | trim | nindent 6 }}
    ports:
      {{- if eq .it.role "gateway" }}
      - {name: clients, containerPort: 8080}
      {{- end }}
      - {name: admin, containerPort: 9090}
    # Alive is who answers; ready is who has a broker, and knows its callers or its models.
    livenessProbe:
      httpGet: {path: /healthz, port: admin}
      periodSeconds: 10
      timeoutSeconds: 3
    readinessProbe:
      httpGet: {path: /readyz, port: admin}
      periodSeconds: 5
      timeoutSeconds: 3
    {{- if $pods.preStopSeconds }}
    # Until every proxy knows that this pod goes, it takes in who comes: the drain closes the port at once.
    lifecycle:
      preStop:
        sleep: {seconds: {{ $pods.preStopSeconds }}}
    {{- end }}
    {{- with $pods.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      {{- include "narthex.containerSecurity" . | nindent 6 }}
    volumeMounts:
      - {name: config, mountPath: /etc/narthex/config, readOnly: true}
      {{- range include "narthex.secretFiles" . | fromYamlArray }}
      - {name: {{ .name }}, mountPath: {{ include "narthex.secretsFolder" $ }}/{{ .name }}, readOnly: true}
      {{- end }}
volumes:
  - name: config
    configMap:
      name: {{ include "narthex.name" . }}
  {{- range include "narthex.secretFiles" . | fromYamlArray }}
  - name: {{ .name }}
    secret:
      secretName: {{ .existingSecret }}
      defaultMode: 0440
  {{- end }}
{{- end }}

{{- define "narthex.env" -}}
- {name: NARTHEX_CONFIG, value: /etc/narthex/config/narthex.toml}
# The image says the same of all addresses of IPv4.
- {name: NARTHEX_ADMIN_LISTEN, value: {{ printf "%s:9090" .root.Values.bindAddress | quote }}}
{{- if eq .it.role "gateway" }}
- {name: NARTHEX_LISTEN, value: {{ printf "%s:8080" .root.Values.bindAddress | quote }}}
{{- end }}
{{- include "narthex.secretEnv" . }}
{{- with .it.pods.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Where pods may run. Those of a component are spread for each of its versions by itself, else a deploy tilts them. */ -}}
{{- define "narthex.placement" -}}
{{- $it := . }}
{{- with .it.pods }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .topologySpread }}
topologySpreadConstraints:
  {{- range . }}
  - {{ toYaml . | nindent 4 | trim }}
    labelSelector:
      matchLabels:
        {{- include "narthex.componentSelector" $it | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- end }}
{{- end }}
