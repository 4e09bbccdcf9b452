#include "tests/simulation/people.hpp"

#include <algorithm>

namespace paygate::sim {

void people::update(chat_update u) {
  u.update_id = next_update_++;
  updates_.push_back(std::move(u));
  serve();
}

void people::poll(const get_updates& request, answer_fn answer) {
  while (!updates_.empty() && updates_.front().update_id < request.offset) updates_.pop_front();
  const auto number = ++polls_made_;
  polls_.push_back({request.offset, std::move(answer), number});
  w_.after(25s, [this, number] {
    const auto at = std::find_if(polls_.begin(), polls_.end(), [&](const auto& p) { return p.number == number; });
    if (at == polls_.end()) return;
    auto open = std::move(*at);
    polls_.erase(at);
    open.answer(updates_received{{}, open.offset});
  });
  serve();
}

void people::serve() {
  if (updates_.empty()) return;
  for (auto open = std::exchange(polls_, {}); !open.empty(); open.pop_front()) {
    updates_received got{{}, open.front().offset};
    for (const auto& u : updates_)
      if (u.update_id >= got.next_offset) got.updates.push_back(u);
    for (const auto& u : got.updates) got.next_offset = std::max(got.next_offset, u.update_id + 1);
    open.front().answer(got);
  }
}

void people::add(std::int64_t user, start_link link, milliseconds when) {
  all[user].link = link;
  w_.after(when, [this, user] { start(user); });
}

void people::start(std::int64_t user) {
  auto& p = all.at(user);
  if (p.gone || p.paid > 0) return;
  // Everybody loses patience, but not before a try in peace.
  if (++p.starts > 6 && !w_.faults) return void(p.gone = true);
  chat_update u;
  u.chat_id = u.user_id = user;
  u.user_name = "@u" + std::to_string(user);
  if (w_.chance(10))
    u.text = "hello?";
  else if (w_.chance(5))
    u.bad_start = true;
  else
    u.start = p.link;
  update(u);
  w_.after(milliseconds(w_.between(120'000, 400'000)), [this, user] { start(user); });
}

void people::press(std::int64_t user, const std::string& data, std::int64_t message_id) {
  chat_update u;
  u.chat_id = u.user_id = user;
  u.user_name = "@u" + std::to_string(user);
  u.callback_id = "cb" + std::to_string(next_update_);
  u.callback_data = w_.chance(3) ? "pay:forged" : data;
  u.message_id = message_id;
  update(u);
}

io_outcome people::send(const send_message& message) {
  if (blocking.count(message.chat_id)) return io_failure{fault::permanent, "403", "Forbidden: bot was blocked by the user", std::nullopt};
  if (w_.faults && w_.random() % 1000 < rates_.calls[static_cast<std::size_t>(lane::telegram)].special)
    return io_failure{fault::transient, "429", "Too Many Requests", milliseconds(w_.between(1000, 20'000))};
  const auto id = ++messages_;
  if (message.html.starts_with("News ")) ++words[{message.chat_id, message.html}];
  const auto who = all.find(message.chat_id);
  if (who == all.end()) return message_sent{id};
  auto& p = who->second;
  const auto user = who->first;
  for (const auto& row : message.buttons)
    for (const auto& b : row) {
      const auto* target = std::get_if<std::string>(&b.target);
      if (!target) continue;
      if (!b.is_url) {
        if (!w_.chance(90)) continue;
        const int times = w_.chance(20) ? 2 : 1;
        for (int i = 0; i < times; ++i)
          w_.after(milliseconds(w_.between(1'000, 30'000)), [this, user, data = *target, id] { press(user, data, id); });
        if (message.buttons.front().size() > 1) break; // One of many amounts.
      } else if (links.count(*target)) {
        if (!w_.chance(90)) continue;
        ++under_way_;
        w_.after(milliseconds(w_.between(1'000, 90'000)), [this, user, url = *target] {
          --under_way_;
          join(user, url);
        });
      } else if (provider_.knows(*target)) {
        ++p.paid;
        w_.after(milliseconds(w_.between(2'000, 60'000)), [this, url = *target] { provider_.pay(url); });
      }
    }
  return message_sent{id};
}

/// A message that changes under the hands: what is left to press is how the donation goes on.
io_outcome people::edit(const edit_message& message) {
  if (blocking.count(message.chat_id)) return io_failure{fault::permanent, "403", "Forbidden: bot was blocked by the user", std::nullopt};
  const auto who = all.find(message.chat_id);
  if (who == all.end()) return done{};
  for (const auto& row : message.buttons)
    for (const auto& b : row)
      if (const auto* data = std::get_if<std::string>(&b.target); data && data->starts_with("skip:") && w_.chance(90))
        w_.after(milliseconds(w_.between(1'000, 30'000)),
                 [this, user = who->first, data = *data, id = message.message_id] { press(user, data, id); });
  return done{};
}

io_outcome people::invite(const create_invite& request) {
  auto url = "https://t.me/+" + std::to_string(links.size() + 1) + request.name;
  links[url] = {request, 0, false};
  return invite_created{url};
}

void people::join(std::int64_t user, const std::string& url) {
  auto& link = links.at(url);
  if (link.revoked || link.used_by != 0 || w_.now >= link.made.expires_at) return;
  auto& status = members.try_emplace({link.made.chat_id, user}, member_status::left).first->second;
  if (status != member_status::left) return;
  link.used_by = user;
  status = member_status::member;
  tell_member(link.made.chat_id, user, member_change::joined, false, url);
  // Some leave again, and will not be asked why.
  if (!w_.chance(10)) return;
  ++under_way_;
  w_.after(milliseconds(w_.between(1'000, 300'000)), [this, user, chat = link.made.chat_id] {
      --under_way_;
      members[{chat, user}] = member_status::left;
      tell_member(chat, user, member_change::left, false, "");
    });
}

void people::tell_member(std::int64_t chat, std::int64_t user, member_change change, bool by_us, const std::string& url) {
  chat_update u;
  u.chat_id = u.user_id = user;
  u.user_name = "@u" + std::to_string(user);
  auto& m = u.member.emplace();
  m.group_id = chat;
  m.change = change;
  m.by_us = by_us;
  m.link = url;
  m.our_link = !url.empty();
  if (m.our_link) m.link_name = links.at(url).made.name;
  update(u);
}

io_outcome people::revoke(const revoke_invite& request) {
  if (const auto at = links.find(request.link); at != links.end()) at->second.revoked = true;
  return done{};
}

io_outcome people::look(const get_member& request) const {
  const auto at = members.find({request.chat_id, request.user_id});
  return member_seen{at == members.end() ? member_status::left : at->second};
}

io_outcome people::ban(const ban_member& request) {
  members[{request.chat_id, request.user_id}] = member_status::kicked;
  tell_member(request.chat_id, request.user_id, member_change::banned, true, "");
  return done{};
}

io_outcome people::unban(const unban_member& request) {
  auto& status = members.try_emplace({request.chat_id, request.user_id}, member_status::left).first->second;
  if (status == member_status::kicked) status = member_status::left;
  return done{};
}

io_outcome people::approve(const approve_join&) { return io_failure{fault::permanent, "no_request", "HIDE_REQUESTER_MISSING", std::nullopt}; }

bool people::at_rest() const {
  return under_way_ == 0 && updates_.empty() && std::all_of(all.begin(), all.end(), [](const auto& p) { return p.second.gone || p.second.paid > 0; });
}

} // namespace paygate::sim
