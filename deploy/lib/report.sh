# What happened, for people: time line, chats, books. Sourced by deploy/quickstart. Amounts of ETH are wei in 64 bits: up to 9 ETH.

wei_of_hex() {
  local hex=${1#0x}
  if ((${#hex} > 16)) || { ((${#hex} == 16)) && [[ ${hex:0:1} == [89a-f] ]]; }; then fail "$1 wei is more than this script counts"; fi
  echo $((16#$hex))
}

# "0.0123" -> wei. At most 18 decimals, at most 9 ETH.
wei_of_text() {
  local sign="" text=$1 whole part
  if [[ $text == -* ]]; then sign=- text=${text#-}; fi
  [[ $text =~ ^([0-9])(\.([0-9]{1,18}))?$ ]] || fail "$1 ETH is nothing this script counts"
  whole=${BASH_REMATCH[1]} part=${BASH_REMATCH[3]}
  part=${part}000000000000000000
  echo $((${sign}1 * (whole * 10 ** 18 + 10#${part:0:18})))
}

eth_text() {
  local wei=$1 sign="" text
  if ((wei < 0)); then sign=- wei=$((-wei)); fi
  text=$(printf '%d.%018d' $((wei / 10 ** 18)) $((wei % 10 ** 18)))
  while [[ $text == *.?*0 ]]; do text=${text%0}; done
  echo "$sign${text%.0}"
}

balance_of() { wei_of_hex "$(rpc eth_getBalance "[\"$1\",\"latest\"]")"; }

# Every committed step of the entities that this purchase passed through, by time.
show_time_line() { # show_time_line ORDER USER
  local file=$dir/log/steps-$1.json subscription
  subscription=$(ctl show payment "$1" --json | jq -r '"\(.row.channel_id):\(.row.user_id)"')
  printf '\n   Time line of order %s: every committed step\n' "$1"
  {
    ctl show conversation "$2" --json
    ctl show payment "$1" --json
    ctl show subscription "$subscription" --json
    ctl show payout "$1" --json
    ctl show wallet "$wallet_address" --json
  } >"$file" 2>>"$dir/log/ctl.log"
  jq -rs '
    def seconds: capture("^(?<day>.{19})(?<part>\\.[0-9]+)?") | (.day + "Z" | fromdateiso8601) + ("0" + (.part // ".0") | tonumber);
    def wide($n): . + " " * ([0, $n - length] | max);
    def thousandths: (. * 1000 | round) as $ms | "\($ms / 1000 | floor).\("00\($ms % 1000)"[-3:])";
    (.[0].transitions[0].at | seconds) as $start
    | [.[] | .kind as $kind | .transitions[] | {kind: $kind, at: (.at | seconds), from_status, to_status, message, note, version}]
    | map(select(.at >= $start)) | sort_by(.at)[]
    | "   +" + (.at - $start | thousandths | (" " * ([0, 7 - length] | max)) + .) + " s  " + (.kind | wide(13)) + (.message | wide(26))
      + (if .from_status == .to_status then .to_status elif .from_status == "" then "-> " + .to_status else .from_status + " -> " + .to_status end)
      + (if (.note // "") == "" then "" else "   (" + .note + ")" end)' "$file" || fail "the time line cannot be made of $file"
}

show_chat() { # show_chat NAME USER AFTER_MESSAGE
  printf '\n   The chat as %s sees it\n' "$1"
  control GET "users/$2/messages?after=$3" | jq -r '.[]
    | (if .from == "bot" then "   bot | " else "   you | " end) as $who
    | (.text | split("\n") | map($who + .) | join("\n"))
      + (if (.buttons | length) > 0 then "\n" + $who + "[" + ([.buttons[].text] | join("] [")) + "]" else "" end) + "\n   ----|"'
}

assets_agree() { [[ $(balance_of "$wallet_address") == "$(wallet_by_ledger)" ]]; }

wallet_by_ledger() {
  wei_of_text "$(ctl ledger balances --json | jq -r '[.[] | select(.account == "assets:wallet" and .currency == "eth") | .units] | first // "0"')"
}

compare_books() {
  local balances check chain books open other
  wait_until 30 "the ledger to agree with the chain" assets_agree
  balances=$(ctl ledger balances --json)
  check=$(ctl ledger check --json)
  chain=$(balance_of "$wallet_address")
  books=$(wallet_by_ledger)
  printf '   %-8s %-28s %-28s %s\n' asset "on the chain (hot wallet)" "ledger (assets:wallet)" difference
  printf '   %-8s %-28s %-28s %s\n' ETH "$(eth_text "$chain")" "$(eth_text "$books")" "$(eth_text $((chain - books)))"
  other=$(jq -r '.[] | select(.account == "assets:wallet" and .currency != "eth" and (.units | tonumber) != 0) | .currency + " " + .units' <<<"$balances")
  [[ -z $other ]] || fail "the ledger has assets in the wallet that the chain does not: $other"
  open=$(jq -r '.[] | select((.account | startswith("assets:")) and .account != "assets:wallet" and (.units | tonumber) != 0) | .account + " " + .units + " " + .currency' <<<"$balances")
  [[ -z $open ]] || fail "money is still under way in the ledger: $open"

  printf '\n   All accounts (debits positive, credits negative)\n'
  jq -r '.[] | select((.units | tonumber) != 0) | "   \(.account | . + " " * ([0, 52 - length] | max)) \(.units) \(.currency)"' <<<"$balances"
  printf '\n'
  [[ $(jq -r .balanced <<<"$check") == true ]] || fail "the ledger is not balanced: $check"
  say "every entry balanced, every currency sums to zero ($(jq -r .entries <<<"$check") entries)"
  ((chain == books)) || fail "chain and ledger differ"
  ((credited > 0)) || fail "the owner got nothing"
  [[ $(balance_of "$owner_address") == "$credited" ]] || fail "the owner's balance on the chain is not what was credited"
}
