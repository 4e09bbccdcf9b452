// What travels between nodes, as bytes. Every alternative of every message and every member is found by the compiler, so that one that
// is added later is tested by itself; what changes the bytes of version 1 is caught by the sums below.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <random>
#include <set>

#include "messages/fields.hpp"
#include "messages/wire.hpp"

using namespace paygate;

namespace {
std::size_t largest_taken = 0; // By any one allocation.
} // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  largest_taken = std::max(largest_taken, size);
  if (auto* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

/// Gives every member a value that is not its default, each one another.
class filler {
public:
  void fill(bool& v) { v = !v; }
  template <std::integral T>
  void fill(T& v) {
    ++n_;
    v = static_cast<T>(std::is_signed_v<T> && n_ % 2 == 0 ? -n_ : n_);
  }
  void fill(int128& v) { v = -(static_cast<int128>(++n_) << 100) - 5; }
  template <named_enum E>
  void fill(E& v) {
    v = static_cast<E>((static_cast<std::size_t>(v) + 1) % std::size(enum_names<E>::values));
  }
  void fill(std::string& v) { v = "text " + std::to_string(++n_) + std::string("\0\xFF\"", 3); }
  void fill(timestamp& v) { v = timestamp(std::chrono::microseconds(1'795'000'000'000'000 + ++n_)); }
  void fill(milliseconds& v) { v = milliseconds(++n_); }
  template <class Unit>
  void fill(money<Unit>& v) {
    v = money<Unit>::of_units((static_cast<int128>(++n_) << 70) + 7);
  }
  template <class T>
  void fill(std::optional<T>& v) {
    fill(v.emplace());
  }
  template <class T>
  void fill(std::shared_ptr<const T>& v) {
    auto made = std::make_shared<T>();
    fill(*made);
    v = made;
  }
  template <class T, std::size_t N>
  void fill(std::array<T, N>& v) {
    for (auto& one : v) fill(one);
  }
  template <class T>
  requires std::is_aggregate_v<T>
  void fill(T& v) {
    std::apply([this](auto&... member) { (fill(member), ...); }, fields_of(v));
  }

private:
  int n_ = 0;
};

bool same(const channel_view& a, const channel_view& b) { return (!a.terms && !b.terms) || (a.terms && b.terms && *a.terms == *b.terms); }

template <class T>
bool same(const T& a, const T& b);
template <class... Ts>
bool same_alternative(const std::variant<Ts...>& a, const std::variant<Ts...>& b) {
  return a.index() == b.index() && std::visit([&](const auto& left) { return same(left, std::get<std::decay_t<decltype(left)>>(b)); }, a);
}
template <class T>
constexpr bool is_variant = false;
template <class... Ts>
constexpr bool is_variant<std::variant<Ts...>> = true;

template <class T>
bool same(const T& a, const T& b) {
  if constexpr (is_variant<T>)
    return same_alternative(a, b);
  else if constexpr (std::is_same_v<T, effect_done>)
    return false;
  else if constexpr (std::equality_comparable<T>)
    return a == b;
  else
    return std::apply(
        [&](const auto&... left) {
          return std::apply([&](const auto&... right) { return (same(left, right) && ... && true); }, fields_of(b));
        },
        fields_of(a));
}

struct sample {
  std::string word;
  envelope letter;
};

template <class Message, std::size_t... I>
void add_samples(std::vector<sample>& to, std::index_sequence<I...>) {
  auto add = [&]<std::size_t N>() {
    Message plain(std::in_place_index<N>), full(std::in_place_index<N>);
    if constexpr (!std::is_same_v<std::variant_alternative_t<N, Message>, effect_done>) {
      filler().fill(std::get<N>(full));
      const auto word = std::string(name_of(plain));
      to.push_back({word, {{entity_kind::payout, "some id"}, any_message{full}}});
      to.push_back({word, {{entity_kind::channel, ""}, any_message{plain}}});
    }
  };
  (add.template operator()<I>(), ...);
}

/// Every message that may travel, once filled and once with its defaults.
std::vector<sample> samples() {
  std::vector<sample> all;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (add_samples<std::variant_alternative_t<I, any_message>>(
         all, std::make_index_sequence<std::variant_size_v<std::variant_alternative_t<I, any_message>>>()),
     ...);
  }
  (std::make_index_sequence<std::variant_size_v<any_message>>());
  return all;
}

template <class Reply>
Reply filled() {
  Reply reply;
  filler().fill(reply);
  return reply;
}

/// Every answer that may travel, filled.
std::vector<remote_answer> answers() {
  std::vector<remote_answer> all;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (all.push_back(entity_reply{filled<std::variant_alternative_t<I, entity_reply>>()}), ...);
  }
  (std::make_index_sequence<std::variant_size_v<entity_reply>>());
  all.push_back(R"({"resident":true})");
  all.push_back(not_here{"node-b"});
  all.push_back(wire_error{"why"});
  all.push_back(entity_reply{channel_view{}});
  return all;
}

std::string bytes_of(const envelope& letter) { return std::get<std::string>(to_wire(letter, milliseconds(4000))); }

std::string error_of(std::string_view bytes) {
  auto read = read_letter(bytes);
  auto* error = std::get_if<wire_error>(&read);
  return error ? error->text : "";
}
std::string answer_error_of(std::string_view bytes) {
  auto read = read_answer(bytes);
  auto* error = std::get_if<wire_error>(&read);
  return error ? error->text : "";
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

std::uint64_t sum_of(std::string_view bytes) {
  std::uint64_t sum = 0xCBF29CE484222325;
  for (auto c : bytes) sum = (sum ^ static_cast<std::uint8_t>(c)) * 0x100000001B3;
  return sum;
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (auto c : bytes) {
    constexpr auto digits = "0123456789abcdef";
    text += {digits[static_cast<std::uint8_t>(c) >> 4], digits[c & 15]};
  }
  return text;
}

} // namespace

TEST_CASE("every message comes out of its bytes as it went in") {
  const auto all = samples();
  CHECK(all.size() >= 60);
  for (const auto& s : all) {
    INFO(s.word);
    auto read = read_letter(bytes_of(s.letter));
    REQUIRE(std::holds_alternative<remote_letter>(read));
    const auto& letter = std::get<remote_letter>(read);
    CHECK(letter.patience == milliseconds(4000));
    const auto& arrived = std::get<envelope>(letter.what);
    CHECK(arrived.to == s.letter.to);
    CHECK(same(arrived.body, s.letter.body));
  }
}

TEST_CASE("every answer and errand comes out of its bytes as it went in") {
  for (const auto& answer : answers()) {
    const auto read = read_answer(to_wire(answer));
    REQUIRE(std::holds_alternative<remote_answer>(read));
    CHECK(same(std::get<remote_answer>(read), answer));
  }
  for (auto what : {errand::inspect, errand::retry, errand::restart}) {
    const entity_errand told{what, {entity_kind::wallet, "0xab"}, "because"};
    const auto read = read_letter(std::get<std::string>(to_wire(told, milliseconds(1))));
    REQUIRE(std::holds_alternative<remote_letter>(read));
    CHECK(std::get<entity_errand>(std::get<remote_letter>(read).what) == told);
  }
}

TEST_CASE("the outcome of an effect does not travel, whichever entity it is for") {
  std::size_t kinds = 0;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    auto refuse = [&](any_message body) {
      ++kinds;
      const auto bytes = to_wire(envelope{{entity_kind::payment, "x"}, std::move(body)}, milliseconds(1));
      CHECK(std::get<wire_error>(bytes).text == "the outcome of an effect does not travel");
    };
    (refuse(any_message(std::in_place_index<I>, effect_done{"invoice", io_outcome{done{}}})), ...);
  }
  (std::make_index_sequence<std::variant_size_v<any_message>>());
  CHECK(kinds == std::variant_size_v<any_message>);
  // A letter of 2 members, patience, an envelope of 2 members, its ref of none (a payment without an id): kind 0, alternative 0.
  CHECK(contains(error_of(std::string("\x01\x02\x02\x00\x02\x00\x00\x00", 8)), "does not travel"));
}

TEST_CASE("a letter that ends too early is refused at every byte, and so is one with something behind it") {
  for (const auto& s : samples()) {
    const auto bytes = bytes_of(s.letter);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      INFO(s.word << " cut to " << size);
      REQUIRE(error_of(std::string_view(bytes).substr(0, size)) != "");
    }
    CHECK(contains(error_of(bytes + '\0'), "followed by something"));
  }
  for (const auto& answer : answers()) {
    const auto bytes = to_wire(answer);
    for (std::size_t size = 0; size < bytes.size(); ++size) REQUIRE(answer_error_of(std::string_view(bytes).substr(0, size)) != "");
    CHECK(contains(answer_error_of(bytes + '\0'), "followed by something"));
  }
}

