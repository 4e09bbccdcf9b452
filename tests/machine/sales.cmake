foreach(suite payment payment_value payment_calls payment_decision payment_walk channel channel_rights broadcast conversation subscription subscription_access
              subscription_simulation promo_code poller)
  paygate_test(${suite}_machine_test SOURCES ${suite}_machine_test.cpp LIBS paygate_machines LABELS machine)
endforeach()
