list(APPEND io_sources http/account_pages.cpp http/api_account.cpp http/api_auth.cpp http/api_identity.cpp http/password_pool.cpp
     http/address_block.cpp http/api_broadcasts.cpp http/api_channel_deeds.cpp http/api_channels.cpp http/api_limits.cpp http/api_lists.cpp
     http/api_openapi.cpp http/api_promo.cpp http/api_replies.cpp http/api_router.cpp http/api_shape.cpp http/api_wallets.cpp http/connections.cpp http/pages.cpp
     http/rate_limit.cpp http/replies.cpp http/routes_operations.cpp http/routes_internal.cpp http/routes_status.cpp http/routes_landing.cpp
     http/routes_webhooks.cpp http/server.cpp)
