list(APPEND machine_sources
  import/import_plan.cpp import/legacy_value.cpp import/plan_people.cpp import/plan_money.cpp
  channel/channel_machine.cpp channel/channel_effects.cpp
  conversation/conversation_machine.cpp conversation/conversation_effects.cpp
  payment/payment_machine.cpp payment/payment_judge.cpp payment/payment_decisions.cpp payment/payment_outcomes.cpp
  payment/payment_effects.cpp payment/payment_texts.cpp payment/payment_import.cpp
  poller/poller_machine.cpp
  subscription/subscription_machine.cpp)
