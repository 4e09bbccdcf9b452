#pragma once

#include <string>
#include <utility>

#include "actors/channel/channel_machine.hpp"

// Inside actors/channel only: the two beginnings of every decision.
namespace paygate::channels {

inline decision<channel> unchanged(const channel& state, entity_reply reply = ok{}) {
  return {.next = state, .changed = false, .reply = std::move(reply), .entries = {}, .rows = {}, .note = {}};
}
inline decision<channel> begin(const channel& state, std::string note) {
  return {.next = state, .changed = true, .reply = ok{}, .entries = {}, .rows = {}, .note = std::move(note)};
}

} // namespace paygate::channels
