#pragma once

#include <string>
#include <utility>

#include "messages/chat.hpp"
#include "messages/io_account.hpp"

namespace paygate {

/// A mail in the making: paragraphs, and links on lines of their own, each as plain text and as HTML. What a person wrote is escaped there.
class letter {
public:
  explicit letter(std::string subject) { mail_.subject = std::move(subject); }
  letter& say(const std::string& text) {
    mail_.text += text + "\n\n";
    mail_.html += "<p>" + escape_html(text) + "</p>\n";
    return *this;
  }
  letter& link(const std::string& url, const std::string& label) {
    mail_.text += url + "\n\n";
    mail_.html += "<p><a href=\"" + escape_html(url) + "\">" + escape_html(label) + "</a></p>\n";
    return *this;
  }
  send_mail to(const std::string& address) {
    mail_.to = address;
    mail_.html = "<!doctype html>\n<html><body>\n" + mail_.html + "</body></html>\n";
    return mail_;
  }

private:
  send_mail mail_;
};

} // namespace paygate