TEST_CASE("what is not known is refused: another version, another message, more members, other values") {
  auto bytes = bytes_of({{entity_kind::channel, "1"}, channel_message{get_channel{}}});
  // version; 2 members: patience 4000, and an envelope of 2: a ref of 2 (channel, 1 byte "1"), a channel_message (get_channel, no members)
  REQUIRE(hex(bytes) == "0102c03e000202020131020200");
  auto with = [&](std::size_t at, char byte) {
    auto changed = bytes;
    changed[at] = byte;
    return error_of(changed);
  };
  CHECK(contains(with(0, 2), "version 2 is not spoken here"));
  CHECK(contains(with(0, 0), "version 0 is not spoken here"));
  CHECK(contains(with(4, 2), "no such message"));
  CHECK(contains(with(5, 3), "more than this version understands"));
  CHECK(contains(error_of(bytes.substr(0, 5) + std::string("\x01\x00", 2)), "does not say what it is"));
  CHECK(contains(with(7, 60), "out of range"));
  CHECK(contains(with(8, 60), "ends too early"));
  CHECK(contains(with(10, 60), "no such message"));
  CHECK(contains(with(11, 60), "no such message"));
  CHECK(contains(with(12, 2), "more than this version understands"));
  CHECK(error_of(bytes) == "");
  CHECK(contains(error_of(std::string("\x01") + std::string(20, '\xFF')), "too long"));
  CHECK(contains(answer_error_of("\x02"), "version 2"));
  CHECK(contains(answer_error_of(std::string("\x01\x04\x00", 3)), "no such message"));
}

