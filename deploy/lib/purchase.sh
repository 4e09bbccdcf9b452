# The demo: two channels of one owner, and a purchase played by a person's steps. Sourced by deploy/quickstart.

price_usd=30
owner_chat=7001
swap_channel=-1001000000010 swap_ticker=eth swap_network=base
direct_channel=-1001000000020
owner_address=""  # Known once the channels are registered.
credited=0        # Wei that reached the owner so far.

control() { # control GET PATH, control POST PATH JSON: the sandbox's control interface.
  local method=$1 path=$2
  shift 2
  curl -sS -m 60 --fail-with-body -X "$method" ${1:+-d "$1"} "$sandbox_url/control/$path"
}

ctl() { "$paygatectl" --address "127.0.0.1:$ctl_port" --tls-dir "$dir/certificates/operator/quickstart" "$@"; }

register_channel() { # register_channel OPEN_ID TITLE TICKER NETWORK
  local file=$dir/channel-${1#-}.json
  jq -n --argjson open "$1" --arg title "$2" --arg ticker "$3" --arg network "$4" --arg address "$owner_address" \
    --argjson owner "$owner_chat" --arg price "$price_usd" '{
      open_channel_id: $open, closed_channel_id: ($open - 1), open_title: $title, closed_title: ($title + " (members)"),
      description: "A channel of the demo.", owner_chat_id: $owner, strategy: "instant", donations: true,
      tiers: [{price_usd: $price, days: 30}], payout: {ticker: $ticker, network: $network, address: $address}}' >"$file"
  ctl channels add --file "$file" --reason quickstart >>"$dir/log/ctl.log" || fail "the channel $2 is not accepted"
  say "registered \"$2\": \$$price_usd for 30 days, paid out as $3 on $4"
}

register_channels() {
  owner_address=0x$(random_hex 20)
  # A bot may only write to people who wrote to it first.
  control POST "users/$owner_chat/send" '{"text": "/start", "first_name": "Olga", "username": "olga_owner"}' >/dev/null
  register_channel "$swap_channel" "Night Traders" "$swap_ticker" "$swap_network"
  register_channel "$direct_channel" "Slow Cooking" eth eth
  say "owner: chat $owner_chat, payout address $owner_address"
}

# wait_message CHAT_PATH AFTER FILTER WHAT: waits for a message that the jq filter selects, and prints it.
wait_message() {
  local deadline=$((SECONDS + 45)) found
  while :; do
    found=$(control GET "$1/messages?after=$2" | jq -c "[.[] | select(.from == \"bot\") | select($3)] | last // empty")
    if [[ -n $found ]]; then
      echo "$found"
      return
    fi
    if ((SECONDS >= deadline)); then
      ctl actors --stuck >&2 || true
      fail "waited too long for $4"
    fi
    sleep 0.05
  done
}

purchase_started=0
happened() {
  local now=${EPOCHREALTIME/[^0-9]/}
  printf '   %6.2f s  %s\n' "$(((now - purchase_started) / 1000))e-3" "$*"
}

payout_done() {
  payout=$(ctl show payout "$1" --json 2>>"$dir/log/ctl.log") || return 1
  case $(jq -r .row.status <<<"$payout") in
    completed) [[ $(jq -r .row.end_told_at <<<"$payout") != null ]] ;;
    failed | needs_attention | cancelled) fail "the payout is $(jq -r '.row.status + ": " + .row.reason' <<<"$payout")" ;;
    *) return 1 ;;
  esac
}

purchase() { # purchase OPEN_CHANNEL USER NAME
  local channel=$1 user=$2 name=$3 offer message link invoice order invite before owner_seen
  before=$(balance_of "$owner_address")
  owner_seen=$(control GET "users/$owner_chat/messages" | jq '[.[].message_id] | max // 0')
  purchase_started=${EPOCHREALTIME/[^0-9]/}

  offer=$(wait_message "chats/$channel" 0 '.buttons | any(.url // "" | contains("start="))' "the offer in the open channel") || exit 1
  happened "the offer stands in the open channel: [$(jq -r '[.buttons[].text] | join("] [")' <<<"$offer")]"
  control POST "users/$user/press" "$(jq -c --argjson chat "$channel" --arg name "$name" \
    '{chat_id: $chat, message_id, text: .buttons[0].text, first_name: $name}' <<<"$offer")" >/dev/null
  happened "$name follows the deep link of the first button"
  message=$(wait_message "users/$user" 0 '.buttons | any(.callback_data)' "the tier with its Pay button") || exit 1
  control POST "users/$user/press" "$(jq -c '{message_id, data: ([.buttons[].callback_data // empty] | first)}' <<<"$message")" >/dev/null
  happened "$name sees the tier and presses [$(jq -r '[.buttons[] | select(.callback_data)][0].text' <<<"$message")]"
  message=$(wait_message "users/$user" 0 '.buttons | any(.url // "" | contains("iid=") or contains("/pay/"))' "the invoice's link") || exit 1
  link=$(jq -r '[.buttons[].url // empty] | first' <<<"$message")
  invoice=$(sed -E 's/.*(iid=|\/pay\/)([0-9]+).*/\2/' <<<"$link")
  happened "$name gets the link of invoice $invoice"
  message=$(control POST "invoices/$invoice/pay" '{"status": "finished", "pay_currency": "btc"}') || fail "paying the invoice failed: $message"
  order=$(jq -r .order_id <<<"$message")
  happened "$name pays in BTC; NOWPayments transfers $(jq -r .outcome_amount <<<"$message") ETH to the hot wallet and sends $(jq '.ipns | length' <<<"$message") IPNs," \
    "answered $(jq -r '[.ipns[].http_status] | unique | join(", ")' <<<"$message")"
  message=$(wait_message "users/$user" 0 '.buttons | any(.url // "" | contains("t.me/+") or contains("joinchat"))' "the invite") || exit 1
  invite=$(jq -r '[.buttons[].url // empty] | first' <<<"$message")
  control POST "users/$user/join" "$(jq -nc --arg link "$invite" '{invite_link: $link}')" >/dev/null || fail "the invite link does not let $name in"
  happened "$name gets the invite and joins the closed channel"
  wait_message "users/$owner_chat" "$owner_seen" '.text | contains("Received")' "the owner's message" >/dev/null || exit 1
  happened "the owner is told"
  wait_until 90 "the payout (paygatectl show payout $order)" payout_done "$order"
  local gained=$(($(balance_of "$owner_address") - before))
  credited=$((credited + gained))
  happened "the payout is completed: $(eth_text $gained) ETH came to the owner's address"
  ((gained > 0)) || fail "the owner's address was not credited on the chain"

  show_time_line "$order" "$user"
  show_chat "$name" "$user" 0
  show_chat "the owner" "$owner_chat" "$owner_seen"
}
