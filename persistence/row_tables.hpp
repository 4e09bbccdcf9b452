#pragma once

#include <array>
#include <string>
#include <vector>

#include "messages/step.hpp"
#include "persistence/pipeline.hpp"
#include "persistence/row_codec.hpp"

namespace paygate {

/// The newest layout of a row's state that this program knows; a newer row is not touched.
inline constexpr int state_version = 1;

/// A kind's table: what every statement about it needs. The columns are the header's, then those of the snapshot's each_field.
struct entity_table {
  entity_kind kind;
  std::string name;
  std::vector<column> fields; ///< Of the snapshot.

  std::string insert_sql; ///< Over unnest; answers the ids that were new.
  std::string update_sql; ///< Over unnest, same parameters; answers the ids whose version was one less.
  std::string select_sql; ///< By an array of ids; children are read apart.

  std::size_t parameters() const { return header_columns().size() + fields.size(); }
  static const std::vector<column>& header_columns();

  /// Appends the step's row to arrays of parameters() columns. @pre the step's snapshot is of this kind, else codec_error.
  void (*append)(column_arrays& arrays, const step_record& step);
  /// Reads a row of select_sql; throws codec_error, also for a row of a newer program.
  loaded_entity (*read)(const row_view& row);
};

inline constexpr std::size_t kind_count = std::variant_size_v<snapshot>;

/// All tables, by entity_kind.
const std::array<entity_table, kind_count>& entity_tables();
inline const entity_table& table_of(entity_kind kind) { return entity_tables().at(static_cast<std::size_t>(kind)); }

/// A snapshot of that kind with nothing in it.
snapshot empty_snapshot(entity_kind kind);

/// Reads the columns of a row from `first` on into the fields of `value`.
template <class T>
void read_fields(const row_view& row, int first, T& value) {
  int index = first;
  T::each_field(value, [&]<class V>(std::string_view, V& field) {
    const int cell = index++;
    if constexpr (requires {
                    typename V::value_type;
                    field.has_value();
                  }) {
      field.reset();
      if (!row.is_null(cell)) read_value(row.text(cell), field.emplace());
    } else {
      read_value(row.text(cell), field);
    }
  });
}

/// "a, b, c" with a prefix before each name.
std::string name_list(const std::vector<column>& columns, std::string_view prefix = "");
/// "unnest($1::text[], $2::bigint[])"
std::string unnest_list(const std::vector<column>& columns);

} // namespace paygate