TEST_CASE("a member that an older sender does not know has its default") {
  envelope letter{{entity_kind::payment, "1"}, payment_message{refund_payment{{"eth", "eth"}, "0xab", "", "why", false, ""}}};
  const auto bytes = bytes_of(letter);
  // The last two members have their defaults and are not there; an older version may never have heard of them.
  CHECK(contains(hex(bytes), "000604"
                             "02"
                             "03657468"
                             "03657468"
                             "0430786162"
                             "00"
                             "03776879"));
  std::get<refund_payment>(std::get<payment_message>(letter.body)).outside = true;
  CHECK(contains(hex(bytes_of(letter)), "000605"
                                        "02"
                                        "03657468"
                                        "03657468"
                                        "0430786162"
                                        "00"
                                        "03776879"
                                        "01"));
}

TEST_CASE("nothing longer than the limit travels") {
  ipn_received ipn;
  ipn.raw.assign(wire_max - 40, 'x');
  envelope letter{{entity_kind::payment, "1"}, payment_message{ipn}};
  CHECK(error_of(bytes_of(letter)) == "");
  std::get<ipn_received>(std::get<payment_message>(letter.body)).raw.assign(wire_max, 'x');
  CHECK(contains(std::get<wire_error>(to_wire(letter, milliseconds(1))).text, "too long"));
  CHECK(contains(error_of(std::string(wire_max + 1, '\1')), "too long"));
  const auto answer = read_answer(to_wire(remote_answer{std::string(wire_max, 'x')}));
  CHECK(contains(std::get<wire_error>(std::get<remote_answer>(answer)).text, "too long"));
  CHECK(contains(answer_error_of(std::string(wire_max + 1, '\1')), "too long"));
}

