#pragma once

#include <deque>

#include "tests/simulation/nowpayments.hpp"

namespace paygate::sim {

/// Telegram with the people who use it: updates are kept until they are confirmed, messages reach people, people press and pay.
class people {
public:
  people(world& w, const fault_rates& rates, nowpayments& provider) : w_(w), rates_(rates), provider_(provider) {}

  using answer_fn = std::function<void(io_outcome)>;
  /// The long poll: answers when there is something, at the latest after 25 s.
  void poll(const get_updates& request, answer_fn answer);
  io_outcome send(const send_message& message);
  io_outcome edit(const edit_message& message);
  io_outcome invite(const create_invite& request);
  io_outcome revoke(const revoke_invite& request);
  io_outcome look(const get_member& request) const;
  io_outcome ban(const ban_member& request);
  io_outcome unban(const unban_member& request);
  io_outcome approve(const approve_join& request);

  /// Somebody will buy that tier of that channel, from `when` on, until they have what they want or lost their patience.
  void add(std::int64_t user, start_link link, milliseconds when);

  struct person {
    start_link link;
    bool gone = false; ///< Lost patience.
    int starts = 0, paid = 0;
  };
  std::map<std::int64_t, person> all;
  std::set<std::int64_t> blocking; ///< Owners and people who refuse the bot.
  struct link {
    create_invite made;
    std::int64_t used_by = 0;
    bool revoked = false;
  };
  std::map<std::string, link> links; ///< Every invite link that was ever made.
  std::map<std::pair<std::int64_t, std::int64_t>, member_status> members; ///< Of a channel, by user.
  std::map<std::pair<std::int64_t, std::string>, int> words; ///< How often a chat got one of the owners' own messages.
  bool at_rest() const;

private:
  void start(std::int64_t user);
  void update(chat_update u);
  void press(std::int64_t user, const std::string& data, std::int64_t message_id);
  void join(std::int64_t user, const std::string& url);
  void tell_member(std::int64_t chat, std::int64_t user, member_change change, bool by_us, const std::string& url);
  void serve();

  world& w_;
  const fault_rates& rates_;
  nowpayments& provider_;
  std::deque<chat_update> updates_;
  std::int64_t next_update_ = 100, messages_ = 0;
  struct waiting_poll {
    std::int64_t offset;
    answer_fn answer;
    std::uint64_t number;
  };
  std::deque<waiting_poll> polls_;
  std::uint64_t polls_made_ = 0;
  int under_way_ = 0; ///< Joins and leaves to come.
};

} // namespace paygate::sim
