# cmake -DINPUT=... -DOUTPUT=... -P embed.cmake: writes the currency snapshot into a C++ source, as an array of bytes.
file(READ "${INPUT}" text HEX)
string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${text}")
file(WRITE "${OUTPUT}.new" "// Made by embed.cmake from currencies.txt.\n#include \"addresses/rule.hpp\"\n\nnamespace paygate::addresses {\n\nnamespace {
constexpr char text[] = {${bytes}'\\0'};\n} // namespace\n
std::string_view currencies_text() { return {text, sizeof text - 1}; }\n\n} // namespace paygate::addresses\n")
file(COPY_FILE "${OUTPUT}.new" "${OUTPUT}")
