#pragma once

#include <string>
#include <sys/types.h>

namespace paygate::test {

struct cluster_options {
  bool fsync = true;      ///< false: faster, for tests that never crash PostgreSQL.
  std::string extra_conf; ///< Lines for postgresql.conf.
};

/// A private PostgreSQL 15 in a temporary folder: a socket folder of its own and a free TCP port on 127.0.0.1. It runs as user `postgres`
/// when the caller is root, and is stopped and removed at the end. initdb runs once per program; further clusters copy its result.
/// Everything throws std::runtime_error with the server's log on failure.
class postgres_cluster {
public:
  explicit postgres_cluster(cluster_options options = {});
  ~postgres_cluster();
  postgres_cluster(const postgres_cluster&) = delete;
  postgres_cluster& operator=(const postgres_cluster&) = delete;

  /// libpq connection string over the socket / over TCP, as superuser `postgres`.
  std::string dsn(const std::string& database = "postgres") const;
  std::string tcp_dsn(const std::string& database = "postgres") const;
  int port() const { return port_; }

  /// Makes an empty database and answers its dsn().
  std::string create_database(const std::string& name);
  /// Runs one statement by psql and answers its unaligned output without the last newline.
  std::string sql(const std::string& statement, const std::string& database = "postgres") const;

  void start();                      ///< Waits until it answers. A no-op while it runs.
  void stop();                       ///< Fast shutdown: open sessions are ended.
  void kill_hard();                  ///< SIGKILL to the postmaster and its children, as a power cut would.
  void freeze();                     ///< SIGSTOP to all its processes.
  void thaw();                       ///< SIGCONT to all its processes.
  pid_t pid() const { return pid_; } ///< The postmaster; 0 while it is stopped.

private:
  std::string folder_;
  cluster_options options_;
  int port_ = 0;
  pid_t pid_ = 0;
};

/// A folder under /tmp, removed with everything in it at the end.
class temporary_folder {
public:
  explicit temporary_folder(const std::string& prefix = "paygate");
  ~temporary_folder();
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

/// A TCP port on 127.0.0.1 that nobody listens on at this moment.
int free_port();

} // namespace paygate::test
