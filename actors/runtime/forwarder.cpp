#include "actors/runtime/forwarder.hpp"

#include <utility>

#include <caf/all.hpp>

#include "actors/runtime/backoff.hpp"
#include "actors/runtime/entity.hpp"
#include "actors/runtime/operator_json.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

/// What a link lets pass, with room for what CAF puts around it.
constexpr std::size_t question_max = 127 * 1024;

caf::timespan left_of(caf::actor_clock::time_point until, caf::actor_clock::time_point now) {
  return std::max(std::chrono::duration_cast<caf::timespan>(until - now), caf::timespan{0});
}

} // namespace

const entity_ref& forwarder::parcel::to() const {
  if (const auto* letter = std::get_if<envelope_ptr>(&what)) return (*letter)->to;
  return std::get<entity_errand>(what).of;
}

forwarder::forwarder(caf::event_based_actor* self, local_fn local, std::shared_ptr<metrics_sink> metrics, route_limits limits)
    : self_(self), local_(std::move(local)), metrics_(std::move(metrics)), limits_(std::move(limits)), last_number_(limits_.first_number) {}

// --- who is where ---

void forwarder::on_view(cluster_view_ptr view, caf::actor from) {
  view_ = std::move(view);
  if (from) keeper_ = std::move(from);
  learned_.clear();
  std::erase_if(link_due_, [this](const auto& member) { return !view_->find(member.first); });
  for (const auto& member : view_->members) link_due_.try_emplace(member.identity, now() + limits_.link_wait);
  for (const auto& p : std::exchange(waiting_, {})) send(p);
}

void forwarder::on_route() {
  std::erase_if(waiting_, [this](const parcel_ptr& p) { return deliver_here(p); });
}

void forwarder::on_exchange(caf::actor own) { exchange_ = std::move(own); }

void forwarder::on_link_up(const std::string& identity, caf::actor exchange, bool packs) {
  on_link_down(identity); // What was sent over the old connection is lost with it.
  auto& p = peers_[identity];
  p.exchange = std::move(exchange);
  p.packs = packs;
  link_due_[identity] = now();
  for (const auto& waiting : std::exchange(waiting_, {})) waiting->for_link ? send(waiting) : waiting_.push_back(waiting);
}

void forwarder::on_link_down(const std::string& identity) {
  std::erase_if(learned_, [&](const auto& told) { return told.second == identity; });
  auto gone = peers_.extract(identity);
  if (!gone) return;
  for (const auto& [number, p] : gone.mapped().under_way)
    refuse(p, refusal::unavailable, "link_cut", "the link to the node that holds " + to_text(p->to()) + " was cut");
}

std::string forwarder::owner_of(std::uint32_t shard) const {
  if (auto told = learned_.find(shard); told != learned_.end()) return told->second;
  const auto* owner = view_ ? view_->owner_of(shard) : nullptr;
  return owner ? owner->identity : std::string();
}

// --- a letter's way ---

void forwarder::carry(const envelope_ptr& letter, caf::response_promise promise) {
  auto p = std::make_shared<parcel>();
  p->what = letter;
  p->promise = std::move(promise);
  carry(std::move(p));
}

void forwarder::carry(entity_errand what, caf::response_promise promise) {
  auto p = std::make_shared<parcel>();
  p->what = std::move(what);
  p->promise = std::move(promise);
  carry(std::move(p));
}

void forwarder::carry(parcel_ptr p) {
  p->sent = now();
  p->until = p->sent + limits_.patience;
  send(p);
}

void forwarder::send(const parcel_ptr& p) {
  if (deliver_here(p)) return; // It may have come here while the letter was on its way.
  if (now() >= p->until) return refuse(p, refusal::unavailable, "timeout", to_text(p->to()) + " did not answer in time");
  const auto owner = owner_of(shard_of(p->to()));
  if (owner.empty())
    return refuse(p, view_ ? refusal::unavailable : refusal::not_owner, "no_owner",
                  "no node acts for the shard of " + to_text(p->to()) + " now");
  if (view_ && owner == view_->self) return await_view(p); // It is being handed over.
  const auto link = peers_.find(owner);
  if (link == peers_.end()) return await_link(owner, p);
  send_to(owner, link->second, p);
}

