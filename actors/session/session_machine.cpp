#include "actors/session/session_machine.hpp"

namespace paygate {

namespace {

using step = decision<session>;

struct session_step {
  const session& state;
  bool exists;
  const step_context& context;

  verdict<session> unchanged(entity_reply reply = ok{}) const {
    return step{.next = state, .changed = false, .reply = std::move(reply), .entries = {}, .rows = {}, .note = {}};
  }
  verdict<session> end(session_status status, entity_reply reply, std::string note) const {
    step out{.next = state, .changed = true, .reply = std::move(reply), .entries = {}, .rows = {}, .note = std::move(note)};
    out.next.status = status;
    out.next.token.clear();
    return out;
  }
  session_view view(const session& of) const { return {of.account_id, of.generation}; }

  verdict<session> operator()(const open_session& command) const {
    if (command.account_id.empty() || command.token.empty()) return refused{refusal::invalid, "no account or no token"};
    if (exists) {
      const bool same = state.account_id == command.account_id && state.generation == 0 && state.token == command.token;
      return same ? unchanged(view(state)) : verdict<session>(refused{refusal::conflict, "the session is open already"});
    }
    session next{
        session_status::open, command.account_id, command.login_epoch, 0, command.token, context.now, context.now + session_kind::life};
    auto reply = view(next);
    return step{.next = std::move(next), .changed = true, .reply = std::move(reply), .entries = {}, .rows = {}, .note = "opened"};
  }

  verdict<session> operator()(const rotate_session& command) const {
    const refused no{refusal::invalid, "the session is over"};
    if (!exists || state.status != session_status::open) return no;
    if (context.now >= state.expires_at) return end(session_status::expired, no, "expired");
    if (command.login_epoch != state.login_epoch) return end(session_status::closed, no, "logged out everywhere");
    // The signature says that we made it, so it was the newest once: somebody else has used it already.
    if (command.generation != state.generation || command.token != state.token)
      return end(session_status::revoked, no, "token " + std::to_string(command.generation) + " was used again");
    step out{.next = state, .changed = true, .reply = ok{}, .entries = {}, .rows = {}, .note = "rotated"};
    out.next.token = command.next_token;
    ++out.next.generation;
    out.next.expires_at = context.now + session_kind::life;
    out.reply = view(out.next);
    return out;
  }

  verdict<session> operator()(const close_session&) const {
    if (!exists || state.status != session_status::open) return unchanged();
    return end(session_status::closed, ok{}, "logged out");
  }

  verdict<session> operator()(const expire_session&) const {
    if (!exists || state.status != session_status::open || context.now < state.expires_at) return unchanged();
    return end(session_status::expired, ok{}, "expired");
  }

  verdict<session> operator()(const effect_done&) const { return unchanged(); }
};

} // namespace

verdict<session> session_kind::apply(const session& state, bool exists, const session_message& message, const step_context& context) {
  return std::visit(session_step{state, exists, context}, message);
}

std::vector<effect> session_kind::effects_due(const session& state, const entity_ref& self, timestamp, const policy&) {
  if (state.status != session_status::open) return {};
  return {{"expire", ask_entity{self, session_message{expire_session{}}}, state.expires_at, milliseconds(1'000), milliseconds(60'000)}};
}

std::optional<timestamp> session_kind::wakes_at(const session&, timestamp, const policy&) { return std::nullopt; }
std::optional<std::chrono::seconds> session_kind::stuck_after(const session&) { return std::nullopt; }

} // namespace paygate
