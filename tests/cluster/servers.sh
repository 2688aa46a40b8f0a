# shellcheck shell=bash disable=SC2154
# Starts and stops the servers of one cluster. All that belongs to it is in its state folder:
#
#   kubeconfig  contexts admin (current), viewer and nobody
#   server      the URL of the API server
#   servers     one line a process: name, pid, start time; its presence marks a state folder
#   baseline    what the cluster held when it came up, for reset
#   pki/ etcd/ logs/ tokens.csv kwok.yaml container.log

# Prints when a process started, in clock ticks since boot; fails when it is gone. A pid alone may have
# gone to another process in the meantime; pid and start time together belong to one process for ever.
start_time() {
  local stat fields
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
  # The command's name in parentheses may itself hold blanks and parentheses.
  read -ra fields <<<"${stat##*) }"
  # A zombie is gone but for its parent's look at the exit code.
  [[ ${fields[0]} != [ZX] ]] && echo "${fields[19]}"
}

runs() {
  [[ $(start_time "$1") == "$2" ]]
}

# launch DIR NAME COMMAND…: starts a server in a session of its own, so that no Ctrl-C reaches it.
launch() {
  local dir=$1 name=$2 pid
  shift 2
  launching=yes
  (
    cd "$dir" || exit
    exec </dev/null >>"logs/$name.log" 2>&1
    # Left open, a pipe of the caller would keep its reader waiting for as long as the server runs.
    for fd in /proc/self/fd/*; do
      fd=${fd##*/}
      if ((fd > 2)); then eval "exec $fd>&-"; fi
    done
    exec setsid "$@"
  ) &
  pid=$!
  # Bash would otherwise report the end of each server.
  disown "$pid"
  echo "$name $pid $(start_time "$pid" || echo gone)" >>"$dir/servers"
  launching=
  if [[ -n ${interrupted:-} ]]; then exit "$interrupted"; fi
}

# Ends the program with this exit code, but not while a server is started and not yet written down.
interrupt() {
  interrupted=$1
  if [[ -z ${launching:-} ]]; then exit "$1"; fi
}

# Prints the name of the first server that has ended.
ended_server() {
  local name pid started
  while read -r name pid started; do
    runs "$pid" "$started" || { echo "$name"; return 0; }
  done <"$1/servers"
  return 1
}

# Ends all servers of a cluster and waits until they are gone. The state is thrown away, so nothing is
# gained by asking first; an API server that has lost its etcd would take its time to leave.
stop_servers() {
  local name pid started
  while read -r name pid started; do
    if runs "$pid" "$started"; then kill -KILL "$pid" 2>/dev/null || true; fi
  done <"$1/servers"
  while read -r name pid started; do
    while runs "$pid" "$started"; do sleep .01; done
  done <"$1/servers"
}

# Sets api_port and kubelet_port to ports that are free now. They may be taken before the servers listen;
# start_cluster then tries again. HSU_TEST_FIRST_PORTS, two numbers, is what a test tries first.
choose_ports() {
  if [[ -n ${HSU_TEST_FIRST_PORTS:-} ]]; then
    read -r api_port kubelet_port <<<"$HSU_TEST_FIRST_PORTS"
    unset HSU_TEST_FIRST_PORTS
    return
  fi
  read -r api_port kubelet_port < <(python3 - <<'PYTHON'
import socket
sockets = [socket.socket() for _ in range(2)]
for each in sockets:
    each.bind(("127.0.0.1", 0))
print(*[each.getsockname()[1] for each in sockets])
PYTHON
  )
}

# An authority and one certificate of the API server and the kubelets. Elliptic keys take no time to make.
write_certificates() {
  (
    cd "$1/pki"
    for key in ca server service-account; do
      openssl ecparam -name prime256v1 -genkey -noout -out "$key.key"
    done
    openssl req -x509 -new -key ca.key -out ca.crt -days 365 -subj /CN=helm-safe-upgrade-test \
      -addext keyUsage=critical,keyCertSign,cRLSign
    openssl req -new -key server.key -out server.csr -subj /CN=127.0.0.1
    cat >extensions <<'EXTENSIONS'
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectAltName=IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
EXTENSIONS
    openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 365 \
      -extfile extensions
  ) >"$1/logs/openssl.log" 2>&1 || fail 'cannot make certificates with openssl' "$(tail -n 3 "$1/logs/openssl.log")"
}

# The users' tokens and a kubeconfig with a context for each. Nobody grants anything to `nobody`.
write_kubeconfig() {
  local dir=$1 user token
  echo "https://127.0.0.1:$api_port" >"$dir/server"
  : >"$dir/tokens.csv"
  {
    echo 'apiVersion: v1'
    echo 'kind: Config'
    echo 'current-context: admin'
    echo "clusters: [{name: test, cluster: {server: \"https://127.0.0.1:$api_port\"," \
      "certificate-authority-data: $(base64 -w0 "$dir/pki/ca.crt")}}]"
    echo 'contexts:'
    for user in admin viewer nobody; do
      echo "- {name: $user, context: {cluster: test, user: $user, namespace: default}}"
    done
    echo 'users:'
    for user in admin viewer nobody; do
      token=$(openssl rand -hex 16)
      echo "- {name: $user, user: {token: \"$token\"}}"
      echo "$token,$user,$user$([[ $user != admin ]] || echo ',system:masters')" >>"$dir/tokens.csv"
    done
  } >"$dir/kubeconfig"
}

