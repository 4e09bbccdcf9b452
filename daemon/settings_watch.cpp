#include "daemon/settings_watch.hpp"

#include <utility>

#include <sys/stat.h>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "messages/log.hpp"

namespace paygate {

namespace {

using json_writer = rapidjson::Writer<rapidjson::StringBuffer>;

void put(json_writer& out, const std::string& text) { out.String(text.data(), static_cast<rapidjson::SizeType>(text.size())); }

void put(json_writer& out, const char* name, const std::vector<std::string>& list) {
  out.Key(name);
  out.StartArray();
  for (const auto& each : list) put(out, each);
  out.EndArray();
}

/// Another text after every change, whichever way an editor writes files.
std::string stamp_of(const std::string& path) {
  struct stat found {};
  if (path.empty() || ::stat(path.c_str(), &found) != 0) return {};
  return std::to_string(found.st_ino) + " " + std::to_string(found.st_size) + " " + std::to_string(found.st_mtim.tv_sec) + "."
         + std::to_string(found.st_mtim.tv_nsec);
}

} // namespace

settings_watch::settings_watch(settings& running, std::vector<std::string> arguments, std::string file,
                               std::function<void(const settings&)> apply, std::shared_ptr<metrics_sink> metrics)
    : running_(running), arguments_(std::move(arguments)), file_(std::move(file)), seen_(stamp_of(file_)), apply_(std::move(apply)),
      metrics_(std::move(metrics)) {}

void settings_watch::look() {
  const std::lock_guard lock(mutex_);
  // Gone for a moment while an editor replaces it: looked at again when it is there.
  const auto stamp = stamp_of(file_);
  if (stamp.empty() || stamp == seen_) return;
  // Half written is no setting: a file counts when two looks in a row found it the same.
  if (std::exchange(last_look_, stamp) == stamp) read_again();
}

std::string settings_watch::reload() {
  const std::lock_guard lock(mutex_);
  return read_again();
}

std::string settings_watch::show() {
  const std::lock_guard lock(mutex_);
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartArray();
  for (const auto& entry : describe(running_)) {
    out.StartObject();
    out.Key("key");
    put(out, entry.key());
    out.Key("value");
    put(out, value_text(entry));
    out.Key("reloads");
    out.Bool(entry.reloads);
    out.EndObject();
  }
  out.EndArray();
  return buffer.GetString();
}

std::string settings_watch::read_again() {
  seen_ = stamp_of(file_);
  configuration next;
  const auto faults = next.load(arguments_);
  setting_changes changes;
  if (faults.empty()) changes = take_reloadable(running_, next.values);
  for (const auto& fault : faults) log(log_level::error, "settings_not_reloaded", {{"fault", fault}});
  if (!faults.empty()) metrics_->count("settings_faults_total", "");
  metrics_->gauge("settings_faulty", "", faults.empty() ? 0 : 1);
  for (const auto& taken : changes.taken) log(log_level::info, "setting_changed", {{"setting", taken}});
  for (const auto& key : changes.need_restart) log(log_level::warning, "setting_needs_restart", {{"setting", key}});
  if (!changes.taken.empty()) apply_(running_);
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  put(out, "taken", changes.taken);
  put(out, "need_restart", changes.need_restart);
  put(out, "faults", faults);
  out.EndObject();
  return buffer.GetString();
}

} // namespace paygate
