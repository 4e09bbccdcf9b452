#pragma once

#include <string>
#include <variant>

#include "actors/runtime/ports.hpp"

namespace paygate {

/// Makes the crash point of `--crash_at=WINDOW:COUNT`: the process kills itself with SIGKILL when it passes WINDOW for the COUNT-th time.
/// Windows: before_commit, after_commit, before_call:<request>, after_call:<request>. An empty text makes none; a bad one the sentence that
/// says what is expected.
std::variant<crash_point_fn, std::string> make_crash_point(const std::string& text);

} // namespace paygate
