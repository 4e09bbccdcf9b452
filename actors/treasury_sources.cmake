list(APPEND machine_sources payout/payout_effects.cpp payout/payout_machine.cpp payout/payout_texts.cpp swap/swap.cpp conversion/conversion_machine.cpp
     scheduler/scheduler_machine.cpp reconciliation/reconciliation_machine.cpp reconciliation/reconciliation_effects.cpp
     reconciliation/reconciliation_judge.cpp wallet/wallet_effects.cpp
     wallet/wallet_machine.cpp wallet/wallet_sending.cpp wallet/wallet_mined.cpp wallet/wallet_fees.cpp
     wallet/wallet_foreign.cpp wallet/wallet_books.cpp)
