#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace paygate {

/// Secrets by name, from a folder with one file each (systemd credentials, container secrets) or the environment; the file wins. White
/// space around a value is trimmed. Nothing here prints a value, and `redact` masks them wherever they turn up. Safe from any thread.
class secret_store {
public:
  using environment = std::function<std::optional<std::string>(const std::string& name)>;

  /// `dir` may be empty: the environment only.
  explicit secret_store(std::filesystem::path dir, environment env = process_environment);

  /// Reads all of them for the first time. Answers one sentence for each that is required and missing, or malformed; each names the secret
  /// and what is expected, never the value.
  std::vector<std::string> load();

  struct change_report {
    std::vector<std::string> changed; ///< Names whose new value is in use now.
    std::vector<std::string> faults;  ///< Sentences as those of `load`; these keep their last good value.
  };
  /// Reads all of them again. Cheap enough for once a second.
  change_report reload();

  /// The value, empty when there is none. @pre the name is one of design.md section 9.
  std::string get(std::string_view name) const;
  /// Of a comma separated secret (ETHEREUM_RPC_URL): its trimmed parts, empty ones left out.
  std::vector<std::string> list(std::string_view name) const;

  /// The text with every secret value of 6 characters or more that was ever loaded, and the parts of lists and URLs that are secret,
  /// masked.
  std::string redact(std::string_view text) const;

  static std::optional<std::string> process_environment(const std::string& name);

private:
  struct reading {
    std::optional<std::string> value;
    std::string fault;
  };
  reading read(std::size_t index) const;
  void remember(const std::string& value);

  const std::filesystem::path dir_;
  const environment env_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::string, std::less<>> values_;
  std::vector<std::string> masked_; ///< Longest first: a part must not unmask the whole.
};

} // namespace paygate
