#include "actors/broadcast/broadcast_machine.hpp"

#include <algorithm>
#include <charconv>

#include "messages/html.hpp"

namespace paygate {

namespace {

using namespace std::chrono_literals;

bool is_over(broadcast_status s) {
  return s == broadcast_status::completed || s == broadcast_status::refused || s == broadcast_status::failed
         || s == broadcast_status::cancelled;
}

std::vector<std::int64_t> read_chats(const std::string& text) {
  std::vector<std::int64_t> chats;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    std::int64_t chat = 0;
    const auto read = std::from_chars(at, end, chat);
    if (read.ec != std::errc{}) break;
    chats.push_back(chat);
    at = read.ptr < end ? read.ptr + 1 : end;
  }
  return chats;
}

std::string write_chats(const std::vector<std::int64_t>& chats) {
  std::string text;
  for (const auto chat : chats) text += (text.empty() ? "" : ",") + std::to_string(chat);
  return text;
}

std::string objection(const start_broadcast& wanted) {
  if (wanted.channel_id == 0) return "the channel is missing";
  if (wanted.what != broadcast_what::message) {
    if (!wanted.html.empty()) return "an offer or donation post has words of its own";
    if (wanted.target != broadcast_target::channel) return "an offer or donation post goes to the channel";
    return "";
  }
  if (wanted.scheduled) return "only offer and donation posts are scheduled";
  return objection_to_html(wanted.html);
}

/// One message being handled.
class step {
public:
  step(const broadcast& before, bool exists, const step_context& context) : before_(before), exists_(exists), context_(context) {
    out_.next = before;
  }

  verdict<broadcast> operator()(const start_broadcast& m) {
    if (exists_) return same(m) ? finish() : verdict<broadcast>(refused{refusal::conflict, "there is another broadcast of this id"});
    if (auto why = objection(m); !why.empty()) return refused{refusal::invalid, why};
    auto& s = out_.next;
    s = broadcast{};
    s.channel_id = m.channel_id;
    s.what = m.what;
    s.target = m.target;
    s.scheduled = m.scheduled;
    s.html = m.html;
    s.started_at = context_.now;
    return finish();
  }

  verdict<broadcast> operator()(const cancel_broadcast& m) {
    if (!exists_) return refused{refusal::not_found, "there is no such broadcast"};
    if (before_.status == broadcast_status::cancelled) return finish();
    if (is_over(before_.status) || before_.status == broadcast_status::placing) return refused{refusal::out_of_order, "it is over already"};
    if (has_chunk()) {
      out_.next.wish = broadcast_wish::cancel;
      out_.next.reason = m.reason;
    } else
      end(broadcast_status::cancelled, m.reason);
    return finish();
  }

  verdict<broadcast> operator()(const pause_broadcast& m) {
    if (!exists_) return refused{refusal::not_found, "there is no such broadcast"};
    if (before_.status == broadcast_status::paused) return finish();
    if (before_.status != broadcast_status::sending)
      return refused{refusal::out_of_order, "only a broadcast to subscribers that is being sent can be paused"};
    if (before_.wish != broadcast_wish::none) return finish();
    out_.next.reason = m.reason;
    if (has_chunk())
      out_.next.wish = broadcast_wish::pause;
    else
      out_.next.status = broadcast_status::paused;
    return finish();
  }

  verdict<broadcast> operator()(const resume_broadcast&) {
    if (!exists_) return refused{refusal::not_found, "there is no such broadcast"};
    if (before_.status == broadcast_status::sending) {
      if (before_.wish == broadcast_wish::pause) {
        out_.next.wish = broadcast_wish::none;
        out_.next.reason.clear();
      }
      return finish();
    }
    if (before_.status != broadcast_status::paused) return refused{refusal::out_of_order, "it is not paused"};
    out_.next.status = broadcast_status::sending;
    out_.next.reason.clear();
    return finish();
  }

  verdict<broadcast> operator()(const effect_done& m) {
    if (!exists_) return refused{refusal::not_found, "there is no such broadcast"};
    const auto due = broadcast_kind::effects_due(before_, context_.self, context_.now, context_.rules);
    if (std::none_of(due.begin(), due.end(), [&](const effect& e) { return e.key == m.key; })) return finish();
    if (const auto* reply = std::get_if<entity_reply>(&m.outcome)) on_reply(m.key, *reply);
    if (const auto* io = std::get_if<io_outcome>(&m.outcome)) on_outcome(m.key, *io);
    return finish();
  }

private:
  /// A chunk may be under way.
  bool has_chunk() const { return before_.status == broadcast_status::sending && !next_chunk(before_).empty(); }

