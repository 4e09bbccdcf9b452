#include <algorithm>

#include "sandbox/telegram.hpp"

namespace sandbox {
namespace {

bool yes(const json& value) { return value.text() == "true"; }

} // namespace

telegram::outcome telegram::about_members(const std::string& method, const json& asked, bool& known) {
  static const std::set<std::string> methods = {
      "createchatinvitelink", "revokechatinvitelink",  "approvechatjoinrequest", "declinechatjoinrequest",
      "getchatmember",        "getchatadministrators", "getchatmembercount",     "getchat",
      "banchatmember",        "unbanchatmember"};
  known = methods.contains(method);
  if (!known) return json();
  auto found = chat_of(asked);
  if (const auto* why = std::get_if<failure>(&found)) return *why;
  tg_chat& chat = *std::get<tg_chat*>(found);
  const bool outside = chat.type != "private" && (chat.bot_status == "left" || chat.bot_status == "kicked");
  if (outside && (method != "getchat" || chat.username.empty())) // Public chats show themselves to everybody.
    return failure{403, "Forbidden: bot is not a member of the " + chat.type + " chat"};
  if (method == "getchat") {
    json out = chat_json(chat);
    return out.set("accent_color_id", 0).set("max_reaction_count", 11);
  }
  if (chat.type == "private") return failure{400, "Bad Request: method is available for supergroup and channel chats only"};
  if (method == "createchatinvitelink") return create_link(chat, asked);
  if (method == "revokechatinvitelink") return revoke_link(chat, asked);
  if (method == "approvechatjoinrequest") return decide_request(chat, asked, true);
  if (method == "declinechatjoinrequest") return decide_request(chat, asked, false);
  if (method == "banchatmember") return ban(chat, asked);
  if (method == "unbanchatmember") return unban(chat, asked);
  if (method == "getchatmembercount") {
    const auto inside = std::count_if(chat.members.begin(), chat.members.end(),
                                      [](const auto& m) { return m.second.status != "left" && m.second.status != "kicked"; });
    return json(static_cast<std::int64_t>(inside) + 1);
  }
  const auto user = asked["user_id"].integer();
  if (method == "getchatmember" && !user) return failure{400, "Bad Request: invalid user_id specified"};
  const bool of_itself = method == "getchatmember" && *user == bot_id_;
  if (chat.type == "channel" && chat.bot_status != "administrator" && !of_itself)
    return failure{400, "Bad Request: member list is inaccessible"};
  if (method == "getchatadministrators") {
    json out = json::array();
    for (const auto& [id, member] : chat.members)
      if (member.status == "creator" || member.status == "administrator") out.push(member_json(chat, id));
    if (chat.bot_status == "administrator") out.push(bot_member_json(chat));
    return out;
  }
  if (*user != bot_id_ && !users_.contains(*user) && !chat.members.contains(*user)) return failure{400, "Bad Request: user not found"};
  return member_json(chat, *user);
}

json telegram::bot_member_json(const tg_chat& chat) const {
  json out = json::object({{"user", user_json(bot_id_)}, {"status", chat.bot_status}});
  if (chat.bot_status != "administrator") return out;
  for (const char* right : {"can_be_edited", "is_anonymous"}) out.set(right, false);
  for (const char* right : {"can_manage_chat", "can_manage_video_chats", "can_promote_members", "can_change_info"}) out.set(right, true);
  out.set("can_delete_messages", chat.can_delete).set("can_restrict_members", chat.can_restrict).set("can_invite_users", chat.can_invite);
  return out.set("can_post_messages", chat.can_post).set("can_edit_messages", chat.can_post);
}

json telegram::member_json(const tg_chat& chat, std::int64_t user) const {
  if (user == bot_id_) return bot_member_json(chat);
  const auto found = chat.members.find(user);
  tg_member member = found == chat.members.end() ? tg_member{} : found->second;
  if (member.status == "kicked" && member.until != 0 && member.until <= unix_seconds(core_.now())) member = {};
  json out = json::object({{"user", user_json(user)}, {"status", member.status}});
  if (member.status == "kicked") out.set("until_date", member.until);
  if (member.status == "creator") out.set("is_anonymous", false);
  return out;
}

json telegram::link_json(const tg_link& link) const {
  // Of another administrator's link the bot sees no more than its beginning.
  constexpr std::size_t shown = sizeof "https://t.me/+" - 1 + 8;
  json out = json::object({{"invite_link", link.creator == 0 ? link.url : link.url.substr(0, shown) + "\u2026"},
                           {"creator", user_json(link.creator == 0 ? bot_id_ : link.creator)},
                           {"creates_join_request", link.join_request},
                           {"is_primary", false},
                           {"is_revoked", link.revoked}});
  if (!link.name.empty()) out.set("name", link.name);
  if (link.expires != 0) out.set("expire_date", link.expires);
  if (link.member_limit != 0) out.set("member_limit", link.member_limit);
  if (!link.waiting.empty()) out.set("pending_join_request_count", link.waiting.size());
  return out;
}

void telegram::change_member(tg_chat& chat, std::int64_t user, tg_member next, const json& by, const tg_link* link) {
  const json before = member_json(chat, user);
  chat.members[user] = std::move(next);
  if (chat.members[user].status == "left" || chat.members[user].status == "kicked")
    for (auto& [url, known] : chat.links) known.inside.erase(user);
  json body = json::object({{"chat", chat_json(chat)},
                            {"from", by},
                            {"date", unix_seconds(core_.now())},
                            {"old_chat_member", before},
                            {"new_chat_member", member_json(chat, user)}});
  if (link != nullptr) body.set("invite_link", link_json(*link));
  if (link != nullptr && link->join_request) body.set("via_join_request", true);
  if (chat.bot_status == "administrator") push("chat_member", body); // Nobody else is told of members.
}

std::string telegram::new_link_url() {
  return "https://t.me/+" + core_.random_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 16);
}

