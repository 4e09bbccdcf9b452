#pragma once

#include "actors/account/account_machine.hpp"
#include "tests/machine/sales_support.hpp"

namespace paygate::test {

/// An account with everybody whom it asks.
struct rig : machine<account_kind> {
  rig() : machine("A1") { rules.public_url = "https://pay.example"; }

  void open() { send(open_account{"Ann", "Ann@Example.org", "hash0", false}); }
  /// Does everything that is due at once; answers the mails.
  std::vector<send_mail> settle() {
    std::vector<send_mail> mails;
    for (bool more = true; more;) {
      more = false;
      for (const auto& e : due()) {
        if (e.not_before > now) continue;
        more = true;
        if (const auto* asked = std::get_if<ask_entity>(&e.request)) {
          if (asked->to == self) {
            send(std::get<account_message>(asked->message));
            break;
          }
          asked_of.push_back(to_text(asked->to) + " " + std::string(name_of(asked->message)));
          const auto& holder = lost.contains(asked->to.id) ? lost[asked->to.id] : self.id;
          send(effect_done{e.key, entity_reply(name_view{holder, true})});
        } else if (std::holds_alternative<get_account_channels>(std::get<io_request>(e.request))) {
          send(effect_done{e.key, io_outcome(channels)});
          if (channels.open > 0) return mails; // Asked again after a pause.
        } else if (std::holds_alternative<make_secret>(std::get<io_request>(e.request))) {
          const auto n = std::to_string(++secrets);
          send(effect_done{e.key, io_outcome(secret_made{"secret" + n, "digest" + n})});
        } else {
          mails.push_back(std::get<send_mail>(std::get<io_request>(e.request)));
          send(effect_done{e.key, io_outcome(done{})});
        }
        break;
      }
    }
    return mails;
  }
  static std::string_view name_of(const any_message& m) {
    return std::visit([](const auto& of_kind) { return paygate::name_of(of_kind); }, m);
  }
  /// Signed up, confirmed, greeted.
  void activate() {
    open();
    settle();
    send(confirm_email{state.verify_token});
    settle();
  }
  std::string digest() const { return "digest" + std::to_string(secrets); }

  std::map<std::string, std::string> lost; ///< Names that are somebody else's.
  std::vector<std::string> asked_of;
  account_channels channels;
  int secrets = 0;
};

inline std::string subjects(const std::vector<send_mail>& mails) {
  std::string all;
  for (const auto& m : mails) all += (all.empty() ? "" : "; ") + m.to + ": " + m.subject;
  return all;
}

} // namespace paygate::test
