list(APPEND machine_sources payout/payout_effects.cpp payout/payout_machine.cpp payout/payout_texts.cpp wallet/wallet_effects.cpp
     wallet/wallet_machine.cpp)
