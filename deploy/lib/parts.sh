# Building, and starting each part on a free port. Sourced by deploy/quickstart; sets $dsn, $rpc_url, $sandbox_url, $daemon_url, $ctl_port.

paygated=$root/build/daemon/paygated
paygatectl=$root/build/ctl/paygatectl
sandbox=$root/build/sandbox/paygate-sandbox

# Shows ninja's "[n/m] ..." as one moving line on a terminal, else a line at each tenth.
show_progress() {
  local line number total last=-1
  while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
    number=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]}
    if [[ -t 1 ]]; then
      printf '\r   compiled %d of %d ' "$number" "$total"
    elif ((number * 10 / total != last)); then
      last=$((number * 10 / total))
      say "compiled $number of $total"
    fi
  done
  if [[ -t 1 && -n ${number:-} ]]; then printf '\n'; fi
}

build() {
  local log=$dir/log/build.log start=$SECONDS
  mkdir -p "$root/build"
  exec 7>"$root/build/.quickstart-lock"
  if ! flock -n 7; then
    say "another quickstart is building; waiting for it"
    flock 7
  fi
  say "the first build takes minutes; its log is $log"
  (cd "$root" && cmake --preset release) >"$log" 2>&1 || fail "cmake failed"
  if ! cmake --build "$root/build" --target paygated paygatectl paygate-sandbox 2>&1 | tee -a "$log" | show_progress; then
    grep -m 5 -A 10 'FAILED:\|error:' "$log" >&2 || true
    fail "the build failed"
  fi
  exec 7>&-
  say "built in $((SECONDS - start)) s"
}

put_secret() { (umask 077 && echo "$2" >"$dir/secrets/$1"); } # put_secret NAME VALUE

make_secrets() {
  local name
  (umask 077 && mkdir -p "$dir/secrets")
  for name in NOWPAYMENTS_API_KEY NOWPAYMENTS_IPN_SECRET CHANGENOW_API_KEY TELEGRAM_WEBHOOK_SECRET ETHEREUM_RPC_WEBHOOK_SECRET \
    JWT_SECRET_KEY SUCCESS_URL_SIGNING_KEY INTERNAL_SIGNING_KEY SENDGRID_API_KEY COINGECKO_API_KEY CRYPTOCOMPARE_API_KEY \
    ONEINCH_API_KEY HOST_WALLET_PRIVATE_KEY; do
    put_secret "$name" "$(random_hex 32)"
  done
  put_secret TELEGRAM_BOT_TOKEN "7000000001:$(random_hex 17)"
}

# The words that make a command run as a user that PostgreSQL accepts: it refuses root.
as_postgres=()
if ((EUID == 0)); then as_postgres=(setpriv --reuid=postgres --regid=postgres --clear-groups); fi

start_postgres() {
  local bin home=$dir/pg password port try
  bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin | sort -V | tail -n 1)
  [[ -x $bin/initdb ]] || fail "PostgreSQL's server is missing; run deploy/install-packages"
  mkdir -p "$home"
  if ((EUID == 0)); then
    chown postgres:postgres "$home"
    # A folder above may be closed to others; then the data goes where the server can reach it.
    if ! "${as_postgres[@]}" test -w "$home"; then
      home=$("${as_postgres[@]}" mktemp -d /tmp/paygate-pg-XXXXXX)
      echo "$home" >"$dir/pg.path"
    fi
  fi
  password=$(random_hex 16)
  echo "$password" | "${as_postgres[@]}" sh -c "umask 077 && cat >'$home/password'"
  (cd / && "${as_postgres[@]}" "$bin/initdb" -D "$home/data" -U paygate -A scram-sha-256 --pwfile="$home/password" -E UTF8 \
    --locale=C.UTF-8 --no-sync) >"$dir/log/initdb.log" 2>&1 || fail "initdb failed"
  for try in 1 2 3; do
    port=$(free_port)
    start postgres "${as_postgres[@]}" "$bin/postgres" -D "$home/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories=
    dsn=postgresql://paygate:$password@127.0.0.1:$port/paygate
    if answers_or_ends postgres 30 psql_to postgres 'SELECT 1'; then break; fi
    ((try < 3)) || fail "PostgreSQL does not start"
  done
  psql_to postgres 'CREATE DATABASE paygate'
  put_secret DATABASE_URL "$dsn"
  say "PostgreSQL $("$bin/postgres" --version | awk '{print $3}') on port $port"
}

# The password goes by the environment: command lines are for everybody on the machine to read.
psql_to() { # psql_to DATABASE SQL
  PGPASSWORD=$password psql -XqAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U paygate -d "$1" -c "$2" >/dev/null 2>&1
}