void forwarder::send_to(const std::string& identity, peer& to, const parcel_ptr& p) {
  if (to.under_way.size() >= limits_.in_flight_max || to.bytes >= limits_.bytes_max)
    return refuse(p, refusal::busy, "busy", "too many letters are under way to the node that holds " + to_text(p->to()));
  const auto left = std::chrono::ceil<milliseconds>(p->until - now());
  const auto* letter = std::get_if<envelope_ptr>(&p->what);
  auto bytes = letter ? to_wire(**letter, left) : to_wire(std::get<entity_errand>(p->what), left);
  if (const auto* wrong = std::get_if<wire_error>(&bytes)) return refuse(p, refusal::invalid, "unsendable", wrong->text);
  auto& text = std::get<std::string>(bytes);
  p->number = ++last_number_;
  p->size = text.size();
  ++p->tries;
  to.bytes += p->size;
  to.under_way.emplace(p->number, p);
  if (!to.packs || !exchange_) return request(identity, to, p, std::move(text));
  const bool first = to.gathered.empty();
  to.gathered.add(p->number, text);
  watch(p->until);
  if (!first) return;
  if (const auto pause = limits_.pause.of(to.under_way.size()); pause > milliseconds{0})
    self_->delayed_send(self_, pause, dispatch_atom::value, identity);
  else
    self_->send(self_, dispatch_atom::value, identity);
}

/// To a node that knows no packs.
void forwarder::request(const std::string& identity, peer& to, const parcel_ptr& p, std::string bytes) {
  self_->request(to.exchange, left_of(p->until, now()), forward_atom::value, std::move(bytes))
      .then([this, identity, number = p->number](const std::string& answer) { on_answer(identity, number, answer); },
            [this, identity, number = p->number](const caf::error& e) { on_error(identity, number, e); });
}

void forwarder::dispatch(const std::string& identity) {
  const auto to = peers_.find(identity);
  if (to == peers_.end()) return;
  for (auto& pack : to->second.gathered.take()) caf::send_as(exchange_, to->second.exchange, letters_atom::value, std::move(pack));
}

bool forwarder::deliver_here(const parcel_ptr& p) {
  auto shard = local_(shard_of(p->to()));
  if (!shard) return false;
  if (const auto* letter = std::get_if<envelope_ptr>(&p->what)) {
    p->promise.delegate(shard, deliver_atom::value, *letter);
    return true;
  }
  const auto& told = std::get<entity_errand>(p->what);
  auto ref = std::make_shared<const entity_ref>(told.of);
  switch (told.what) {
  case errand::inspect: p->promise.delegate(shard, inspect_atom::value, ref); break;
  case errand::retry: p->promise.delegate(shard, retry_atom::value, ref, told.reason); break;
  case errand::restart: p->promise.delegate(shard, restart_atom::value, ref, told.reason); break;
  }
  return true;
}

// --- answers ---

/// The letter of this try, if it is still waited for: an answer that comes after the link was cut, or after the time-out, finds none.
forwarder::parcel_ptr forwarder::take(const std::string& identity, std::uint64_t number) {
  auto at = peers_.find(identity);
  if (at == peers_.end()) return nullptr;
  auto found = at->second.under_way.extract(number);
  if (!found) return nullptr;
  at->second.bytes -= found.mapped()->size;
  return std::move(found.mapped());
}

