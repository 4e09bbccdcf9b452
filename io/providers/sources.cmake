list(APPEND io_sources
     providers/changenow.cpp
     providers/changenow_currencies.cpp
     providers/ethereum.cpp
     providers/ethereum_chain.cpp
     providers/ethereum_history.cpp
     providers/ethereum_rpc.cpp
     providers/http_call.cpp
     providers/nowpayments.cpp
     providers/prices.cpp
     providers/provider_faults.cpp
     providers/sendgrid.cpp
     providers/telegram.cpp
     providers/telegram_calls.cpp
     providers/telegram_text.cpp
     providers/telegram_updates.cpp
  providers/telegram_rights.cpp)
