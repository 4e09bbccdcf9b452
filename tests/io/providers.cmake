paygate_test(io_provider_test
             SOURCES provider_fake.cpp provider_http_test.cpp provider_nowpayments_test.cpp provider_changenow_test.cpp provider_currencies_test.cpp
                     provider_telegram_test.cpp provider_telegram_bot_test.cpp provider_members_test.cpp provider_ethereum_test.cpp provider_prices_test.cpp provider_sendgrid_test.cpp provider_amounts_test.cpp
             LIBS paygate_io)
paygate_test(io_anvil_test SOURCES provider_anvil_test.cpp LIBS paygate_io paygate_machines paygate_test_support LABELS real)
