paygate_test(io_http_test SOURCES http_server_test.cpp http_address_test.cpp http_landing_test.cpp LIBS paygate_io LABELS io)