  bool same(const start_broadcast& m) const {
    return m.channel_id == before_.channel_id && m.what == before_.what && m.target == before_.target && m.html == before_.html
           && m.scheduled == before_.scheduled;
  }

  void on_reply(const std::string& key, const entity_reply& reply) {
    auto& s = out_.next;
    if (key == broadcast_keys::place) {
      s.placed = true; // Or the channel is gone: nobody has to know any more.
      if (s.status == broadcast_status::placing) end(broadcast_status::completed, "");
      return;
    }
    if (const auto* no = std::get_if<refused>(&reply)) {
      if (key == broadcast_keys::terms) return end(broadcast_status::failed, no->text); // Closed meanwhile.
      return end(broadcast_status::refused, no->text);
    }
    const auto* view = std::get_if<channel_view>(&reply);
    if (!view) return;
    s.owner_chat_id = view->terms->owner_chat_id;
    s.channel_title = view->terms->closed_title;
    if (s.target == broadcast_target::channel) s.terms = view->terms;
    if (s.status != broadcast_status::requested) return;
    if (s.target == broadcast_target::channel) s.recipients = 1;
    s.status = s.target == broadcast_target::channel ? broadcast_status::posting : broadcast_status::counting;
  }

  void on_outcome(const std::string& key, const io_outcome& outcome) {
    auto& s = out_.next;
    const auto* failure = std::get_if<io_failure>(&outcome);
    // Who cannot be told is not told: that changes nothing about the broadcast.
    if (key == broadcast_keys::warn) {
      s.warned_at = context_.now;
    } else if (key == broadcast_keys::tell) {
      s.told_at = context_.now;
    } else if (key == broadcast_keys::post) {
      on_posted(outcome);
    } else if (failure) {
      out_.rows.push_back(failure_listed{failure->code, "broadcast: " + failure->text});
    } else if (const auto* seen = std::get_if<audience_seen>(&outcome)) {
      s.recipients = seen->recipients;
      s.status = broadcast_status::sending;
    } else if (const auto* read = std::get_if<recipients_seen>(&outcome)) {
      on_page(*read);
    } else if (const auto* sent = std::get_if<batch_sent>(&outcome)) {
      on_chunk(*sent);
    }
  }

  void on_posted(const io_outcome& outcome) {
    auto& s = out_.next;
    if (const auto* sent = std::get_if<message_sent>(&outcome); sent && sent->message_id != 0) {
      s.message_id = sent->message_id;
      s.sent = 1;
      s.terms.reset();
      s.status = broadcast_status::placing;
    } else if (const auto* failure = std::get_if<io_failure>(&outcome)) {
      s.failed = 1;
      const auto words = failure->text.empty() ? failure->code : failure->text;
      out_.rows.push_back(failure_listed{failure->code, "the post cannot be sent: " + words});
      end(broadcast_status::failed, words);
    }
  }

  void on_page(const recipients_seen& read) {
    auto& s = out_.next;
    if (!read.people.empty()) {
      s.page = std::make_shared<const recipients_seen>(read);
      return;
    }
    if (s.again.empty()) return end(broadcast_status::completed, "");
    try_again(1); // Everybody was tried once: now those that could not be reached.
  }

  void try_again(std::int32_t round) {
    out_.next.rounds = round;
    out_.next.again_at = context_.now + 5s * (1 << std::min(round, 6));
  }

  void on_chunk(const batch_sent& batch) {
    auto& s = out_.next;
    const auto chats = next_chunk(before_);
    if (batch.each.size() != chats.size()) return;
    const bool nobody = std::all_of(batch.each.begin(), batch.each.end(), [](delivery d) { return d == delivery::pending; });
    const bool wrong = std::any_of(batch.each.begin(), batch.each.end(), [](delivery d) { return d == delivery::wrong; });
    for (const auto d : batch.each) {
      if (d == delivery::sent) ++s.sent;
      if (d == delivery::refused) ++s.failed;
    }
    if (wrong && s.sent == 0) {
      out_.rows.push_back(failure_listed{"broadcast", "Telegram refuses the message: " + batch.words});
      return end(broadcast_status::failed, batch.words);
    }
    s.failed += std::count(batch.each.begin(), batch.each.end(), delivery::wrong);
    if (is_second_round(before_))
      on_second_round(batch, chats, nobody);
    else if (!nobody) // Else nothing could be sent at all: it is tried again, later and later.
      on_first_round(batch, chats);
    if (s.status != broadcast_status::sending || s.wish == broadcast_wish::none) return;
    if (s.wish == broadcast_wish::cancel) return end(broadcast_status::cancelled, s.reason);
    s.wish = broadcast_wish::none;
    s.status = broadcast_status::paused;
  }

