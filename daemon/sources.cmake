# What only the daemon needs of logging and metrics; daemon/CMakeLists.txt links PkgConfig::SPDLOG and prometheus-cpp::core.
list(APPEND daemon_sources ${CMAKE_CURRENT_LIST_DIR}/log.cpp ${CMAKE_CURRENT_LIST_DIR}/cluster.cpp ${CMAKE_CURRENT_LIST_DIR}/currency_watch.cpp ${CMAKE_CURRENT_LIST_DIR}/metrics.cpp)
