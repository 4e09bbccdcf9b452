list(APPEND machine_sources
  import/import_plan.cpp import/legacy_value.cpp import/plan_people.cpp import/plan_money.cpp
  broadcast/broadcast_machine.cpp broadcast/broadcast_effects.cpp
  channel/channel_machine.cpp channel/channel_effects.cpp channel/channel_terms.cpp channel/channel_posts.cpp channel/channel_rights.cpp
  channel/channel_mail.cpp
  conversation/conversation_machine.cpp conversation/conversation_effects.cpp conversation/talk.cpp conversation/offer.cpp
  conversation/donation.cpp conversation/lists.cpp conversation/errands.cpp conversation/owner_form.cpp conversation/form_fields.cpp
  conversation/form_views.cpp conversation/broadcast.cpp conversation/extras.cpp conversation/promos.cpp
  conversation/accounts.cpp
  payment/payment_machine.cpp payment/payment_judge.cpp payment/payment_decisions.cpp payment/payment_outcomes.cpp
  payment/payment_effects.cpp payment/payment_texts.cpp payment/payment_import.cpp
  poller/poller_machine.cpp
  promo_code/promo_code_machine.cpp
  subscription/subscription_machine.cpp subscription/subscription_access.cpp subscription/subscription_effects.cpp
  subscription/subscription_texts.cpp)
