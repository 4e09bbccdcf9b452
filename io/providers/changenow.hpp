#pragma once

#include "io/providers/provider_faults.hpp"

namespace paygate {

struct changenow_settings {
  http_settings http{.base_url = "https://api.changenow.io"};
  secret_source api_key;
};

/// ChangeNOW API v2 (provider-apis 2), fixed rate and direct only: get_swap_range, estimate_swap, create_swap, get_swap.
/// Permanent failures carry ChangeNOW's own code ("deposit_too_small", "not_valid_address", ...), and two of ours: "out_of_range" when the
/// amount is outside what the pair takes now (also for max_amount_exceeded), "too_precise" when it has more than 8 decimals (nothing was
/// asked then).
/// "pair_is_inactive" is said of pairs that only rest and of amounts that are too small as well: the payout believes it after a while.
io_client make_changenow_client(changenow_settings settings);

} // namespace paygate
