{{- /* The name of all objects, at most 63 characters with the suffixes of the dashboards. It begins with alicdn-export,
       because the Service's name is the job name, by which the alerts recognize the exporter. */}}
{{- define "exporter.name" -}}
{{- $name := printf "%s-%s" .Chart.Name .Release.Name }}
{{- if hasPrefix "alicdn-export" .Release.Name }}
{{- $name = .Release.Name }}
{{- end }}
{{- default $name .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "exporter.labels" -}}
{{ include "exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "exporter.serviceAccountName" -}}
{{- default (ternary (include "exporter.name" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{- /* The configuration file. Accounts without credentials use the keys of existingSecret. */}}
{{- define "exporter.config" -}}
{{- $accounts := list }}
{{- range .Values.accounts }}
{{- $account := . }}
{{- if and $.Values.existingSecret (not (hasKey . "credentials")) }}
{{- $credentials := dict "type" "access_key"
    "access_key_id_file" "/run/secrets/alicdn_export_exporter/access_key_id"
    "access_key_secret_file" "/run/secrets/alicdn_export_exporter/access_key_secret" }}
{{- $account = merge (dict "credentials" $credentials) . }}
{{- end }}
{{- $accounts = append $accounts $account }}
{{- end }}
{{- toYaml (dict "accounts" $accounts) }}
{{- end }}