TEST_CASE("no memory is taken because a length was announced") {
  auto bytes = bytes_of({{entity_kind::channel, "1"}, channel_message{get_channel{}}}).substr(0, 8);
  for (int digits = 1; digits < 18; ++digits) {
    largest_taken = 0;
    CHECK(error_of(bytes + std::string(static_cast<std::size_t>(digits), '\xFF')
                   + "\x01"
                     "abc")
          != "");
    CHECK(largest_taken < 4096);
  }
}

TEST_CASE("bytes that were damaged are an error or another message, never more") {
  const auto all = samples();
  std::mt19937_64 random(20261121);
  std::size_t read_all_the_same = 0;
  for (int i = 0; i < 10'000; ++i) {
    auto bytes = bytes_of(all[random() % all.size()].letter);
    for (auto changes = random() % 4 + 1; changes > 0; --changes) {
      const auto at = random() % bytes.size();
      switch (random() % 4) {
      case 0: bytes[at] = static_cast<char>(random()); break;
      case 1: bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8)); break;
      case 2: bytes.insert(at, 1, static_cast<char>(random())); break;
      default:
        if (bytes.size() > 1) bytes.erase(at, 1);
      }
    }
    largest_taken = 0;
    const auto read = read_letter(bytes);
    REQUIRE(largest_taken < 2 * bytes.size() + 4096);
    (void)read_answer(bytes);
    const auto* letter = std::get_if<remote_letter>(&read);
    if (!letter) continue;
    ++read_all_the_same;
    // What was taken for a message is one: it can travel on and arrives the same.
    if (const auto* mail = std::get_if<envelope>(&letter->what)) {
      const auto again = read_letter(bytes_of(*mail));
      REQUIRE(same(std::get<envelope>(std::get<remote_letter>(again).what).body, mail->body));
    }
  }
  CHECK(read_all_the_same > 100);
}

