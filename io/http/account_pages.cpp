#include "io/http/pages.hpp"
#include "io/http/service.hpp"
#include "messages/chat.hpp"

// What the links in mails open. A page does nothing by being opened: mail programs look at links before people do. Its button does.
namespace paygate {

namespace {

// Data comes from attributes, answers are written by textContent: nothing from outside is ever parsed as HTML or script.
constexpr std::string_view script = R"js(
(function(){
var main=document.querySelector("main"),d=main.dataset,by=function(id){return document.getElementById(id)};
history.replaceState(null,"",location.pathname);
by("go").hidden=false;
by("go").addEventListener("click",function(){
var body={token:d.token},field=by("password");
if(field)body.password=field.value;
by("go").disabled=true;
fetch(d.call,{method:"POST",headers:{"Content-Type":"application/json"},body:JSON.stringify(body),cache:"no-store"}).then(function(r){
return r.json().then(function(p){
if(r.ok){by("text").textContent=d.done;by("go").hidden=true;if(field)field.hidden=true;return}
var why=p.errors&&p.errors[0]&&p.errors[0].detail;
by("text").textContent=why||p.detail||"That did not work.";by("go").disabled=false})
}).catch(function(){by("text").textContent="That did not work. Please try again.";by("go").disabled=false})
});
})();
)js";

struct mail_page {
  std::string_view title, text, call, button, done;
  bool password = false;
};

constexpr mail_page verify_page{"Your e-mail address", "Is this your address? Then confirm it.",         "/api/auth/verify-email",
                                "Confirm my address",  "Your address is confirmed. You can log in now.", false};
constexpr mail_page reset_page{"A new password",
                               "Choose a password of at least 10 characters.",
                               "/api/auth/reset-password",
                               "Set my password",
                               "Your password is set. All sessions were ended; please log in.",
                               true};
constexpr mail_page payout_page{"Another payout address",
                                "Is the address in the mail your wallet? Compare it character by character, then confirm it.",
                                "/api/auth/confirm-payout",
                                "Confirm the new address",
                                "The new address is confirmed. It takes effect at the time that the next mail says.",
                                false};

void show(const mail_page& page, const httplib::Request& request, httplib::Response& response) {
  static const auto policy = policy_for(script);
  const auto token = request.get_param_value("token");
  const bool possible = !token.empty() && token.size() <= 200;
  response.status = possible ? 200 : 400;
  response.set_header("Content-Security-Policy", policy);
  response.set_header("X-Frame-Options", "DENY");
  if (!possible) {
    response.set_content(render_message_page("This link is not valid", "It is not complete. Please copy it from the mail."),
                         "text/html; charset=utf-8");
    return;
  }
  auto html = page_head(page.title) + "<main data-token=\"" + escape_html(token) + "\" data-call=\"" + std::string(page.call)
              + "\" data-done=\"" + std::string(page.done) + "\"><h1>" + std::string(page.title) + "</h1><p id=\"text\" role=\"status\">"
              + std::string(page.text) + "</p>";
  if (page.password)
    html += "<p><input id=\"password\" type=\"password\" minlength=\"10\" maxlength=\"128\" autocomplete=\"new-password\" "
            "aria-label=\"New password\"></p>";
  html += "<p><button id=\"go\" hidden>" + std::string(page.button)
          + "</button></p><noscript><p>This page needs JavaScript.</p></noscript></main><script>";
  html += script;
  response.set_content(html + "</script></body></html>", "text/html; charset=utf-8");
}

} // namespace

void add_account_pages(httplib::Server& server, http_service& service) {
  const auto page = [&service](const char* name, const mail_page& of) {
    return admitted(service, name, [&of](const httplib::Request& q, httplib::Response& r) { show(of, q, r); });
  };
  server.Get("/verify-email/?", page("verify_email_page", verify_page));
  server.Get("/reset-password/?", page("reset_password_page", reset_page));
  server.Get("/confirm-payout/?", page("confirm_payout_page", payout_page));
}

} // namespace paygate