telegram::outcome telegram::create_link(tg_chat& chat, const json& asked) {
  if (chat.bot_status != "administrator" || !chat.can_invite)
    return failure{400, "Bad Request: not enough rights to manage chat invite link"};
  tg_link made;
  made.name = asked["name"].text();
  made.expires = asked["expire_date"].integer().value_or(0);
  made.member_limit = asked["member_limit"].integer().value_or(0);
  made.join_request = yes(asked["creates_join_request"]);
  if (utf16_length(made.name) > 32) return failure{400, "Bad Request: invite link name is too long"};
  if (made.member_limit < 0 || made.member_limit > 99'999) return failure{400, "Bad Request: USAGE_LIMIT_INVALID"};
  if (made.member_limit != 0 && made.join_request)
    return failure{400, "Bad Request: member limit can't be specified for links requiring administrator approval"};
  if (made.expires != 0 && made.expires <= unix_seconds(core_.now())) return failure{400, "Bad Request: EXPIRE_DATE_INVALID"};
  made.url = new_link_url();
  core_.count("telegram.invite_links");
  const auto url = made.url;
  return link_json(chat.links[url] = std::move(made));
}

telegram::outcome telegram::revoke_link(tg_chat& chat, const json& asked) {
  if (chat.bot_status != "administrator" || !chat.can_invite)
    return failure{400, "Bad Request: not enough rights to manage chat invite link"};
  const auto found = chat.links.find(asked["invite_link"].text());
  if (found == chat.links.end() || found->second.creator != 0) return failure{400, "Bad Request: INVITE_HASH_EXPIRED"};
  found->second.revoked = true;
  return link_json(found->second);
}

telegram::outcome telegram::ban(tg_chat& chat, const json& asked) {
  const auto user = asked["user_id"].integer();
  if (!user || (!users_.contains(*user) && !chat.members.contains(*user))) return failure{400, "Bad Request: PARTICIPANT_ID_INVALID"};
  if (chat.bot_status != "administrator" || !chat.can_restrict)
    return failure{400, "Bad Request: not enough rights to restrict/unrestrict chat member"};
  if (const auto& status = chat.members[*user].status; status == "creator" || status == "administrator")
    return failure{400, "Bad Request: user is an administrator of the chat"};
  constexpr std::int64_t shortest = 30;
  constexpr std::int64_t longest = 366 * 86'400;
  auto until = asked["until_date"].integer().value_or(0);
  const auto ahead = until - unix_seconds(core_.now());
  if (until != 0 && (ahead < shortest || ahead > longest)) until = 0; // For ever, as the documentation says.
  change_member(chat, *user, {"kicked", until}, user_json(bot_id_), nullptr);
  return json(true);
}

telegram::outcome telegram::unban(tg_chat& chat, const json& asked) {
  const auto user = asked["user_id"].integer();
  if (!user || (!users_.contains(*user) && !chat.members.contains(*user))) return failure{400, "Bad Request: PARTICIPANT_ID_INVALID"};
  if (chat.bot_status != "administrator" || !chat.can_restrict)
    return failure{400, "Bad Request: not enough rights to restrict/unrestrict chat member"};
  const auto status = chat.members[*user].status;
  const bool only_if_banned = yes(asked["only_if_banned"]);
  if (status == "creator" || status == "administrator")
    return only_if_banned ? outcome(json(true)) : failure{400, "Bad Request: can't remove chat owner"};
  // Without only_if_banned a present member is removed as well.
  if (status == "kicked" || (status == "member" && !only_if_banned)) change_member(chat, *user, {"left", 0}, user_json(bot_id_), nullptr);
  return json(true);
}

telegram::outcome telegram::decide_request(tg_chat& chat, const json& asked, bool approve) {
  const auto user = asked["user_id"].integer().value_or(0);
  if (chat.bot_status != "administrator" || !chat.can_invite) return failure{400, "Bad Request: CHAT_ADMIN_REQUIRED"};
  if (chat.members.contains(user) && chat.members[user].status == "member") return failure{400, "Bad Request: USER_ALREADY_PARTICIPANT"};
  for (auto& [url, link] : chat.links)
    if (link.waiting.erase(user) > 0) {
      if (!approve) return json(true);
      link.inside.insert(user);
      change_member(chat, user, {"member", 0}, user_json(bot_id_), &link);
      return json(true);
    }
  return failure{400, "Bad Request: HIDE_REQUESTER_MISSING"};
}

} // namespace sandbox
