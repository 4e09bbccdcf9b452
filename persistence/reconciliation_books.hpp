#pragma once

#include <pqxx/pqxx>

#include "messages/io.hpp"

// What reconciliation reads of our own books; part of the books lane.
namespace paygate {

void prepare_reconciliation_books(pqxx::connection& connection);

io_outcome answer_reconciliation(pqxx::transaction_base& transaction, const get_books_cut& request);
io_outcome answer_reconciliation(pqxx::transaction_base& transaction, const get_audit_page& request);
io_outcome answer_reconciliation(pqxx::transaction_base& transaction, const get_unknown_payments& request);
io_outcome answer_reconciliation(pqxx::transaction_base& transaction, const get_unclaimed& request);
io_outcome answer_reconciliation(pqxx::transaction_base& transaction, const get_unbooked& request);
io_outcome answer_reconciliation(pqxx::transaction_base& transaction, const get_exception& request);

} // namespace paygate
