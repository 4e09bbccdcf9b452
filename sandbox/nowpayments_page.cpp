#include "sandbox/nowpayments.hpp"

namespace sandbox {
namespace {

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) switch (c) {
    case '&': out += "&amp;"; break;
    case '<': out += "&lt;"; break;
    case '>': out += "&gt;"; break;
    case '"': out += "&quot;"; break;
    case '\'': out += "&#39;"; break;
    default: out += c;
    }
  return out;
}

std::string link(const std::string& id, const json& url, const std::string& words) {
  if (url.is_null()) return "";
  return "<p><a id=\"" + id + "\" href=\"" + escaped(url.text()) + "\">" + words + "</a></p>";
}

constexpr auto script = R"(<script>
async function pay(wish) {
  const out = document.getElementById('out');
  out.textContent = 'paying…';
  wish.pay_currency = document.getElementById('coin').value;
  const answer = await fetch('/control/invoices/' + document.body.dataset.invoice + '/pay', {method: 'POST', body: JSON.stringify(wish)});
  out.textContent = JSON.stringify(await answer.json(), null, 1);
}
</script>)";

} // namespace

reply nowpayments::page(const std::string& invoice) {
  const std::lock_guard lock(core_.mutex);
  const auto id = json(invoice).integer();
  const auto found = id ? invoices_.find(*id) : invoices_.end();
  if (found == invoices_.end())
    return {404, "<!doctype html><title>Invoice</title><p>There is no such invoice.", "text/html; charset=utf-8"};
  const auto& of = found->second;
  std::string coins;
  for (const auto& c : all_coins()) coins += "<option value=\"" + c.paid_as + "\">" + escaped(c.name) + "</option>";
  const std::string text =
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Invoice " + invoice
      + "</title><style>body{font:16px sans-serif;max-width:34em;margin:3em auto}button{margin:.2em}</style><body data-invoice=\"" + invoice
      + "\"><h1>Invoice " + invoice + "</h1><p>Sandbox of NOWPayments. No real money moves here.</p><p>"
      + escaped(of.order_description.text_or("")) + "</p><p id=\"amount\">" + plain(of.price) + " " + escaped(of.price_currency)
      + "</p><p><select id=\"coin\">" + coins
      + "</select></p><p><button id=\"pay\" onclick=\"pay({status:'finished',fraction:1})\">Pay</button>"
        "<button onclick=\"pay({status:'partially_paid',fraction:0.4})\">Pay 40 %</button>"
        "<button onclick=\"pay({status:'expired'})\">Let it expire</button>"
        "<button onclick=\"pay({status:'failed'})\">Fail</button>"
        "<button onclick=\"pay({status:'finished',repeat:true})\">Pay once more</button></p><pre id=\"out\"></pre>"
      + link("back", of.success_url, "Back to the shop") + link("cancel", of.cancel_url, "Cancel") + script + "</body></html>";
  return {200, text, "text/html; charset=utf-8"};
}

} // namespace sandbox