# answers_or_ends NAME SECONDS COMMAND...: waits for the command to succeed; fails when the process ends before, or in the end.
answers_or_ends() {
  local name=$1 deadline=$((SECONDS + $2))
  shift 2
  until "$@"; do
    if ! alive "$name" || ((SECONDS >= deadline)); then return 1; fi
    sleep 0.05
  done
}

# rpc METHOD PARAMS: the result, a string without its quotes.
rpc() {
  curl -fsS -m 10 -H 'Content-Type: application/json' -d "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$1\",\"params\":$2}" "$rpc_url" |
    jq -er 'if .error then error(.error.message) else .result end'
}

chain_answers() { [[ $(rpc eth_chainId '[]' 2>/dev/null) == 0x7a69 ]]; }

# The wallet starts with the gas float only: nothing can be paid out that did not come in.
gas_float_wei=50000000000000000
rich=0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266 # anvil's first dev account

start_chain() {
  local port hash try
  for try in 1 2 3; do
    port=$(free_port)
    rpc_url=http://127.0.0.1:$port
    # A block for each transaction, and one each second so that confirmations grow.
    start anvil "$anvil" --host 127.0.0.1 --port "$port" --chain-id 31337 --block-time 1 --mixed-mining --silent --cache-path "$dir/chain"
    if answers_or_ends anvil 20 chain_answers; then break; fi
    ((try < 3)) || fail "anvil does not start"
  done
  put_secret ETHEREUM_RPC_URL "$rpc_url"
  wallet_address=$("$paygated" --secrets-dir="$dir/secrets" --wallet-address) || fail "paygated does not tell the wallet's address"
  hash=$(rpc eth_sendTransaction "[{\"from\":\"$rich\",\"to\":\"$wallet_address\",\"value\":\"$(printf '0x%x' $gas_float_wei)\"}]")
  wait_until 10 "the gas float's block" mined "$hash"
  say "Ethereum node (anvil, chain 31337) on port $port; hot wallet $wallet_address with $(eth_text $gas_float_wei) ETH for gas"
}

mined() { [[ $(rpc eth_getTransactionReceipt "[\"$1\"]" 2>/dev/null | jq -r .status) == 0x1 ]]; }

# The daemon's name in the cluster is quickstart; the operator's, who may steer it, too.
make_certificates() {
  "$root/deploy/certificates" "$dir/certificates" authority
  "$root/deploy/certificates" "$dir/certificates" node quickstart
  "$root/deploy/certificates" "$dir/certificates" operator quickstart
  say "certificates for the cluster's port: $dir/certificates"
}

# They are fixed, so that the daemon can be killed and started again at the same place.
choose_daemon_ports() {
  daemon_port=$(free_port)
  ctl_port=$(free_port)
  daemon_url=http://127.0.0.1:$daemon_port
}

start_sandbox() {
  start sandbox "$sandbox" --port-file "$dir/sandbox.port" --rpc-url "$rpc_url" --hot-wallet "$wallet_address" --daemon-url "$daemon_url" \
    --secrets-dir "$dir/secrets" --ipn-delay 150
  answers_or_ends sandbox 20 test -s "$dir/sandbox.port" || fail "paygate-sandbox does not start"
  sandbox_url=http://127.0.0.1:$(<"$dir/sandbox.port")
  say "sandbox (NOWPayments, ChangeNOW, Telegram, ...) at $sandbox_url"
}

write_settings() {
  cat >"$dir/paygated.ini" <<TEXT
secrets-dir="$dir/secrets"
sandbox=true

[http]
port=$daemon_port
public_url="$daemon_url"
[cluster]
port=$ctl_port
tls_dir="$dir/certificates/node/quickstart"
[node]
name="quickstart"
[ethereum]
chain_id=31337
[nowpayments]
base_url="$sandbox_url/nowpayments"
[changenow]
base_url="$sandbox_url/changenow"
[telegram]
base_url="$sandbox_url/telegram"
[sendgrid]
base_url="$sandbox_url/sendgrid"
[coingecko]
base_url="$sandbox_url/coingecko"
[cryptocompare]
base_url="$sandbox_url/cryptocompare"
[oneinch]
base_url="$sandbox_url/1inch"
TEXT
}

daemon_ready() { curl -fs -m 2 -o /dev/null "$daemon_url/ready"; }

start_daemon() {
  write_settings
  start paygated "$paygated" --config-file="$dir/paygated.ini"
  answers_or_ends paygated 30 daemon_ready || fail "paygated does not get ready"
  say "paygated $(pid_of paygated) is ready at $daemon_url, paygatectl's door on port $ctl_port"
}
