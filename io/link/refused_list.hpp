#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "io/link/peer.hpp"

namespace paygate {

/// Certificates that are refused though their authority is trusted and their time has not run out: they were lost. The file `refused`
/// beside ca.pem has a line for each, "node/NAME SECONDS" or "operator/NAME SECONDS": whatever was made for that name up to that second
/// since 1970 is refused, so that the same name can be given a new one. Empty lines and lines that begin with '#' say nothing.
class refused_list {
public:
  /// A sentence when a line is no such line: a list that is half understood protects nobody.
  static std::variant<refused_list, std::string> parse(std::string_view text);

  /// Why this certificate is refused, if it is. `good_from`: the first second at which it is good.
  std::optional<std::string> why(const peer_name& peer, std::int64_t good_from) const;
  std::size_t size() const { return until_.size(); }

private:
  std::map<std::string, std::int64_t, std::less<>> until_; ///< By "node/NAME".
};

} // namespace paygate
