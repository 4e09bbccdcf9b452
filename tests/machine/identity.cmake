foreach(suite account login_name session)
  paygate_test(${suite}_machine_test SOURCES ${suite}_machine_test.cpp LIBS paygate_machines LABELS machine)
endforeach()
