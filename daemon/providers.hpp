#pragma once

#include "config/secrets.hpp"
#include "config/settings.hpp"
#include "io/codec/password.hpp"
#include "io/providers/changenow.hpp"
#include "io/providers/ethereum.hpp"
#include "io/providers/nowpayments.hpp"
#include "io/providers/prices.hpp"
#include "io/providers/sendgrid.hpp"
#include "io/providers/telegram.hpp"

// Which settings and secrets each provider's client gets. Secrets are asked for at each call, so that a reloaded one is used at once;
// `secrets` must outlive the clients.
namespace paygate {

nowpayments_settings nowpayments_of(const settings& s, const secret_store& secrets);
changenow_settings changenow_of(const settings& s, const secret_store& secrets);
telegram_settings telegram_of(const settings& s, const secret_store& secrets);
ethereum_settings ethereum_of(const settings& s, const secret_store& secrets);
argon2_cost password_cost_of(const settings& s);
sendgrid_settings sendgrid_of(const settings& s, const secret_store& secrets);
price_settings prices_of(const settings& s, const secret_store& secrets);

} // namespace paygate
