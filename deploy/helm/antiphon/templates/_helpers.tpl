{{- define "antiphon.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "antiphon.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "antiphon.selector" . }}
{{- end -}}

{{- define "antiphon.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "antiphon.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "antiphon.secret" -}}
{{ include "antiphon.fullname" . }}
{{- end -}}

{{/* Where the address of the database is, as valueFrom has it. Exactly one way must be said. */}}
{{- define "antiphon.databaseSecret" -}}
{{- $ways := list -}}
{{- if .Values.database.existingSecret }}{{ $ways = append $ways "database.existingSecret" }}{{ end -}}
{{- if .Values.database.url }}{{ $ways = append $ways "database.url" }}{{ end -}}
{{- if .Values.postgresql.enabled }}{{ $ways = append $ways "postgresql.enabled" }}{{ end -}}
{{- if not $ways -}}
{{- fail "servers need a PostgreSQL: set database.existingSecret, database.url, or postgresql.enabled for a trial" -}}
{{- end -}}
{{- if gt (len $ways) 1 -}}
{{- fail (printf "servers have one PostgreSQL: set only one of %s" (join " and " $ways)) -}}
{{- end -}}
{{- if .Values.database.existingSecret -}}
name: {{ .Values.database.existingSecret }}
key: {{ .Values.database.existingSecretKey }}
{{- else -}}
name: {{ include "antiphon.secret" . }}
key: database-url
{{- end -}}
{{- end -}}

{{- define "antiphon.databaseUrl" -}}
{{- if .Values.postgresql.enabled -}}
postgresql://antiphon:{{ required "set postgresql.password" .Values.postgresql.password }}@{{ include "antiphon.fullname" . }}-postgresql:5432/antiphon
{{- else -}}
{{ .Values.database.url }}
{{- end -}}
{{- end -}}

{{- define "antiphon.encryptionSecret" -}}
{{- if and .Values.encryptionKey.existingSecret .Values.encryptionKey.value -}}
{{- fail "set only one of encryptionKey.existingSecret and encryptionKey.value" -}}
{{- end -}}
{{- if .Values.encryptionKey.existingSecret -}}
name: {{ .Values.encryptionKey.existingSecret }}
key: {{ .Values.encryptionKey.existingSecretKey }}
{{- else -}}
{{- if not .Values.encryptionKey.value -}}
{{- fail "servers need one key for secrets: set encryptionKey.existingSecret, or encryptionKey.value (docs/blocks.md says how to make one)" -}}
{{- end -}}
name: {{ include "antiphon.secret" . }}
key: encryption-key
{{- end -}}
{{- end -}}

{{- define "antiphon.leaseStorageSecret" -}}
{{- if and .Values.leaseStorage.existingSecret .Values.leaseStorage.url -}}
{{- fail "set only one of leaseStorage.existingSecret and leaseStorage.url" -}}
{{- end -}}
{{- if .Values.leaseStorage.existingSecret -}}
name: {{ .Values.leaseStorage.existingSecret }}
key: {{ .Values.leaseStorage.existingSecretKey }}
{{- else -}}
name: {{ include "antiphon.secret" . }}
key: lease-storage-url
{{- end -}}
{{- end -}}

{{/* Of every container of ours. */}}
{{- define "antiphon.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "antiphon.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end -}}
