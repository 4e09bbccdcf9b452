# cmake -DSQL_DIR=... -DOUTPUT=... -P embed_sql.cmake: writes the migrations of SQL_DIR into a C++ source.
file(GLOB files "${SQL_DIR}/[0-9][0-9][0-9][0-9]_*.sql")
list(SORT files)
set(rows "")
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME)
  string(SUBSTRING "${name}" 0 4 number)
  math(EXPR version "1${number} - 10000")
  file(SHA256 "${file}" checksum)
  file(READ "${file}" text HEX)
  # The text as an array of bytes: no quoting can go wrong, no compiler limit on string literals is met.
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${text}")
  string(APPEND arrays "constexpr char text_${version}[] = {${bytes}'\\0'};\n")
  string(APPEND rows "    {${version}, \"${name}\", std::string(text_${version}, sizeof text_${version} - 1), \"${checksum}\"},\n")
endforeach()
file(WRITE "${OUTPUT}.new" "// Made by embed_sql.cmake from sql/*.sql.\n#include \"persistence/persistence.hpp\"\n\nnamespace paygate {\n\nnamespace {\n${arrays}} // namespace\n
const std::vector<migration>& embedded_migrations() {\n  static const std::vector<migration> all = {\n${rows}  };\n  return all;\n}\n\n} // namespace paygate\n")
file(COPY_FILE "${OUTPUT}.new" "${OUTPUT}")