  void on_first_round(const batch_sent& batch, const std::vector<std::int64_t>& chats) {
    auto& s = out_.next;
    // Those at the end that nobody got to come first in the next chunk.
    const auto last = std::find_if(batch.each.rbegin(), batch.each.rend(), [](delivery d) { return d != delivery::pending; });
    const auto dealt = static_cast<std::size_t>(batch.each.rend() - last);
    auto again = read_chats(s.again);
    for (std::size_t i = 0; i < dealt; ++i)
      if (batch.each[i] == delivery::pending) again.push_back(chats[i]);
    s.again = write_chats(again);
    move_cursor(dealt);
    if (again.size() >= broadcast_kind::again_max) try_again(1); // The row stays small.
  }

  /// @pre `count` people of the page follow the cursor.
  void move_cursor(std::size_t count) {
    auto& s = out_.next;
    const auto& people = s.page->people;
    auto next =
        std::upper_bound(people.begin(), people.end(), s.cursor, [](std::int64_t at, const recipient& r) { return at < r.user_id; });
    s.cursor = (next + static_cast<std::ptrdiff_t>(count) - 1)->user_id;
    if (s.cursor == people.back().user_id) s.page.reset();
  }

  void on_second_round(const batch_sent& batch, const std::vector<std::int64_t>& chats, bool nobody) {
    auto& s = out_.next;
    auto rest = read_chats(s.again);
    rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(chats.size()));
    for (std::size_t i = 0; i < chats.size(); ++i)
      if (batch.each[i] == delivery::pending) rest.push_back(chats[i]);
    if (nobody) {
      // As many chunks in vain as there are, and some more: these are not to be reached today.
      if (before_.rounds >= broadcast_kind::rounds_max + static_cast<std::int32_t>(rest.size() / broadcast_kind::chunk_max)) {
        s.failed += static_cast<std::int64_t>(rest.size());
        rest.clear();
      } else
        try_again(before_.rounds + 1);
    }
    s.again = write_chats(rest);
    if (!rest.empty()) return;
    s.rounds = 0;
    s.again_at.reset();
  }

  void end(broadcast_status how, const std::string& why) {
    auto& s = out_.next;
    s.status = how;
    s.reason = why;
    s.ended_at = context_.now;
    s.page.reset();
    s.terms.reset();
    s.again.clear();
    s.again_at.reset();
    s.wish = broadcast_wish::none;
    s.skipped =
        std::max<std::int64_t>(0, std::max<std::int64_t>(s.recipients, how == broadcast_status::refused ? 1 : 0) - s.sent - s.failed);
    out_.note = std::to_string(s.sent) + " sent, " + std::to_string(s.failed) + " failed, " + std::to_string(s.skipped) + " skipped"
                + (why.empty() ? "" : ": " + why);
  }

  verdict<broadcast> finish() {
    out_.changed = !exists_ ? true : !(out_.next == before_);
    return std::move(out_);
  }

  const broadcast& before_;
  const bool exists_;
  const step_context& context_;
  decision<broadcast> out_;
};

} // namespace

bool is_second_round(const broadcast& s) { return s.rounds > 0; }

std::vector<std::int64_t> next_chunk(const broadcast& s) {
  std::vector<std::int64_t> chats;
  if (is_second_round(s)) {
    chats = read_chats(s.again);
    if (chats.size() > broadcast_kind::chunk_max) chats.resize(broadcast_kind::chunk_max);
  } else if (s.page) {
    for (const auto& r : s.page->people)
      if (r.user_id > s.cursor && chats.size() < broadcast_kind::chunk_max) chats.push_back(r.chat_id);
  }
  return chats;
}

verdict<broadcast> broadcast_kind::apply(const broadcast& state, bool exists, const broadcast_message& message,
                                         const step_context& context) {
  step s(state, exists, context);
  return std::visit(s, message);
}

} // namespace paygate
