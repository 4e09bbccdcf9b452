#include "ctl/verbs.hpp"

#include <algorithm>
#include <sstream>

#include "ctl/address.hpp"
#include "ctl/print.hpp"
#include "ctl/requests.hpp"
#include "ctl/shows.hpp"

namespace paygate::ctl {

namespace {

constexpr auto look = verb_class::look, steer = verb_class::steer, local = verb_class::local;

/// What --all of a verb goes over.
constexpr const char* many = "--all --kind K --state S --stuck --reason-is T --node N";

} // namespace

const char* const everywhere_options = "--address A --tls-dir D --json --output F";
const char* const steering_options = "--reason T --dry-run";

// One line adds a verb.
const std::vector<verb>& verbs() {
  static const std::vector<verb> all = {
      {look, "nodes", "", "--all", "the nodes of the last hour, or all there ever were, and what each says of itself", look_at, "nodes",
       show_nodes, "identity"},
      {look, "tree", "", "--node N --shards", "each node: shards, residents by kind and whereabouts, lanes, committers, pauses", look_at,
       "tree", show_tree},
      {look, "top", "", "--node N --limit N --follow", "entities whose messages wait, restarts, and the slowest steps", look_at, "top",
       show_top, "", flow::top},
      {look, "shards", "", "--node N", "who holds which shard", question, "leases", show_shards, "shard"},
      {look, "actors", "", "--kind K --state S --status S --stuck --reason-is T --node N --after KIND/ID --limit N",
       "entities by id downwards, the newest orders first; --after goes on behind one", question, "actors", show_actors, "kind/id",
       flow::pages},
      {look, "list", "", "--reason --reason-is T --kind K --limit N", "what fails now, grouped by its cause; --reason-is: who fails by one",
       failures, "reasons", show_failures, "kind/id"},
      {look, "stuck", "", "--kind K --limit N", "who has been in its state for longer than it should, the longest first", question, "stuck",
       show_stuck, "kind/id"},
      {look, "quarantined", "", "--kind K --limit N", "who was taken out of service, why, and the message it broke on", question,
       "quarantined", show_quarantined, "kind/id"},
      {look, "counts", "", "", "how many entities of each kind and status", question, "counts", show_counts},
      {look, "show", "KIND ID", "", "one entity: row, owner, mailbox, what is due, ledger, history", about, "show", entity_sheet},
      {look, "trace", "PAYMENT", "", "from a subscriber's payment to the transfer on the chain; order or payment id", question, "trace",
       trace_report},
      {look, "tail", "", "--kind K --limit N --follow",
       "the newest transitions; --follow shows at most 200 a second and says when it left some out", question, "tail", show_tail, "kind/id",
       flow::tail},
      {look, "job", "ID", "", "how far a verb over many is, at the node that was asked for it", about, "job", show_job},
      {look, "ledger check", "", "", "is every entry balanced, does every currency sum to zero", question, "ledger_check", pretty},
      {look, "ledger balances", "", "", "every account", question, "balances", show_balances},
      {look, "failed list", "", "--all --limit N", "failures that wait for a person", question, "failed", show_failed, "id"},
      {look, "webhooks list", "", "--order-id ID --payment-id ID --unknown --limit N", "IPNs as they came", question, "webhooks", pretty,
       "id"},
      {look, "audit", "", "--verb V --target T --limit N", "what operators did, and what came of it", question, "audit_list", show_audit,
       "id"},
      {look, "audit list", "", "--verb V --target T --limit N", "the same", question, "audit_list", show_audit, "id"},
      {look, "pause list", "", "", "what is paused, since when and why", question, "pauses", show_pauses, "what"},
      {look, "wallet show", "", "", "the hot wallet: alert, nonces, gas float, open and held transfers", question, "wallet", wallet_sheet},
      {look, "config show", "", "--node N", "every setting as it is now, and which reload without a restart", look_at, "config",
       show_settings, "key"},
      {look, "reconcile", "", "--wait", "compare the ledger with the chain and the providers, and wait for the end", round_request,
       "reconcile", pretty, "", flow::reconcile},
      {look, "reconcile list", "", "--all --limit N", "differences that are open, or all there ever were", question, "exceptions",
       show_exceptions, "id"},
      {local, "address check", "ADDRESS", "--currency T --network N --memo M", "can this be paid to", check_one_address, "", show_check},
      {local, "address coverage", "", "", "how the addresses of the known currencies are checked", cover_addresses, "", show_coverage},
      {steer, "retry", "KIND ID", many, "end a back-off or a quarantine; --all without a filter: of all in trouble", about, "retry",
       show_done},
      {steer, "restart", "KIND ID", many, "end the activation after its step under way, and load the row anew", about, "restart",
       show_done},
      {steer, "cancel", "KIND ID", many, "end a payout or a conversion before money moved; end a broadcast", about, "cancel", show_done},
      {steer, "reopen", "KIND ID", many, "a payout or a conversion that needs attention tries again", about, "reopen", show_done},
      {steer, "arrival", "KIND ID", "--hash H", "the transaction H is what the exchange sent to a payout or conversion that waits for it",
       about, "arrival", show_done},
      {steer, "approve", "ID", "", "release a payout that awaits approval", about, "approve", show_done},
      {steer, "pause", "WHAT", "", "payouts, kind/KIND or lane/LANE: no new effect of it is started on any node; messages are still taken",
       about_pause, "pause", show_done},
      {steer, "resume", "WHAT", "", "the pause ends", about_pause, "resume", show_done},
      {steer, "drain", "NODE", "--no-wait", "its shards go to the other nodes, open steps first; it stays up without any", about_node,
       "drain", show_done, "", flow::drain},
      {steer, "payouts approve", "ID", "", "the same as approve", about, "approve", show_done},
      {steer, "payouts cancel", "ID", "", "end a payout before money moved", about, "cancel", show_done},
      {steer, "payments accept", "ORDER", "", "an underpaid, partially paid or held payment counts as good", about, "accept", show_done},
      {steer, "payments refund", "ORDER", "--address A --currency T --network N --extra-id X --outside",
       "give it back (default coin: eth on eth)", about, "refund", show_done},
      {steer, "failed resolve", "ID", "", "a listed failure is dealt with", about, "resolve", show_done},
      {steer, "webhooks replay", "ID", "", "an IPN that was kept is handled again by its order", about, "replay", show_done},
      {steer, "broadcasts send", "ID", "--channel ID --to TARGET --html T --what W",
       "a broadcast of that id: words (--html) to the channel or, --to subscribers, to them; or its offer or donation post (--what)", about,
       "broadcast", show_done},
      {steer, "broadcasts pause", "ID", "", "nothing more of it is sent after the chunk under way", about, "broadcast_pause", show_done},
      {steer, "broadcasts resume", "ID", "", "it goes on where it stood", about, "broadcast_resume", show_done},
      {steer, "run", "SCHEDULER", "", "conversions, payouts or broadcasts: look now at what has gathered, or which posts are due", about,
       "run", show_done},
      {steer, "wallet sign-off", "", "--nonce N", "end the pause: the chain's nonce is N, and you know why", about_wallet,
       "wallet_sign_off", show_done},
      {steer, "wallet settle", "INTENT", "--nonce N --hash H", "the transaction H, which used nonce N, was this intent", about_wallet,
       "wallet_settle", show_done},
      {steer, "wallet disown", "", "--nonce N --hash H", "it was nothing of ours", about_wallet, "wallet_disown", show_done},
      {steer, "wallet release", "INTENT", "", "a held transfer was not paid before: send it", about_wallet, "wallet_release", show_done},
      {steer, "config reload", "", "--node N", "every node reads its settings file again; one with a fault changes nothing", about,
       "reload", show_everywhere},
      {steer, "log level", "LEVEL", "--node N", "debug, info, warning or error, on every node, until its settings say otherwise",
       about_level, "log_level", show_everywhere},
      {steer, "reconcile resolve", "ID", "--as WAY", "float, gas, loss or unattributed book the difference, explained does not", about,
       "resolve_exception", show_done, "", flow::reconcile},
      {steer, "import", "", "--from DSN --platform-bps N", "take over a predecessor's database, as the daemon reaches it; @FILE: the DSN is in there",
       about_import, "import", show_import, "", flow::sweep},
      {steer, "channels add", "", "--file FILE", "register a channel, or change its terms", channel_file, "channel", show_done},
  };
  return all;
}

std::vector<std::string> split_words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

const verb* find_verb(const std::vector<std::string>& words, std::size_t& length) {
  const verb* best = nullptr;
  for (const auto& v : verbs()) {
    const auto name = split_words(v.name);
    const auto fits = name.size() <= words.size() && std::equal(name.begin(), name.end(), words.begin());
    if (fits && (!best || name.size() > length)) best = &v, length = name.size();
  }
  return best;
}

bool goes_over_many(const verb& v) { return std::string_view(v.options) == many; }

} // namespace paygate::ctl
