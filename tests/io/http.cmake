paygate_test(io_http_test SOURCES api_router_test.cpp http_server_test.cpp http_address_test.cpp LIBS paygate_io LABELS io)
