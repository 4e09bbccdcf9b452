#include "persistence/database.hpp"
#include "persistence/persistence.hpp"
#include "persistence/row_codec.hpp"

namespace paygate {

std::string write_settings_in_use(const std::string& dsn, const std::vector<std::pair<std::string, std::string>>& settings) {
  try {
    column_arrays arrays(2);
    for (const auto& [key, value] : settings) {
      arrays.begin_row();
      append_element(arrays.next(), key);
      append_element(arrays.next(), value);
    }
    const auto lists = arrays.finish();
    pqxx::connection connection(dsn);
    pqxx::work transaction(connection);
    transaction.exec_params(
        "INSERT INTO setting_in_use (key, value, changed_at) SELECT key, value, now() FROM unnest($1::text[], $2::text[]) AS u "
        "(key, value) ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, changed_at = EXCLUDED.changed_at WHERE "
        "setting_in_use.value <> EXCLUDED.value",
        lists[0], lists[1]);
    transaction.commit();
    return {};
  } catch (const std::exception& failure) {
    return words_of(failure);
  }
}

} // namespace paygate
