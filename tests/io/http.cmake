paygate_test(io_http_test SOURCES api_router_test.cpp http_server_test.cpp http_address_test.cpp http_internal_test.cpp rate_limit_test.cpp LIBS paygate_io LABELS io)
paygate_test(account_api_test SOURCES account_api_test.cpp LIBS paygate_io paygate_machines LABELS io)
