#include <catch2/catch.hpp>

#include "messages/html.hpp"

using namespace paygate;

TEST_CASE("the length of a message is what is read, in UTF-16") {
  CHECK(html_length("") == 0);
  CHECK(html_length("abc") == 3);
  CHECK(html_length("<b>a</b>&lt;c") == 3);
  CHECK(html_length("é✅") == 2);
  CHECK(html_length("🎁") == 2);
  CHECK(html_length("a & b") == 5);
  CHECK(html_length(R"(<a href="https://x.y/?a=1&amp;b">z</a>)") == 1);
}

TEST_CASE("what Telegram would refuse is refused, each with its word") {
  const std::pair<std::string, std::string> rows[] = {
      {"", "empty"},
      {"<b> </b>", "empty"},
      {"<b>x", "not closed"},
      {"x</b>", "not open"},
      {"<b><i>x</b></i>", "not open"},
      {"<div>x</div>", "div"},
      {"1 < 2", "not escaped"},
      {std::string("a\x01"), "control"},
      {std::string(4097, 'x'), "4097"},
      {"<script>x</script>", "script"},
  };
  for (const auto& [html, word] : rows) {
    CAPTURE(html);
    CHECK(objection_to_html(html).find(word) != std::string::npos);
  }
  for (const std::string good : {"x", "<b>x</b>", "<a href=\"https://t.me\">x</a>\ny", "a &amp; b",
                                 "<pre><code class=\"language-c\">x</code></pre>", "🎁 <b>New</b>"})
    CHECK(objection_to_html(good).empty());
  CHECK(objection_to_html("<b>" + std::string(4096, 'x') + "</b>").empty());
}

TEST_CASE("a text is cut between characters, entities whole, open tags closed") {
  CHECK(cut_html("<b>abc</b>", 3) == "<b>abc</b>");
  CHECK(cut_html("<b>abcd</b>e", 4) == "<b>abc…</b>");
  CHECK(cut_html("<b>a&lt;&gt;d</b>", 3) == "<b>a&lt;…</b>");
  CHECK(cut_html("a🎁b", 3) == "a…");
  CHECK(cut_html("<b><i>abcdef</i></b>", 3) == "<b><i>ab…</i></b>");
  const auto text = "<b>é🎁&amp;</b><i>x&lt;y</i> and <code>more</code> <a href=\"h\">z</a>";
  for (std::size_t most = 2; most < 30; ++most) {
    const auto cut = cut_html(text, most);
    CAPTURE(most, cut);
    CHECK(html_length(cut) <= most);
    CHECK(objection_to_html(cut).empty());
  }
}

TEST_CASE("as many texts as fit become one message") {
  const auto two = join_html({"<b>a</b>", "b"});
  CHECK(two.count == 2);
  CHECK(two.html == "<b>a</b>\n\n———\n\nb");
  const std::string half(2000, 'x'), whole(4096, 'y'), more(5000, 'z');
  CHECK(join_html({half, half, half}).count == 2);
  CHECK(join_html({whole, "b"}).count == 1);
  CHECK(join_html({whole, "b"}).html == whole);
  CHECK(html_length(join_html({more, "b"}).html) == 4096);
  for (const auto& all : {join_html({half, half, half}), join_html({more})}) CHECK(objection_to_html(all.html).empty());
}
