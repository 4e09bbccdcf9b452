list(APPEND machine_sources account/account_machine.cpp account/account_effects.cpp account/account_outcomes.cpp account/account_parts.cpp account/account_texts.cpp account/login_guard.cpp
     login_name/login_name_machine.cpp session/session_machine.cpp)
