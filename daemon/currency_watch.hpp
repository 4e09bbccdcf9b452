#pragma once

#include <functional>
#include <variant>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "io/providers/changenow_currencies.hpp"
#include "persistence/persistence.hpp"

namespace paygate {

/// Reads the exchange's list of currencies once a day, by one node of the cluster at a time (table currency_list says who is to), and puts
/// it into the database. When the exchange is away what is known stays, and is tried again after ten minutes.
caf::actor spawn_currency_watch(caf::actor_system& system, api_reader ask,
                                std::function<std::variant<std::vector<exchange_currency>, io_failure>()> read);

} // namespace paygate
