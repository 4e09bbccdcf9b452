paygate_test(import_machine_test SOURCES import_machine_test.cpp ${CMAKE_SOURCE_DIR}/actors/runtime/source_name.cpp LIBS paygate_machines LABELS machine)
foreach(suite payment payment_value payment_calls payment_decision payment_walk channel channel_owner channel_rights channel_mail broadcast conversation conversation_table conversation_owner conversation_lists conversation_broadcast conversation_extras subscription subscription_access subscription_simulation promo_code poller)
  paygate_test(${suite}_machine_test SOURCES ${suite}_machine_test.cpp LIBS paygate_machines LABELS machine)
endforeach()
