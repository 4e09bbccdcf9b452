#include <algorithm>
#include <array>

#include "actors/runtime/inspector_import.hpp"
#include "messages/log.hpp"

// A verb over many entities: page by page from the database, a bounded number at a time.
namespace paygate::inspecting {

namespace {

constexpr std::size_t page_size = 500, at_a_time = 32, examples_max = 10, refusals_max = 20, jobs_kept = 20;

constexpr std::array sweepable{"retry", "restart", "cancel", "reopen", "approve"};

/// The question's arguments without their closing brace.
std::string filter_of(const command& c) {
  std::string filter = "{\"limit\":" + std::to_string(page_size);
  for (const auto* name : {"kind", "status", "reason_is", "node"})
    if (const auto value = text_of(c, name); !value.empty()) filter += ",\"" + std::string(name) + "\":" + json_text(value);
  const auto stuck = c.FindMember("stuck");
  if (stuck != c.MemberEnd() && stuck->value.IsBool() && stuck->value.GetBool()) filter += ",\"stuck\":true";
  return filter;
}

} // namespace

deed_or_error inspector_shell::sweep_deed(const command& c) {
  const auto of = text_of(c, "of"), kind = text_of(c, "kind");
  if (std::find(sweepable.begin(), sweepable.end(), of) == sweepable.end())
    return error_json("invalid", "only retry, restart, cancel, reopen and approve go over many");
  if (!kind.empty() && !parse_enum<entity_kind>(kind)) return error_json("invalid", "no kind is named \"" + kind + "\"");
  auto job = std::make_shared<sweep_job>();
  job->verb = of;
  job->filter = filter_of(c);
  job->reason = text_of(c, "reason");
  const bool narrow = job->filter.find(",\"reason_is\"") != std::string::npos || job->filter.find(",\"status\"") != std::string::npos
                      || job->filter.find(",\"stuck\"") != std::string::npos;
  if (!narrow) {
    // Nobody means to touch every entity there is.
    if (of != "retry") return error_json("invalid", of + " over many wants a kind and a state, a reason or stuck");
    job->filter += ",\"stuck\":true";
  }
  if (of != "retry" && kind.empty()) return error_json("invalid", of + " over many wants a kind");
  if (is_order(of) && kind != "payout" && (of == "approve" || kind != "conversion"))
    return error_json("invalid", of + " is not for a " + kind);
  return job_deed((kind.empty() ? std::string("*") : kind) + "/*", job, &inspector_state::jobs, jobs_kept, &inspector_shell::pump);
}

std::string inspector_shell::job_json(std::uint64_t id) const {
  if (const auto import = self_->state.imports.find(id); import != self_->state.imports.end()) return import_json(*import->second);
  const auto found = self_->state.jobs.find(id);
  if (found == self_->state.jobs.end()) return error_json("not_found", "there is no such job on this node");
  const auto& job = *found->second;
  std::string json = "{\"job\":" + std::to_string(job.id) + ",\"verb\":" + json_text(job.verb)
                     + ",\"dry_run\":" + (job.dry ? "true" : "false") + ",\"seen\":" + std::to_string(job.seen)
                     + ",\"done\":" + std::to_string(job.done) + ",\"refused\":" + std::to_string(job.refused)
                     + ",\"finished\":" + (job.finished ? "true" : "false") + ",\"fault\":" + json_text(job.error) + ",\"examples\":[";
  for (std::size_t i = 0; i < job.examples.size(); ++i) json += (i ? "," : "") + json_text(job.examples[i]);
  json += "],\"refusals\":[";
  bool first = true;
  for (const auto& [text, often] : job.refusals) {
    json += std::string(first ? "" : ",") + "{\"text\":" + json_text(text) + ",\"count\":" + std::to_string(often.first)
            + ",\"example\":" + json_text(often.second) + "}";
    first = false;
  }
  return json + "]}";
}

void inspector_shell::pump(const sweep_ptr& job) {
  while (!job->page.empty() && job->under_way < at_a_time) {
    const auto ref = std::move(job->page.back());
    job->page.pop_back();
    ++job->seen;
    if (job->examples.size() < examples_max) job->examples.push_back(to_text(ref));
    if (job->dry) continue;
    ++job->under_way;
    do_one(job, ref);
  }
  if (!job->page.empty() || job->paging) return;
  if (!job->last_page) return next_page(job);
  if (job->under_way == 0) end_sweep(job);
}

void inspector_shell::next_page(const sweep_ptr& job) {
  job->paging = true;
  auto args = job->filter;
  if (!job->after.empty()) args += ",\"after\":" + json_text(job->after) + ",\"after_kind\":" + json_text(job->after_kind);
  ask_reader("actors", args + "}", [this_ = *this, job](const std::string& answer) mutable {
    job->paging = false;
    rapidjson::Document rows;
    rows.Parse(answer.c_str());
    if (rows.HasParseError() || !rows.IsArray()) {
      job->error = rows.IsObject() && rows.HasMember("error") ? text_of(rows["error"], "text") : "the database's answer cannot be read";
      job->last_page = true;
      return this_.pump(job);
    }
    job->last_page = rows.Size() < page_size;
    for (const auto& row : rows.GetArray()) {
      job->after = text_of(row, "id");
      job->after_kind = text_of(row, "kind");
      if (const auto kind = parse_enum<entity_kind>(job->after_kind)) job->page.push_back({*kind, job->after});
    }
    std::reverse(job->page.begin(), job->page.end());
    this_.pump(job);
  });
}

void inspector_shell::do_one(const sweep_ptr& job, const entity_ref& ref) {
  const auto then = [this_ = *this, job, ref](const std::string& answer) mutable {
    --job->under_way;
    this_.count_one(job, ref, answer);
    this_.pump(job);
  };
  const auto shared = std::make_shared<const entity_ref>(ref);
  if (job->verb == "retry") return tell_router(retry_atom::value, shared, job->reason, then);
  if (job->verb == "restart") return tell_router(restart_atom::value, shared, job->reason, then);
  command c;
  c.Parse(("{\"verb\":" + json_text(job->verb) + ",\"kind\":" + json_text(to_text(ref.kind)) + ",\"id\":" + json_text(ref.id)
           + ",\"reason\":" + json_text(job->reason) + "}")
              .c_str());
  auto made = read_order(c);
  if (const auto* wrong = std::get_if<std::string>(&made)) {
    --job->under_way; // `pump`, which called, goes on.
    return count_one(job, ref, *wrong);
  }
  deliver(std::make_shared<const envelope>(std::move(std::get<order>(made).letter)), {}, then);
}

void inspector_shell::count_one(const sweep_ptr& job, const entity_ref& ref, const std::string& answer) {
  if (!is_error(answer)) {
    ++job->done;
    return;
  }
  ++job->refused;
  rapidjson::Document parsed;
  parsed.Parse(answer.c_str());
  const auto text =
      parsed.IsObject() && parsed["error"].IsObject() ? text_of(parsed["error"], "code") + ": " + text_of(parsed["error"], "text") : answer;
  if (job->refusals.size() >= refusals_max && !job->refusals.contains(text)) return;
  auto& often = job->refusals[text];
  if (often.first++ == 0) often.second = to_text(ref);
}

void inspector_shell::end_sweep(const sweep_ptr& job) {
  if (job->finished) return;
  job->finished = true;
  auto told = std::to_string(job->done) + " done, " + std::to_string(job->refused) + " refused";
  log(log_level::info, "sweep_ended", {{"verb", job->verb}, {"result", told}});
  if (!job->error.empty()) told += ", then: " + job->error;
  std::exchange(job->then,
                nullptr)(job->error.empty() ? R"({"done":true,"remark":)" + json_text(told) + "}" : error_json("unavailable", told));
}

} // namespace paygate::inspecting
