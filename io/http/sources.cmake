list(APPEND io_sources http/address_block.cpp http/connections.cpp http/pages.cpp http/replies.cpp http/routes_operations.cpp http/routes_status.cpp http/routes_landing.cpp
     http/routes_webhooks.cpp http/server.cpp)
