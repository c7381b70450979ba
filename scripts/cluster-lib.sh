# Where the suite's cluster keeps things, and how to reach into it; sourced by the cluster scripts, after
# lib.sh.
# shellcheck shell=bash

# shellcheck disable=SC2034  # the scripts use them
{
  cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/mixbed
  state=$(realpath -m "${MIXBED_CLUSTER_DIR:-/var/lib/mixbed-cluster}")
  kubeconfig=$state/kubeconfig
  marker=.mixbed-cluster
  # One cluster a machine: its address, its link and its control group have one name.
  link=mixbed0
  host_address=10.99.0.1
  node_address=10.99.0.2
  group=mixbed-cluster
  components=(etcd containerd apiserver controller-manager scheduler kubelet proxy coredns kube-router)
}

need_root() {
  ((EUID == 0)) || fail "$1 needs root: it makes namespaces, mounts and control groups" \
    "As root: make $1" \
    "Or on a cluster of your own (kind, k3d, any): KUBECONFIG=… make e2e"
}

# The second field is the name, which may hold spaces and brackets: count from its end. Field 22 is the time
# of the start, which tells a process from a later one with its number.
started_at() { sed -n 's/.*) //p' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# Prints the process number of the cluster's first process, by which its namespaces are entered; fails if
# the cluster does not run.
cluster_pid() {
  local pid start
  read -r pid start 2>/dev/null <"$state/init.pid" || return 1
  [[ -n $start && $(started_at "$pid") == "$start" ]] || return 1
  echo "$pid"
}

# Runs a command in the cluster's namespaces.
inside() { nsenter --mount --net --pid --target "$(cluster_pid)" -- "$@"; }

# Whoever brings the cluster up or down waits here for another one that does.
take_turn() {
  mkdir -p "$cache/cluster"
  exec 9>"$cache/cluster/.lock"
  if ! flock --nonblock 9; then
    say "Another command is at work on the cluster: waiting for it."
    flock 9
  fi
}

# wait_for SECONDS WHAT COMMAND...: repeats the command until it succeeds; false once the time is over. Says
# what it waits for after two seconds.
wait_for() {
  local deadline=$((SECONDS + $1)) what=$2 told=$((SECONDS + 2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return 1
    if ((told > 0 && SECONDS >= told)); then
      say "    waiting for $what"
      told=0
    fi
    sleep 0.2
  done
}
