#pragma once

#include <pqxx/pqxx>

#include "messages/io.hpp"

// What conversations and channels read of our own tables; part of the books lane.
namespace paygate {

void prepare_bot_books(pqxx::connection& connection);

io_outcome answer_bot(pqxx::transaction_base& transaction, const list_subscriptions& request);
io_outcome answer_bot(pqxx::transaction_base& transaction, const list_channels& request);
io_outcome answer_bot(pqxx::transaction_base& transaction, const list_donation_channels& request);
io_outcome answer_bot(pqxx::transaction_base& transaction, const channel_stats& request);
io_outcome answer_bot(pqxx::transaction_base& transaction, const get_owner_slot& request);
io_outcome answer_bot(pqxx::transaction_base& transaction, const get_channel_holdings& request);
io_outcome answer_bot(pqxx::transaction_base& transaction, const get_account_channels& request);
io_outcome answer_bot(pqxx::transaction_base& transaction, const list_promos& request);
io_outcome answer_bot(pqxx::transaction_base& transaction, const list_accounts& request);
io_outcome answer_bot(pqxx::transaction_base& transaction, const find_other_access& request);
io_outcome answer_bot(pqxx::transaction_base& transaction, const get_waiting& request);

} // namespace paygate
