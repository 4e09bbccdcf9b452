#include "actors/account/account_machine.hpp"
#include "actors/account/account_texts.hpp"

namespace paygate {

namespace {

effect make(std::string key, std::variant<io_request, ask_entity> request, timestamp not_before = {}) {
  return {std::move(key), std::move(request), not_before, milliseconds(1'000), milliseconds(60'000)};
}

/// "reserve mail:a@b.c": what is to be done with whom.
ask_entity errand_of(std::string_view errand, const std::string& account_id) {
  const auto space = errand.find(' ');
  const auto what = errand.substr(0, space);
  const std::string whom(errand.substr(space + 1));
  if (what == "tell") return {{entity_kind::account, whom}, account_message{address_wanted{}}};
  const entity_ref name{entity_kind::login_name, whom};
  if (what == "reserve") return {name, login_name_message{reserve_name{account_id}}};
  if (what == "confirm") return {name, login_name_message{confirm_name{account_id}}};
  return {name, login_name_message{release_name{account_id}}};
}

} // namespace

std::vector<effect> account_kind::effects_due(const account& state, const entity_ref& self, timestamp, const policy& rules) {
  std::vector<effect> due;
  if (const auto errand = first_owed(state.owed_names); !errand.empty())
    due.push_back(make("name:" + std::string(errand), errand_of(errand, self.id)));
  if (const auto owed = first_owed(state.owed_mails); !owed.empty()) {
    const auto mail = owed.substr(0, owed.find(':'));
    if (needs_secret(mail) && state.secret.empty())
      due.push_back(make("secret:" + std::string(owed), io_request(make_secret{})));
    else
      due.push_back(make("mail:" + std::string(owed), io_request(mail_of(state, mail, self.id, rules))));
  }
  if (state.status == account_status::closing) {
    for (const auto id : state.selling)
      due.push_back(
          make("close:" + std::to_string(id), ask_entity{{entity_kind::channel, std::to_string(id)}, channel_message{close_channel{}}}));
    // Looked at again and again, until the last of them owes nothing and nothing is owed to it.
    if (state.selling.empty())
      due.push_back({"channels", io_request(get_account_channels{self.id}), timestamp{}, milliseconds(60'000), milliseconds(3'600'000)});
  }
  if (state.status == account_status::unverified && state.lapses_at)
    due.push_back(make("lapse", ask_entity{self, account_message{lapse_account{}}}, *state.lapses_at));
  return due;
}

std::optional<timestamp> account_kind::wakes_at(const account&, timestamp, const policy&) { return std::nullopt; }

std::optional<std::chrono::seconds> account_kind::stuck_after(const account& state) {
  if (!state.owed_mails.empty() || !state.owed_names.empty()) return std::chrono::minutes(30);
  return std::nullopt;
}

} // namespace paygate
