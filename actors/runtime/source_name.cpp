#include "actors/runtime/source_name.hpp"

#include <algorithm>

namespace paygate {

std::string public_name_of(std::string_view dsn) {
  const auto scheme = dsn.find("://");
  if (dsn.starts_with("postgres://") || dsn.starts_with("postgresql://")) {
    auto rest = dsn.substr(scheme + 3);
    // A password may hold what separates, and parameters may hold a password: what could be read in two ways is not repeated.
    const auto parameters = std::min(rest.find_first_of("?#"), rest.size());
    if (std::count(rest.begin(), rest.end(), '@') > 1 || rest.find('@', parameters) != rest.npos) return "(not shown)";
    rest = rest.substr(0, parameters);
    if (const auto at = rest.find('@'); at != rest.npos) rest = rest.substr(at + 1);
    return "postgresql://" + std::string(rest);
  }
  // "key=value ..." with quotes and escapes, as libpq reads it; only what names the place is repeated.
  std::string out;
  for (std::size_t i = 0; i < dsn.size();) {
    while (i < dsn.size() && (dsn[i] == ' ' || dsn[i] == '\t' || dsn[i] == '\n')) ++i;
    const auto equals = dsn.find('=', i);
    if (equals == dsn.npos) break;
    auto name = dsn.substr(i, equals - i);
    while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
    i = equals + 1;
    while (i < dsn.size() && dsn[i] == ' ') ++i;
    const bool quoted = i < dsn.size() && dsn[i] == '\'';
    if (quoted) ++i;
    std::string value;
    for (; i < dsn.size() && (quoted ? dsn[i] != '\'' : dsn[i] != ' ' && dsn[i] != '\t' && dsn[i] != '\n'); ++i) {
      if (dsn[i] == '\\' && i + 1 < dsn.size()) ++i;
      value += dsn[i];
    }
    if (quoted && i < dsn.size()) ++i;
    for (std::string_view shown : {"host", "hostaddr", "port", "dbname", "user", "service"})
      // A database's name may itself be a whole connection string.
      if (name == shown && value.find_first_of("=:@") == value.npos) out += (out.empty() ? "" : " ") + std::string(name) + "=" + value;
  }
  return out.empty() ? "(not shown)" : out;
}

} // namespace paygate
