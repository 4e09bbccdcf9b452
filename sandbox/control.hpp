#pragma once
#include <string>
#include <vector>

#include "sandbox/changenow.hpp"
#include "sandbox/mail_and_prices.hpp"
#include "sandbox/nowpayments.hpp"
#include "sandbox/telegram.hpp"

namespace sandbox {

/// The control interface (design.md, section 9): what tests, tools and a person do to the stand-ins.
class control_desk {
public:
  control_desk(core& shared, nowpayments& payments, changenow& swaps, telegram& chats, mail_desk& mails, price_desk& prices)
      : core_(shared), payments_(payments), swaps_(swaps), chats_(chats), mails_(mails), prices_(prices) {}

  reply handle(const request& from);

private:
  reply get(const request& from, const std::vector<std::string>& way);
  reply post(const json& body, const std::vector<std::string>& way);
  reply post_user(const json& body, const std::vector<std::string>& way);
  reply put_fault(const json& body);
  reply advance_clock(const json& body);
  reply state();
  reply reset();

  core& core_;
  nowpayments& payments_;
  changenow& swaps_;
  telegram& chats_;
  mail_desk& mails_;
  price_desk& prices_;
};

} // namespace sandbox