void forwarder::on_answer(const std::string& identity, std::uint64_t number, std::string_view bytes) {
  auto p = take(identity, number);
  if (!p) return;
  auto read = read_answer(bytes);
  if (const auto* wrong = std::get_if<wire_error>(&read)) return on_nonsense(identity, p, "nonsense", wrong->text);
  auto& answer = std::get<remote_answer>(read);
  if (const auto* moved = std::get_if<not_here>(&answer)) return on_not_here(identity, moved->owner, p);
  if (const auto* unread = std::get_if<wire_error>(&answer)) return on_nonsense(identity, p, "not_understood", unread->text);
  const bool is_letter = std::holds_alternative<envelope_ptr>(p->what);
  auto* reply = std::get_if<entity_reply>(&answer);
  const auto* no = reply ? std::get_if<refused>(reply) : nullptr;
  if (is_letter != (reply != nullptr) && !no) return on_nonsense(identity, p, "nonsense", "an answer to another question");
  metrics_->count("letters_forwarded_total", "");
  metrics_->duration("letter_forward_seconds", "", std::chrono::duration_cast<std::chrono::microseconds>(now() - p->sent));
  if (is_letter)
    p->promise.deliver(std::make_shared<const entity_reply>(std::move(*reply)));
  else
    p->promise.deliver(no ? error_json(to_text(no->code), no->text) : std::get<std::string>(answer));
}

void forwarder::on_answers(const caf::actor& from, const std::string& pack) {
  const auto at = std::find_if(peers_.begin(), peers_.end(), [&](const auto& entry) { return entry.second.exchange == from; });
  if (at == peers_.end()) return;
  const auto identity = at->first;
  const auto read = read_pack(pack);
  if (const auto* wrong = std::get_if<wire_error>(&read)) {
    if (is_reported(static_cast<std::uint32_t>(++at->second.nonsense)))
      log(log_level::error, "letter_answer_unreadable", {{"peer", identity}, {"reason", "nonsense"}, {"error", wrong->text}});
    return;
  }
  for (const auto& each : std::get<std::vector<packed>>(read)) on_answer(identity, each.number, each.bytes);
}

/// One timer for all letters: the clock is not asked for each.
void forwarder::watch(instant until) {
  if (watched_until_ <= until) return;
  watched_until_ = until;
  self_->delayed_send(self_, left_of(until, now()), silence_atom::value);
}

void forwarder::on_silence() {
  if (now() < watched_until_) return; // An older timer.
  watched_until_ = instant::max();
  std::vector<parcel_ptr> late;
  auto next = instant::max();
  for (auto& [identity, to] : peers_) {
    if (!to.packs) continue;
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, p] : to.under_way)
      if (p->until <= now())
        numbers.push_back(number);
      else
        next = std::min(next, p->until);
    for (const auto number : numbers) late.push_back(take(identity, number));
  }
  for (const auto& p : late)
    refuse(p, refusal::unavailable, "timeout", "the node that holds " + to_text(p->to()) + " did not answer in time");
  if (next != instant::max()) watch(next);
}

void forwarder::on_error(const std::string& identity, std::uint64_t number, const caf::error& why) {
  auto p = take(identity, number);
  if (!p) return;
  const bool late = why == caf::sec::request_timeout;
  refuse(p, refusal::unavailable, late ? "timeout" : "error",
         "the node that holds " + to_text(p->to()) + (late ? " did not answer in time" : " cannot answer: " + self_->system().render(why)));
}

void forwarder::on_nonsense(const std::string& identity, const parcel_ptr& p, const char* reason, const std::string& text) {
  if (auto at = peers_.find(identity); at != peers_.end() && is_reported(static_cast<std::uint32_t>(++at->second.nonsense)))
    log(log_level::error, "letter_answer_unreadable", {{"peer", identity}, {"reason", reason}, {"error", text}});
  refuse(p, refusal::unavailable, reason, "the node that holds " + to_text(p->to()) + " is not understood: " + text);
}

void forwarder::on_not_here(const std::string& identity, const std::string& owner, const parcel_ptr& p) {
  metrics_->count("letters_misrouted_total", "");
  if (p->tries >= limits_.tries_max) return refuse(p, refusal::unavailable, "not_owner", "nobody says that they hold " + to_text(p->to()));
  if (!owner.empty() && owner != identity && peers_.contains(owner)) {
    learned_[shard_of(p->to())] = owner;
    return send(p);
  }
  await_view(p);
}

void forwarder::await_view(const parcel_ptr& p) {
  if (deliver_here(p)) return;
  hold(p, now() + limits_.view_wait, false);
  refresh();
}

