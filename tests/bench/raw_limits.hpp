#pragma once

#include <cstdint>
#include <string>

#include "messages/step.hpp"
#include "tests/bench/bench_support.hpp"

// The limits that our figures stand beside: what PostgreSQL alone does on this machine in this minute.
namespace paygate::bench {

/// Fills table conversation with rows "c0" .. "c<n-1>", version 1, nothing due.
void insert_conversations(const std::string& dsn, std::int64_t n);

/// Steps per second of one connection with no actor near: guarded UPDATE of conversation rows and INSERT of their history, both by unnest,
/// `batch` steps per transaction. The rows are those of insert_conversations.
double raw_steps_per_second(const std::string& dsn, std::int64_t entities, std::size_t batch, std::chrono::seconds duration);

/// The time of `n` such transactions of one step each.
latencies raw_one_row_commits(const std::string& dsn, std::int64_t entities, std::size_t n);

/// pgbench: one-row UPDATE commits per second over 16 connections; 0 when pgbench cannot be run.
double pgbench_commits_per_second(const std::string& dsn, std::chrono::seconds duration);

} // namespace paygate::bench
