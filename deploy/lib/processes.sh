# Starting, finding and ending what quickstart started; saying what goes on. Sourced by deploy/quickstart; needs $dir.

step() { printf '\n== %s\n' "$*"; }
say() { printf '   %s\n' "$*"; }
fail() {
  printf 'quickstart: %s\n' "$*" >&2
  exit 1
}

# The kernel's start time of a process: with the pid it names one process for ever.
start_time() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  set -- $stat
  [[ $1 != Z ]] || return 1
  echo "${20}"
}

# start NAME COMMAND...: in a session of its own, so that it outlives us; output in log/NAME.log.
start() {
  local name=$1 pid
  shift
  setsid "$@" </dev/null >>"$dir/log/$name.log" 2>&1 8>&- &
  pid=$!
  disown
  echo "$name $pid $(start_time $pid || echo 0)" >>"$dir/processes"
}

# The pid of the newest process of that name, if it lives.
pid_of() {
  local name pid started found=""
  while read -r name pid started; do
    if [[ $name == "$1" && $(start_time "$pid") == "$started" ]]; then found=$pid; fi
  done < <(cat "$dir/processes" 2>/dev/null)
  echo "$found"
}

alive() { [[ -n $(pid_of "$1") ]]; }

any_alive() {
  local name pid started
  while read -r name pid started; do
    if [[ $(start_time "$pid") == "$started" ]]; then return 0; fi
  done < <(cat "$dir/processes" 2>/dev/null)
  return 1
}

# A daemon that somebody started again with PAYGATED_CMD has another pid: it is known by its settings file.
adopt_restarted_daemon() {
  local file pid
  for file in /proc/[0-9]*/cmdline; do
    if tr '\0' '\n' 2>/dev/null <"$file" | grep -qxF -e "--config-file=$dir/paygated.ini"; then
      pid=${file#/proc/}
      pid=${pid%/cmdline}
      if ! grep -q "^paygated $pid " "$dir/processes"; then echo "paygated $pid $(start_time "$pid" || echo 0)" >>"$dir/processes"; fi
    fi
  done
}

# end_one NAME PID STARTED SIGNAL: asks it to end, and makes it after 25 s: paygated gives itself 20.
end_one() {
  local pid=$2 started=$3 i
  [[ $(start_time "$pid") == "$started" ]] || return 0
  kill -s "$4" "$pid" 2>/dev/null || return 0
  for ((i = 0; i < 250; ++i)); do
    [[ $(start_time "$pid") == "$started" ]] || return 0
    sleep 0.1
  done
  say "$1 ($pid) does not end; it is killed"
  kill -s KILL "$pid" 2>/dev/null || true
}

# The daemon first, the database last.
stop_all() {
  [[ -f $dir/processes ]] || return 0
  adopt_restarted_daemon
  local wanted name pid started signal
  for wanted in paygated sandbox anvil postgres; do
    signal=TERM
    if [[ $wanted == postgres ]]; then signal=INT; fi # Fast shutdown: open sessions are ended.
    while read -r name pid started; do
      if [[ $name == "$wanted" ]]; then end_one "$name" "$pid" "$started" "$signal"; fi
    done <"$dir/processes"
  done
  rm -f "$dir/processes"
}

# wait_until SECONDS WHAT COMMAND...: tries the command until it succeeds.
wait_until() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    if ((SECONDS >= deadline)); then fail "waited too long for $what"; fi
    sleep 0.1
  done
}

# A port that nobody listens on. Below the range that the kernel gives to outgoing connections.
free_port() {
  local port
  while :; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    if [[ -z $(ss -Hltn "sport = :$port") ]]; then
      echo "$port"
      return
    fi
  done
}

random_hex() { od -An -tx1 -N"$1" /dev/urandom | tr -d ' \n'; }
