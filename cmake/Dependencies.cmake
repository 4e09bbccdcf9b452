# Debian 12's packages. CAF ships no CMake configuration there.
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(PkgConfig REQUIRED)

find_path(CAF_INCLUDE_DIR caf/config.hpp REQUIRED)
file(STRINGS ${CAF_INCLUDE_DIR}/caf/config.hpp caf_version REGEX "#define CAF_VERSION ")
if(NOT caf_version MATCHES "CAF_VERSION 17[0-9][0-9]")
  message(FATAL_ERROR "CAF 0.17 is needed (Debian 12's libcaf-dev); found: ${caf_version}")
endif()
foreach(component core io)
  find_library(CAF_${component}_LIB caf_${component} REQUIRED)
  add_library(caf::${component} UNKNOWN IMPORTED)
  set_target_properties(caf::${component} PROPERTIES IMPORTED_LOCATION ${CAF_${component}_LIB}
                        INTERFACE_INCLUDE_DIRECTORIES ${CAF_INCLUDE_DIR})
endforeach()
set_property(TARGET caf::core APPEND PROPERTY INTERFACE_LINK_LIBRARIES Threads::Threads)
set_property(TARGET caf::io APPEND PROPERTY INTERFACE_LINK_LIBRARIES caf::core)

# pkg-config's macros are part of the ABI of cpp-httplib and spdlog: never link the bare libraries.
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
pkg_check_modules(PQXX REQUIRED IMPORTED_TARGET libpqxx)
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(SPDLOG REQUIRED IMPORTED_TARGET spdlog)
pkg_check_modules(SECP256K1 REQUIRED IMPORTED_TARGET libsecp256k1)
pkg_check_modules(ARGON2 REQUIRED IMPORTED_TARGET libargon2)
pkg_check_modules(CRYPTOPP REQUIRED IMPORTED_TARGET libcrypto++)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(Boost REQUIRED)
find_package(Catch2 2 REQUIRED)

# paygate_library(name SOURCES... [LIBS ...]): one library of one folder; it sees the hub and what LIBS names.
function(paygate_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_LIBS})
endfunction()

# CAF's headers, precompiled once (160 MB).
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/caf_headers.cpp CONTENT "")
add_library(paygate_caf_headers OBJECT ${CMAKE_BINARY_DIR}/caf_headers.cpp)
target_link_libraries(paygate_caf_headers PRIVATE caf::core)
target_precompile_headers(paygate_caf_headers PRIVATE <caf/all.hpp> <chrono> <map> <memory> <optional> <string> <unordered_map> <variant> <vector>)

# For a target whose sources include them.
function(paygate_precompile_caf name)
  target_precompile_headers(${name} REUSE_FROM paygate_caf_headers)
endfunction()

# paygate_test(name SOURCES... LIBS...): one Catch2 program, one ctest entry.
function(paygate_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE paygate_test_main ${ARG_LIBS})
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()