# kwok's own configuration: how pods behave, and what `logs` of any container shows.
write_kwok_configuration() {
  local dir=$1
  echo '2026-01-01T00:00:00.000000000Z stderr F fatal: cannot reach database "orders": connection refused' \
    >"$dir/container.log"
  {
    cat "$here/stages.yaml"
    echo '---'
    echo '{apiVersion: kwok.x-k8s.io/v1alpha1, kind: ClusterLogs, metadata: {name: every-container},'
    echo ' spec: {logs: [{logsFile: container.log, previousLogsFile: container.log, follow: false}]}}'
  } >"$dir/kwok.yaml"
}

# etcd listens on sockets in the state folder: no port to race for, and no other user can reach it. Alone, it
# need not wait for the votes of others, so short terms let it start sooner.
launch_etcd() {
  launch "$1" etcd "$kubernetes_bin/etcd" --name test --data-dir etcd \
    --listen-client-urls unix://etcd-client:0 --advertise-client-urls unix://etcd-client:0 \
    --listen-peer-urls unix://etcd-peer:0 --initial-advertise-peer-urls unix://etcd-peer:0 \
    --initial-cluster test=unix://etcd-peer:0 --heartbeat-interval 20 --election-timeout 200 \
    --unsafe-no-fsync --quota-backend-bytes 8000000000
}

launch_api_server() {
  launch "$1" kube-apiserver "$kubernetes_bin/kube-apiserver" --etcd-servers unix://etcd-client:0 \
    --bind-address 127.0.0.1 --secure-port "$api_port" --tls-cert-file pki/server.crt --tls-private-key-file pki/server.key \
    --client-ca-file pki/ca.crt --kubelet-certificate-authority pki/ca.crt --kubelet-preferred-address-types InternalIP \
    --token-auth-file tokens.csv \
    --service-account-key-file pki/service-account.key --service-account-signing-key-file pki/service-account.key \
    --service-account-issuer https://kubernetes.default.svc --service-cluster-ip-range 10.96.0.0/16 \
    --authorization-mode RBAC --allow-privileged --disable-admission-plugins TaintNodesByCondition
}

# The rate limits that clients have by default would slow tests down.
client_flags=(--kubeconfig kubeconfig --leader-elect=false --bind-address 127.0.0.1 --secure-port 0
  --kube-api-qps 500 --kube-api-burst 1000)

launch_scheduler_and_kwok() {
  launch "$1" kube-scheduler "$kubernetes_bin/kube-scheduler" "${client_flags[@]}"
  launch "$1" kwok "$kwok_bin/kwok" --kubeconfig kubeconfig --manage-all-nodes --config kwok.yaml \
    --server-address "127.0.0.1:$kubelet_port" --node-ip 127.0.0.1 --node-port "$kubelet_port" \
    --tls-cert-file pki/server.crt --tls-private-key-file pki/server.key
}

# Without real kubelets the node lifecycle controller would mark every pod unready.
launch_controller_manager() {
  launch "$1" kube-controller-manager "$kubernetes_bin/kube-controller-manager" "${client_flags[@]}" \
    --service-account-private-key-file pki/service-account.key --root-ca-file pki/ca.crt \
    --pvclaimbinder-sync-period 1s \
    --controllers '*,-nodeipam,-node-lifecycle-controller,-cloud-node-lifecycle-controller'
}

# One attempt; fails when a server ends or the cluster does not become ready. Each server is started as soon
# as it can make use of the time, which ready.py tells.
start_servers() {
  local dir=$1 steps step
  rm -rf "$dir"/etcd* "$dir/logs"
  mkdir -p "$dir/logs" "$dir/pki" "$dir/etcd"
  : >"$dir/servers"
  launch_etcd "$dir"
  write_certificates "$dir"
  choose_ports
  write_kubeconfig "$dir"
  write_kwok_configuration "$dir"
  launch_api_server "$dir"
  exec {steps}< <(exec python3 "$here/ready.py" "$dir")
  ready_pid=$!
  while read -r -u "$steps" step; do
    case $step in
      serving) launch_scheduler_and_kwok "$dir" ;;
      healthy) launch_controller_manager "$dir" ;;
    esac
  done
  exec {steps}<&-
  wait "$ready_pid"
}

# Starts a cluster in a new or empty folder, trying other ports when one was taken by someone else.
start_cluster() {
  local dir=$1 attempt name
  for attempt in 1 2 3 4 5; do
    if start_servers "$dir"; then return 0; fi
    name=$(ended_server "$dir") || name=kube-apiserver
    stop_servers "$dir"
    if ((attempt == 5)) || ! grep -q 'address already in use' "$dir/logs/$name.log"; then break; fi
    echo "testcluster: a port was taken by another program; trying others" >&2
  done
  echo "the last lines of $name's log:" >&2
  tail -n 20 "$dir/logs/$name.log" | cut -c1-1000 >&2
  return 1
}
