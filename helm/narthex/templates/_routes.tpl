{{- /*
What controllers of Ingress and Gateway API must be told of connections that live for an hour and may say nothing for half a minute:
no time-out shorter than the gateway's own, nothing held back, and new connections to whoever has the fewest. What a controller does
not know it ignores. Whether a client comes back to the same gateway never matters; `stickiness` only saves a second gateway from reading the
same streams.
*/ -}}

{{- define "narthex.scheme" -}}
{{- dig "tls" "certificate_file" "" (include "narthex.gatewayConfig" . | fromYaml) | empty | ternary "http" "https" }}
{{- end }}

{{- /* Which controller the Ingress is for: as it was said, else what the name of its class tells. */ -}}
{{- define "narthex.controller" -}}
{{- .Values.ingress.controller | default .Values.ingress.className }}
{{- end }}

{{- define "narthex.ingressAnnotations" -}}
{{- $isTls := eq (include "narthex.scheme" .) "https" }}
{{- $service := printf "%s-gateway" (include "narthex.fullname" .) }}
{{- $sticky := .Values.ingress.stickiness }}
{{- $controller := include "narthex.controller" . }}
{{- if eq $controller "nginx" }}
nginx.ingress.kubernetes.io/proxy-read-timeout: "3600"
nginx.ingress.kubernetes.io/proxy-send-timeout: "3600"
nginx.ingress.kubernetes.io/proxy-buffering: "off"
# The gateway says itself what is too long, in a form that clients understand.
nginx.ingress.kubernetes.io/proxy-body-size: "0"
{{- if $isTls }}
nginx.ingress.kubernetes.io/backend-protocol: HTTPS
{{- end }}
{{- if $sticky }}
nginx.ingress.kubernetes.io/affinity: cookie
nginx.ingress.kubernetes.io/session-cookie-name: narthex
{{- end }}
{{- else if eq $controller "nginx.org" }}
nginx.org/proxy-read-timeout: 3600s
nginx.org/proxy-send-timeout: 3600s
nginx.org/proxy-buffering: "False"
nginx.org/client-max-body-size: "0"
nginx.org/lb-method: least_conn
nginx.org/websocket-services: {{ $service }}
{{- if $isTls }}
nginx.org/ssl-services: {{ $service }}
{{- end }}
{{- else if eq $controller "haproxy" }}
{{- /* Two controllers go by this name, HAProxy Technologies' and the community's. */}}
haproxy.org/timeout-server: 1h
haproxy.org/timeout-tunnel: 2h
haproxy.org/load-balance: leastconn
haproxy-ingress.github.io/timeout-server: 1h
haproxy-ingress.github.io/timeout-tunnel: 2h
haproxy-ingress.github.io/balance-algorithm: leastconn
{{- if $isTls }}
haproxy.org/server-ssl: "true"
haproxy-ingress.github.io/secure-backends: "true"
{{- end }}
{{- if $sticky }}
haproxy.org/cookie-persistence: narthex
haproxy-ingress.github.io/affinity: cookie
haproxy-ingress.github.io/session-cookie-name: narthex
{{- end }}
{{- else if and (eq $controller "traefik") .Values.ingress.tls.enabled }}
{{- /* Of the part `tls` it takes the certificates alone: without this, and unless its entry point says so, whoever comes by TLS gets 404. */}}
traefik.ingress.kubernetes.io/router.tls: "true"
{{- end }}
{{- end }}

{{- /*
Traefik has what concerns the way to the pods on the Service. Its time-outs are its entry points', and are for requests alone: a response
may be silent for as long as it likes, and a body that takes 60 s was refused by the gateway after 30.
*/ -}}
{{- define "narthex.serviceAnnotations" -}}
{{- if and .Values.ingress.enabled (eq (include "narthex.controller" .) "traefik") }}
{{- if eq (include "narthex.scheme" .) "https" }}
traefik.ingress.kubernetes.io/service.serversscheme: https
{{- end }}
{{- if .Values.ingress.stickiness }}
traefik.ingress.kubernetes.io/service.sticky.cookie: "true"
traefik.ingress.kubernetes.io/service.sticky.cookie.name: narthex
{{- end }}
{{- end }}
{{- end }}

{{- /* How others in the cluster find the gateways. */ -}}
{{- define "narthex.backendRef" -}}
name: {{ include "narthex.fullname" . }}-gateway
port: {{ .Values.gateway.service.port | default (eq (include "narthex.scheme" .) "https" | ternary 443 80) }}
{{- end }}