/// A member may hold shards before our first link to it is up. A link that was up and is not is another matter: its node may be gone.
void forwarder::await_link(const std::string& identity, const parcel_ptr& p) {
  const auto due = link_due_.find(identity);
  if (due != link_due_.end() && now() < due->second) return hold(p, due->second, true);
  refuse(p, refusal::unavailable, "no_link", "there is no link to the node that holds " + to_text(p->to()));
}

void forwarder::hold(const parcel_ptr& p, instant until, bool for_link) {
  if (waiting_.size() >= limits_.in_flight_max)
    return refuse(p, refusal::busy, "busy", "too many letters wait for the node that holds their shard");
  p->wait_until = std::min(p->until, until);
  p->for_link = for_link;
  waiting_.push_back(p);
  watch_held(p->wait_until);
}

void forwarder::watch_held(instant until) {
  if (overdue_at_ <= until) return;
  overdue_at_ = until;
  self_->delayed_send(self_, left_of(until, now()), overdue_atom::value);
}

void forwarder::on_overdue() {
  if (now() < overdue_at_) return; // An older timer.
  overdue_at_ = instant::max();
  std::vector<parcel_ptr> late;
  std::erase_if(waiting_, [&](const parcel_ptr& p) {
    if (p->wait_until > now()) return false;
    late.push_back(p);
    return true;
  });
  for (const auto& p : late) {
    if (deliver_here(p)) continue;
    if (p->for_link)
      refuse(p, refusal::unavailable, "no_link", "there is no link yet to the node that holds " + to_text(p->to()));
    else
      refuse(p, refusal::unavailable, "not_owner", "it is not known who holds " + to_text(p->to()) + " now");
  }
  auto next = instant::max();
  for (const auto& p : waiting_) next = std::min(next, p->wait_until);
  if (next != instant::max()) watch_held(next);
}

/// At most four times a second: one question to the database is enough for all who wait.
void forwarder::refresh() {
  constexpr milliseconds pause{250};
  if (!keeper_ || (refreshed_at_ != instant{} && now() - refreshed_at_ < pause)) return;
  refreshed_at_ = now();
  self_->send(keeper_, refresh_atom::value);
}

void forwarder::refuse(const parcel_ptr& p, refusal code, const char* reason, std::string text) {
  metrics_->count("letters_forward_failed_total", reason);
  if (std::holds_alternative<envelope_ptr>(p->what))
    p->promise.deliver(std::make_shared<const entity_reply>(refused{code, std::move(text)}));
  else
    p->promise.deliver(error_json(to_text(code), text));
}

// --- questions to a node ---

void forwarder::ask_node(const std::string& node, const std::string& who, const std::string& command, caf::response_promise promise) {
  const cluster_member* member = nullptr;
  if (view_)
    for (const auto& m : view_->members)
      if (m.identity == node || m.name == node) member = &m;
  if (!member) return promise.deliver(error_json("not_found", "no live node is named \"" + node + "\""));
  // A longer one would cut the link at the other end.
  if (command.size() > question_max)
    return promise.deliver(error_json("too_long", "a question of " + std::to_string(command.size()) + " bytes to another node"));
  const auto link = peers_.find(member->identity);
  if (link == peers_.end()) return promise.deliver(error_json("unavailable", "there is no link to node " + member->name));
  auto asked = std::make_shared<caf::response_promise>(std::move(promise));
  self_->request(link->second.exchange, limits_.question_wait, ctl_atom::value, who, command)
      .then([asked](const std::string& answer) { asked->deliver(answer); },
            [asked, name = member->name](const caf::error&) {
              asked->deliver(error_json("unavailable", "node " + name + " does not answer"));
            });
}

std::string forwarder::peers() const {
  std::string json = "[";
  if (view_)
    for (const auto& m : view_->members) {
      if (m.identity == view_->self) continue;
      const auto link = peers_.find(m.identity);
      json += std::string(json.size() > 1 ? "," : "") + "{\"identity\":" + json_text(m.identity) + ",\"name\":" + json_text(m.name)
              + ",\"linked\":" + (link != peers_.end() ? "true" : "false")
              + ",\"under_way\":" + std::to_string(link == peers_.end() ? 0 : link->second.under_way.size()) + "}";
    }
  return json + "]";
}

} // namespace paygate
