foreach(suite payment payment_value payment_calls payment_decision payment_walk channel channel_owner broadcast conversation conversation_table conversation_owner conversation_lists conversation_broadcast subscription poller)
  paygate_test(${suite}_machine_test SOURCES ${suite}_machine_test.cpp LIBS paygate_machines LABELS machine)
endforeach()
