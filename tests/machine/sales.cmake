foreach(suite payment payment_value payment_calls payment_decision payment_walk channel broadcast conversation subscription poller)
  paygate_test(${suite}_machine_test SOURCES ${suite}_machine_test.cpp LIBS paygate_machines LABELS machine)
endforeach()