TEST_CASE("the bytes of version 1 stay as they are") {
  // A sum that differs: members and alternatives are only ever appended. Whoever must do otherwise raises wire_version.
  // One that is missing: a message was added; add the sum that is printed.
  const std::set<std::pair<std::string, std::uint64_t>> sums = {
      {"create_payment", 5662606404801401282u},
      {"ipn_received", 6598253379451254499u},
      {"payment_poked", 3988678199650062601u},
      {"get_payment_view", 3993461075231834326u},
      {"accept_payment", 10980080023940895064u},
      {"refund_payment", 5246562489026948136u},
      {"import_opening", 15104068183657610755u},
      {"extend_subscription", 182283498646375503u},
      {"register_channel", 5510065180153275423u},
      {"get_channel", 7321803990436009632u},
      {"update_received", 1189767733771017842u},
      {"request_payout", 2099370532474335182u},
      {"request_batch", 2009772706631765246u},
      {"approve_payout", 2062050601365065262u},
      {"cancel_payout", 10824243378240347637u},
      {"reopen_payout", 4953334703954071428u},
      {"open_wallet", 2562743732278111427u},
      {"request_transfer", 2939653924883102230u},
      {"acknowledge_transfer", 7430211709611755549u},
      {"book_correction", 3111009100746090825u},
      {"sign_off_wallet", 4133108741870647547u},
      {"explain_nonce", 13327156137221448359u},
      {"release_transfer", 1056462818158779599u},
      {"start_polling", 245599769602449241u},
      {"open_conversion", 6072719571379101854u},
      {"cancel_conversion", 6437137985529160890u},
      {"reopen_conversion", 11900678625543921899u},
      {"start_scheduler", 8983913456923200691u},
      {"run_scheduler", 8981043731574137656u},
      {"start_reconciliation", 9606165570070545676u},
      {"run_reconciliation", 9609035295419608711u},
      {"resolve_exception", 2882954034943639664u},
      {"access_given", 7990688462160736094u},
      {"start_trial", 5499279656872180871u},
      {"ask_invite", 4614756613262824966u},
      {"member_joined", 11997878311551874546u},
      {"member_left", 736209471589399875u},
      {"join_requested", 5626793729105744589u},
      {"invite_spent", 6326352431716406645u},
      {"turn_phase", 4621452639077305381u},
      {"import_subscription", 3475297850145654448u},
      {"rights_returned", 4623365789310014071u},
      {"close_channel", 7944059402118239250u},
      {"change_payout", 1619153623804382668u},
      {"confirm_payout_change", 1956573667451630464u},
      {"cancel_payout_change", 11674316847731212121u},
      {"settle_payout_change", 7991997220263233212u},
      {"claim_broadcast", 1574630780835221138u},
      {"post_placed", 1147593189417015129u},
      {"schedule_posts", 14833438495261241901u},
      {"rights_changed", 5222888788724489426u},
      {"report_rights", 11870241818162291867u},
      {"confirm_payout_by_mail", 14738056092913491882u},
      {"start_broadcast", 2381402645499129267u},
      {"cancel_broadcast", 17919216433055776873u},
      {"pause_broadcast", 8097552592002627176u},
      {"resume_broadcast", 7730800054581321616u},
      {"set_promo", 10124594346709832286u},
      {"disable_promo", 8356878468194083981u},
      {"quote_promo", 4078934648826678118u},
      {"redeem_promo", 17662540486485015439u},
      {"release_promo", 314837661010552965u},
      {"open_account", 16227674106525342297u},
      {"address_wanted", 6484382678053922956u},
      {"begin_login", 9775932701675988914u},
      {"login_succeeded", 16590000063068107694u},
      {"get_account", 18025127688794965878u},
      {"ask_verification", 6480556377588505576u},
      {"ask_reset", 6481512952704859921u},
      {"confirm_email", 3397167791319981145u},
      {"reset_password", 7807686230445159711u},
      {"change_password", 17250530878701641823u},
      {"change_email", 5865077762225455262u},
      {"close_account", 6474816926890379506u},
      {"log_out_everywhere", 6475773502006733851u},
      {"offer_link", 18217959533998609579u},
      {"link_telegram", 7985187535092961788u},
      {"lapse_account", 6501601030148301166u},
      {"claim_link", 8968374895870736298u},
      {"unlink_telegram", 10191101844732522583u},
      {"reserve_name", 3394663192069464555u},
      {"confirm_name", 1670720015278490292u},
      {"release_name", 9919292987370977701u},
      {"find_name", 7114287392132102701u},
      {"open_session", 8295030084139927095u},
      {"rotate_session", 12258168070013174742u},
      {"close_session", 5240835026875587331u},
      {"expire_session", 5241791601991941676u},
      {"name_arrival", 16408747008483231985u}, // To a payout,
      {"name_arrival", 13775632219458738226u}, // to a conversion.
      {"imported_swap", 7951890289590187761u},
      {"imported_swap", 13803877710935255708u},
  };
  std::size_t seen = 0;
  const auto all = samples();
  for (std::size_t i = 0; i < all.size(); i += 2) {
    const auto sum = sum_of(bytes_of(all[i].letter));
    const bool known = sums.contains({std::string(all[i].word), sum});
    INFO("{\"" << all[i].word << "\", " << sum << "u},");
    CHECK(known);
    if (known) ++seen;
  }
  CHECK(seen == sums.size());
}
