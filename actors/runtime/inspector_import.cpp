#include "actors/runtime/inspector_import.hpp"

#include <algorithm>

#include "actors/runtime/source_name.hpp"
#include "messages/log.hpp"

// A predecessor's database is taken over: read as a whole, planned by a pure function (actors/import), then each row told to its entity.
// Every item is rehearsed first, so that a dry run says what the other one does, and a second run that there is nothing left to do.
namespace paygate::inspecting {

namespace {

constexpr std::size_t at_a_time = 16, jobs_kept = 5, findings_shown = 2000;
constexpr auto reading_patience = std::chrono::minutes(15);

std::string count_json(const import_count& c, const import_job::tally& t, std::uint64_t problems, std::uint64_t differences) {
  return "{\"table\":" + json_text(c.table) + ",\"rows\":" + std::to_string(c.rows) + ",\"taken\":" + std::to_string(t.taken)
         + ",\"known\":" + std::to_string(t.known) + ",\"settled\":" + std::to_string(c.settled)
         + ",\"problems\":" + std::to_string(problems) + ",\"differences\":" + std::to_string(differences) + "}";
}

std::int64_t integer_in(const std::string& text) {
  const auto read = parse_integer(text);
  return read ? static_cast<std::int64_t>(*read) : -1;
}

const channel* channel_of(const import_item& item) {
  const auto* message = std::get_if<channel_message>(&item.letter.body);
  const auto* command = message ? std::get_if<register_channel>(message) : nullptr;
  return command ? &command->terms : nullptr;
}

} // namespace

deed_or_error inspector_shell::import_deed(const command& c) {
  const auto from = text_of(c, "from"), bps = text_of(c, "platform_bps");
  if (from.empty()) return error_json("invalid", "--from DSN is needed: where the predecessor's database is");
  // The predecessor's TP_FLAT_FEE was percent: whoever mistakes the one for the other is stopped here.
  const auto ours = setup().ports->rules.get()->platform_bps;
  if (bps.empty())
    return error_json("invalid", "--platform-bps is needed: our fee in hundredths of a percent (TP_FLAT_FEE was percent: 15 is 1500)");
  if (integer_in(bps) != ours)
    return error_json("invalid", "--platform-bps " + bps + " is not fees.platform_bps of this daemon, which is " + std::to_string(ours));
  if (!setup().importer || !setup().plan_import) return error_json("unavailable", "this node cannot import");
  auto job = std::make_shared<import_job>();
  job->from = from;
  return job_deed("import/" + public_name_of(from), job, &inspector_state::imports, jobs_kept, &inspector_shell::read_predecessor);
}

void inspector_shell::read_predecessor(const import_ptr& job) {
  self_->request(setup().importer, reading_patience, import_atom::value, std::exchange(job->from, {}))
      .then(
          [this_ = *this, job](const legacy_database_ptr& found) mutable {
            if (!found->error.empty()) return this_.end_import(job, found->error, true);
            const auto& ports = *this_.setup().ports;
            job->plan = this_.setup().plan_import(*found, ports.clock->now(), *ports.rules.get());
            this_.ask_reader("free_value", "{}", [this_, job](const std::string& answer) mutable {
              rapidjson::Document free;
              free.Parse(answer.c_str());
              const auto eth = free.IsObject() ? parse_decimal(text_of(free, "eth")) : std::nullopt;
              const auto usdt = free.IsObject() ? parse_decimal(text_of(free, "usdt")) : std::nullopt;
              if (!eth || !usdt) return this_.end_import(job, "what the wallet holds cannot be read: " + answer, false);
              // The gas float stays the platform's.
              job->free_eth = eth->units - this_.setup().ports->rules.get()->gas_float_low.units();
              job->free_usdt = usdt->units;
              this_.pump_import(job);
            });
          },
          [this_ = *this, job](const caf::error&) mutable { this_.end_import(job, "the predecessor's database does not answer", false); });
}

void inspector_shell::pump_import(const import_ptr& job) {
  const auto& items = job->plan.items;
  while (job->next < items.size() && job->error.empty()) {
    const auto& item = items[job->next];
    // What comes later names what came before; opening balances share what the wallet holds, one after the other.
    const bool new_stage = job->next > 0 && items[job->next - 1].stage != item.stage;
    const auto most = item.stage == import_stage::openings ? 1 : at_a_time;
    if (job->under_way >= most || (new_stage && job->under_way > 0)) return;
    ++job->next;
    ++job->under_way;
    import_one(job, item);
  }
  if (job->under_way == 0 && !job->finished) end_import(job, job->error, false);
}

void inspector_shell::count_import(const import_ptr& job, const import_item& item, import_end end, const std::string& words) {
  auto& tally = job->tables[item.table];
  if (end == import_end::taken) ++tally.taken;
  if (end == import_end::known) ++tally.known;
  if (const auto* terms = channel_of(item); terms && end == import_end::taken) job->channels.insert(terms->open_channel_id);
  if (!words.empty()) job->plan.findings.push_back({end == import_end::failed, item.table, item.key, words});
  --job->under_way;
  // A fresh mailbox turn: a long row of answers that are there already must not be a deep stack.
  self_->delayed_send(self_, std::chrono::milliseconds(0), import_turn_atom::value, job->id);
}

void inspector_shell::turn_import(std::uint64_t id) {
  const auto found = self_->state.imports.find(id);
  if (found != self_->state.imports.end()) pump_import(found->second);
}

void inspector_shell::import_one(const import_ptr& job, const import_item& item) {
  load(item.letter.to, [this_ = *this, job, item = import_item(item)](const load_answer& found) mutable {
    if (!found.available) return this_.count_import(job, item, import_end::failed, "the database does not answer: " + found.error);
    const auto& ports = *this_.setup().ports;
    const auto try_it = [&] { return this_.setup().rehearse(found.entity, item.letter, ports.clock->now(), *ports.rules.get()); };
    const bool exists = found.entity.header.version != 0;
    auto* payment = std::get_if<payment_message>(&item.letter.body);
    auto* opening = payment ? std::get_if<import_opening>(payment) : nullptr;
    if (opening) opening->covered = true;
    auto would = try_it();
    std::string words;
    if (const auto* no = std::get_if<refused>(&would)) return this_.count_import(job, item, import_end::failed, no->text);
    if (opening && !exists && !job->channels.contains(opening->terms.open_channel_id))
      return this_.count_import(job, item, import_end::failed,
                                "its channel is not here, or is somebody else's: nothing is owed to that one");
    if (const auto* there = channel_of(item), *here = std::get_if<channel>(&found.entity.state);
        there && here && exists && is_successor(*here, *there))
      job->channels.insert(there->open_channel_id);
    if (opening && std::get<rehearsal>(would).changes) {
      auto& free = opening->eth.is_positive() ? job->free_eth : job->free_usdt;
      const auto units = opening->eth.is_positive() ? opening->eth.units() : opening->usdt.units();
      if (units <= free)
        free -= units;
      else {
        words = "it is not covered: " + to_decimal(units) + (opening->eth.is_positive() ? " ETH" : " USDT")
                + " are owed to the owner, and the wallet has " + to_decimal(std::max<int128>(free, 0))
                + " of its own; it is not paid out before";
        opening->covered = false;
        would = try_it();
      }
    }
    if (!std::get<rehearsal>(would).changes) return this_.count_import(job, item, import_end::known, words);
    if (exists && item.stage == import_stage::channels)
      return this_.count_import(job, item, import_end::known, "it is registered here with other terms: these stay");
    if (item.stage == import_stage::owners) return this_.import_owner(job, item);
    if (job->dry) return this_.count_import(job, item, import_end::taken, words);
    this_.import_letter(job, item, words);
  });
}

void inspector_shell::import_letter(const import_ptr& job, const import_item& item, const std::string& words) {
  deliver(std::make_shared<const envelope>(item.letter), {}, [this_ = *this, job, item, words](const std::string& answer) mutable {
    if (!is_error(answer)) return this_.count_import(job, item, import_end::taken, words);
    rapidjson::Document parsed;
    parsed.Parse(answer.c_str());
    this_.count_import(job, item, import_end::failed,
                       parsed.IsObject() && parsed["error"].IsObject() ? text_of(parsed["error"], "text") : answer);
  });
}

/// An account's names are entities: asked first (a dry run only asks whose they are), and given back when the second one is another's.
void inspector_shell::import_owner(const import_ptr& job, const import_item& item) {
  const auto& opens = std::get<open_account>(std::get<account_message>(item.letter.body));
  const std::string name = name_id(opens.user_name), mail = mail_id(opens.email), id = item.letter.to.id;
  const auto wanted = [dry = job->dry, id](const std::string& what) {
    const login_name_message ask = dry ? login_name_message{find_name{}} : login_name_message{reserve_name{id}};
    return std::make_shared<const envelope>(envelope{{entity_kind::login_name, what}, ask});
  };
  const auto is_ours = [dry = job->dry, id](const entity_reply& reply) {
    const auto* view = std::get_if<name_view>(&reply);
    return view && (view->account_id == id || (dry && view->account_id.empty()));
  };
  ask_entity_for(wanted(name), [this_ = *this, job, item, wanted, is_ours, name, mail, id](const entity_reply& reply) mutable {
    if (!is_ours(reply))
      return this_.count_import(job, item, import_end::failed, "its username belongs to an account that is here, or cannot be asked for");
    this_.ask_entity_for(wanted(mail), [this_, job, item, is_ours, name, id](const entity_reply& answer) mutable {
      if (is_ours(answer)) {
        if (job->dry) return this_.count_import(job, item, import_end::taken, {});
        return this_.import_letter(job, item, {});
      }
      const std::string why = "its email belongs to an account that is here, or cannot be asked for";
      if (job->dry) return this_.count_import(job, item, import_end::failed, why);
      this_.ask_entity_for(
          std::make_shared<const envelope>(envelope{{entity_kind::login_name, name}, login_name_message{release_name{id}}}),
          [this_, job, item, why](const entity_reply&) mutable { this_.count_import(job, item, import_end::failed, why); });
    });
  });
}

void inspector_shell::end_import(const import_ptr& job, const std::string& error, bool unlocked) {
  if (job->finished) return;
  job->finished = true;
  job->error = error;
  if (!unlocked) self_->send(setup().importer, import_end_atom::value);
  std::uint64_t taken = 0, known = 0;
  for (const auto& [table, tally] : job->tables) taken += tally.taken, known += tally.known;
  const auto problems = std::count_if(job->plan.findings.begin(), job->plan.findings.end(), [](const auto& f) { return f.problem; });
  auto told = std::to_string(taken) + " taken over, " + std::to_string(known) + " known already, " + std::to_string(problems)
              + " with a problem, " + std::to_string(static_cast<std::int64_t>(job->plan.findings.size()) - problems) + " differ";
  log(log_level::info, "import_ended", {{"result", told}});
  if (!error.empty()) told += ", then: " + error;
  std::exchange(job->then, nullptr)(error.empty() ? R"({"done":true,"remark":)" + json_text(told) + "}" : error_json("unavailable", told));
}

std::string inspector_shell::import_json(const import_job& job) const {
  std::uint64_t taken = 0, known = 0, problems = 0, differences = 0;
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> found;
  for (const auto& f : job.plan.findings)
    ++(f.problem ? problems : differences), ++(f.problem ? found[f.table].first : found[f.table].second);
  for (const auto& [table, tally] : job.tables) taken += tally.taken, known += tally.known;
  std::string json = "{\"job\":" + std::to_string(job.id) + R"(,"verb":"import","dry_run":)" + (job.dry ? "true" : "false") + ",\"wanted\":"
                     + std::to_string(job.plan.items.size()) + ",\"taken\":" + std::to_string(taken) + ",\"known\":" + std::to_string(known)
                     + ",\"problems\":" + std::to_string(problems) + ",\"differences\":" + std::to_string(differences)
                     + ",\"finished\":" + (job.finished ? "true" : "false") + ",\"fault\":" + json_text(job.error);
  if (!job.finished) return json + "}";
  json += ",\"tables\":[";
  for (const auto& c : job.plan.counts) {
    const auto tally = job.tables.find(c.table);
    json += (json.back() == '[' ? "" : ",")
            + count_json(c, tally == job.tables.end() ? import_job::tally{} : tally->second, found[c.table].first, found[c.table].second);
  }
  json += "],\"findings\":[";
  std::size_t shown = 0;
  for (const auto& f : job.plan.findings) {
    if (shown++ == findings_shown) break;
    json += std::string(shown > 1 ? "," : "") + "{\"kind\":\"" + (f.problem ? "problem" : "difference")
            + "\",\"table\":" + json_text(f.table) + ",\"key\":" + json_text(f.key) + ",\"reason\":" + json_text(f.reason) + "}";
  }
  return json + "],\"not_shown\":" + std::to_string(job.plan.findings.size() - std::min(job.plan.findings.size(), findings_shown)) + "}";
}

} // namespace paygate::inspecting
