#include "actors/login_name/login_name_machine.hpp"

namespace paygate {

namespace {

using step = decision<login_name>;

struct login_name_step {
  const login_name& state;
  const step_context& context;

  /// Whose it is now; a reservation that lapsed is nobody's.
  bool is_held() const {
    if (state.status == login_name_status::free) return false;
    return state.status == login_name_status::taken || !state.until || context.now < *state.until;
  }
  name_view view() const { return is_held() ? name_view{state.account_id, state.status == login_name_status::taken} : name_view{}; }
  verdict<login_name> unchanged(entity_reply reply) const {
    return step{.next = state, .changed = false, .reply = std::move(reply), .entries = {}, .rows = {}, .note = {}};
  }
  verdict<login_name> become(login_name next, entity_reply reply, std::string note) const {
    if (next == state) return unchanged(std::move(reply));
    return step{.next = std::move(next), .changed = true, .reply = std::move(reply), .entries = {}, .rows = {}, .note = std::move(note)};
  }

  verdict<login_name> operator()(const reserve_name& command) const {
    if (command.account_id.empty()) return refused{refusal::invalid, "no account is named"};
    if (is_held()) return unchanged(view());
    return become({login_name_status::reserved, command.account_id, context.now + login_name_kind::reservation},
                  name_view{command.account_id, false}, "reserved");
  }

  verdict<login_name> operator()(const confirm_name& command) const {
    if (command.account_id.empty()) return refused{refusal::invalid, "no account is named"};
    if (is_held() && state.account_id != command.account_id) return unchanged(view());
    return become({login_name_status::taken, command.account_id, std::nullopt}, name_view{command.account_id, true}, "taken");
  }

  verdict<login_name> operator()(const release_name& command) const {
    if (state.status == login_name_status::free || state.account_id != command.account_id) return unchanged(ok{});
    return become({}, ok{}, "released");
  }

  verdict<login_name> operator()(const find_name&) const { return unchanged(view()); }
  verdict<login_name> operator()(const effect_done&) const { return unchanged(ok{}); }
};

} // namespace

verdict<login_name> login_name_kind::apply(const login_name& state, bool, const login_name_message& message, const step_context& context) {
  return std::visit(login_name_step{state, context}, message);
}

std::vector<effect> login_name_kind::effects_due(const login_name&, const entity_ref&, timestamp, const policy&) { return {}; }
std::optional<timestamp> login_name_kind::wakes_at(const login_name&, timestamp, const policy&) { return std::nullopt; }
std::optional<std::chrono::seconds> login_name_kind::stuck_after(const login_name&) { return std::nullopt; }

} // namespace paygate
