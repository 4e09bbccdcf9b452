#pragma once

#include "ctl/verbs.hpp"

// What a verb asks of the daemon, made from the command line: a text of JSON, or what is wrong.
namespace paygate::ctl {

using request_text = std::variant<std::string, usage>;

/// A question of the daemon's database; the words are its id.
request_text question(const verb& self, const given& line);
/// `list`: the groups of failures, or the entities of one.
request_text failures(const verb& self, const given& line);
/// A verb of the inspector about one thing, [kind and] id, or about none; with --all one that sweeps.
request_text about(const verb& self, const given& line);
/// Of the inspector, about what the one word names: a node, a level, what is paused.
request_text about_node(const verb& self, const given& line);
request_text about_level(const verb& self, const given& line);
request_text about_pause(const verb& self, const given& line);
/// About the hot wallet: [intent].
request_text about_wallet(const verb& self, const given& line);
/// A look of the inspector, by its options.
request_text look_at(const verb& self, const given& line);
request_text round_request(const verb& self, const given& line);
/// A predecessor's database is taken over.
request_text about_import(const verb& self, const given& line);
request_text channel_file(const verb& self, const given& line);
request_text check_one_address(const verb& self, const given& line);
request_text cover_addresses(const verb& self, const given& line);

} // namespace paygate::ctl
