{{- define "kinds.pod" -}}
serviceAccountName: {{ .Release.Name }}
hostNetwork: false
securityContext: {}
nodeSelector: {}
tolerations: []
initContainers:
  - name: wait
    image: {{ .Values.image }}
    command: ["sh", "-c", "true"]
containers:
  - name: web
    image: {{ .Values.image }}
    imagePullPolicy: IfNotPresent
    args: ["--port", "8080"]
    env:
      - name: MODE
        value: "1000m"
      - name: EMPTY
        value: ""
      - name: NAME
        valueFrom:
          fieldRef:
            fieldPath: metadata.name
      - name: CPUS
        valueFrom:
          resourceFieldRef:
            resource: limits.cpu
    envFrom:
      - configMapRef: {name: {{ .Release.Name }}}
    ports:
      - name: http
        containerPort: 8080
      - name: admin
        containerPort: 8081
        protocol: TCP
    resources:
      requests: {cpu: {{ .Values.cpu }}, memory: {{ .Values.memory }}}
      limits: {cpu: 2, memory: 1.5Gi}
    readinessProbe:
      httpGet: {path: /, port: http}
    volumeMounts:
      - {name: config, mountPath: /etc/web, readOnly: true}
      - {name: scratch, mountPath: /tmp}
    securityContext:
      runAsNonRoot: true
      capabilities: {drop: [ALL]}
volumes:
  - name: config
    configMap: {name: {{ .Release.Name }}, defaultMode: 0644}
  - name: scratch
    emptyDir: {sizeLimit: 1024Mi}
  - name: token
    projected:
      sources:
        - serviceAccountToken: {path: token}
        - downwardAPI:
            items:
              - path: name
                fieldRef: {fieldPath: metadata.name}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels: {app: {{ .Release.Name }}}
{{- end }}
{{- define "kinds.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/name: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
