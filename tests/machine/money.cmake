paygate_test(payout_machine_test SOURCES payout_machine_test.cpp LIBS paygate_machines LABELS machine)
paygate_test(wallet_machine_test SOURCES wallet_machine_test.cpp wallet_alarm_machine_test.cpp LIBS paygate_machines LABELS machine)
foreach(suite reopen conversion scheduler batch refund way_back acknowledge reconciliation)
  paygate_test(${suite}_machine_test SOURCES ${suite}_machine_test.cpp LIBS paygate_machines LABELS machine)
endforeach()
# Both machines in a world of faults, under the runtime's own table of running effects.
paygate_test(money_simulation_test SOURCES money_simulation_test.cpp money_world.cpp ${CMAKE_SOURCE_DIR}/actors/runtime/backoff.cpp
             LIBS paygate_machines LABELS machine simulation)
